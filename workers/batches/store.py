"""The batch store: what is asked of many photos at once, and how far each of them has got.

A batch is a list of numbered items. Workers take them in chunks: hidden jobs of the job store, so
that leases, fences, attempts and routes are the same as of every other job. There are two ports,
because there are two sides: the gateway's and the workers'. `workers.batches.redis_store` and
`workers.batches.redis_chunks` implement them.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from workers.batches.records import (
    AddedItem,
    Batch,
    BatchCancelled,
    BatchPage,
    BatchPlace,
    BatchState,
    ChunkItem,
    ChunkWish,
    CreatedBatch,
    HungryBatch,
    ItemEnd,
    ItemPage,
    ItemState,
    NewBatch,
    NewItem,
)
from workers.contract import JobError
from workers.jobs.records import Claim, Durability

#: Most items that one call adds.
MOST_ADDED = 1000
#: Most items or batches of a page.
MOST_LISTED = 1000

POISONED_ITEM = JobError(
    code="poisoned",
    message="Every try at this item lost its worker. The image or a model makes workers die; "
    "do not send it again unchanged.",
)


class BatchStore(Protocol):
    """Stores batches for many processes. Every call is atomic; times are the store's own.

    Every method raises StoreUnavailable when the store does not answer in time. A write may have
    happened then; all writes may be repeated without harm. Every method that names a batch raises
    BatchNotFound when there is none, and BatchExpired when it has ended and can't be read any more
    or was deleted.
    """

    def create(self, batch: NewBatch) -> CreatedBatch:
        """Store a batch without items, open.

        Raises:
            IdempotencyConflict: the id is known with another fingerprint.
            BatchExpired: the id's batch has ended and can't be read any more.
        """
        ...

    def add_items(self, batch_id: str, items: Sequence[NewItem]) -> Sequence[AddedItem]:
        """Add items to an open batch: all of the call, or none.

        An item that is there already with the same photo, subject or error changes nothing, also
        when the batch is closed. Workers take new items within seconds; `ChunkFeeder.feed` makes
        it at once.

        Args:
            batch_id: The batch.
            items: At most MOST_ADDED.

        Raises:
            ItemConflict: one or more are there already with another photo or subject.
            BatchClosed: it takes no more items.
            BatchFull: it would have more than the `batch_max_items` setting allows.
        """
        ...

    def note_people(self, batch_id: str, people: Mapping[str, bool]) -> None:
        """Note whom an enrolment is about to make; whoever is noted stays as noted.

        Args:
            batch_id: The batch.
            people: By a person's id whether they were not there; at most MOST_ADDED.

        Raises:
            BatchClosed: it takes no more items.
        """
        ...

    def people(self, batch_id: str) -> Mapping[str, bool]:
        """Everybody who was noted."""
        ...

    def note_intake(self, batch_id: str, intake: str) -> None:
        """Note how far the request is that brings the items; see `Batch.intake`."""
        ...

    def close(self, batch_id: str) -> Batch:
        """Take no more items. It ends when all have; at once when they have already."""
        ...

    def confirm(self) -> Durability:
        """Wait a moment until everything written so far, by anybody, is on disk; tell whether."""
        ...

    def get(self, batch_id: str) -> Batch:
        """The batch."""
        ...

    def items(
        self, batch_id: str, *, after: int = 0, limit: int = 100, state: ItemState | None = None
    ) -> ItemPage:
        """Items by their numbers.

        Args:
            batch_id: The batch.
            after: Number to go on after; 0: from the first.
            limit: 1 to MOST_LISTED.
            state: Only those in this state.
        """
        ...

    def list(
        self,
        owner: str,
        *,
        limit: int,
        after: BatchPlace | None = None,
        state: BatchState | None = None,
        tag: str | None = None,
    ) -> BatchPage:
        """An owner's batches, the latest first.

        Args:
            owner: Whose.
            limit: 1 to MOST_LISTED.
            after: Where the page before ended.
            state: Only those in this state.
            tag: Only those with this tag.
        """
        ...

    def cancel(self, batch_id: str) -> BatchCancelled:
        """Ask for a batch's end: pending items end now, running ones as soon as workers look.

        What has ended stays readable. A batch that has ended keeps its end.
        """
        ...

    def retry_failed(self, batch_id: str, *, only_retryable: bool = False) -> int:
        """Make failed items pending again whose photo is still there; a batch that ended goes on.

        Photos of failed items are kept for the `batch_retry_seconds` setting after the end.

        Args:
            batch_id: The batch.
            only_retryable: Only those whose error says that the same request may succeed later.

        Returns:
            How many items wait again.

        Raises:
            BatchIsCancelled: its end was asked for.
            BatchRetryOver: it has ended too long ago.
        """
        ...

    def delete(self, batch_id: str) -> None:
        """Forget a batch that has ended. Photos it still has are deleted by the sweep.

        Raises:
            BatchNotEnded: cancel it first.
        """
        ...

    def keeps_blobs(self, batch_id: str) -> bool:
        """Whether photos of the batch may still be needed; False when it is unknown."""
        ...


class ChunkStore(Protocol):
    """The workers' side of batches. Every call is atomic and may be repeated without harm.

    Every method raises StoreUnavailable when the store does not answer in time.
    """

    def tend(self, limit: int) -> Sequence[HungryBatch]:
        """Look after batches that have not ended, those first that have waited longest for it.

        Gives back items of chunks that ended without them, closes what was left open, ends what is
        done.

        Args:
            limit: Most batches; the next call goes on.

        Returns:
            Those that could do with a chunk.
        """
        ...

    def hunger(self, batch_id: str) -> HungryBatch | None:
        """The batch, if it could do with a chunk."""
        ...

    def make_chunk(self, wish: ChunkWish) -> int:
        """Take pending items, lowest numbers first, and queue a hidden job for them, in one step.

        The job's wake-up falls due after the resend time.

        Returns:
            How many items it has; 0: nothing was made.
        """
        ...

    def unfinished(self, claim: Claim) -> Sequence[ChunkItem]:
        """The chunk's items that have not ended, in their order.

        Raises:
            LeaseLost: somebody else has the chunk, or it has ended.
        """
        ...

    def begin(self, claim: Claim, numbers: Sequence[int], *, step: str) -> Sequence[int]:
        """Count a try of items, right before they are worked on.

        One that has lost as many workers as the `job_max_attempts` setting allows fails here as
        poisoned.

        Args:
            claim: Of the chunk.
            numbers: Of items of it.
            step: Made anew for every micro-batch: a repeated call counts no second try.

        Returns:
            Those that may be worked on.

        Raises:
            LeaseLost: see `unfinished`.
        """
        ...

    def take_back(self, claim: Claim, numbers: Sequence[int], *, step: str) -> None:
        """Undo `begin`: the worker was told to stop, which is no item's fault.

        Raises:
            LeaseLost: see `unfinished`.
        """
        ...

    def end_items(self, claim: Claim, ends: Sequence[ItemEnd], *, busy_ms: float) -> None:
        """Write the ends of items; one that has ended already keeps its end.

        Args:
            claim: Of the chunk.
            ends: Of items of it.
            busy_ms: What they took together, for the size of chunks to come.

        Raises:
            LeaseLost: see `unfinished`.
        """
        ...

    def release(self, claim: Claim) -> int:
        """Give back what is left of a chunk, before its job ends. Repeating it changes nothing.

        Returns:
            How many items wait again, or were cancelled with their batch.

        Raises:
            LeaseLost: see `unfinished`.
        """
        ...
