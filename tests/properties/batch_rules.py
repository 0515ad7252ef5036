"""What a gateway does to batches, as rules; workers are in tests.properties.batch_machine."""

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.contract.batches.world import (
    World,
    batch_id,
    broken,
    photo,
    world,
)
from tests.properties.batch_model import RETRY_SECONDS, Model, ModelBatch
from workers.batches.records import NewBatch, NewItem
from workers.contract import AnalyzeOptions, JobState
from workers.errors import (
    BatchClosed,
    BatchIsCancelled,
    BatchNotEnded,
    BatchRetryOver,
    ItemConflict,
)
from workers.jobs.store import Claim

PICK = st.integers(0, 9)
#: Items of a batch by name; some come twice, some with another photo.
NAMES = st.lists(st.sampled_from("abcdefghijkl"), min_size=1, max_size=6)
#: Stands for the usual photo, but of another person than the usual one.
SOMEBODY_ELSE = "of somebody else"


def _photo(batch: str, name: str, content: str) -> NewItem:
    if content == SOMEBODY_ELSE:
        return replace(photo(batch, name), subject="ben")
    return photo(batch, name, content)


class GatewayRules(RuleBasedStateMachine):
    """Batches of one owner; a subclass says in which store."""

    client: ClassVar[redis.Redis]

    def __init__(self) -> None:
        super().__init__()
        self.client.flushdb()
        self.it: World = world(self.client)
        self.model = Model()
        self.claims: list[Claim] = []
        #: Batches that were deleted or have expired, not long ago.
        self.gone: set[str] = set()

    @initialize(names=NAMES)
    def start(self, names: list[str]) -> None:
        """A batch with items."""
        self.create()
        self.add(0, names, "a photo")

    # -- what the gateway does --------------------------------------------------------------------

    @rule()
    def create(self) -> None:
        """A batch, if there are few that go on."""
        if sum(not batch.end for batch in self.model.batches.values()) < 3:
            made = NewBatch(id=batch_id(next(self.it.numbers)), options=AnalyzeOptions())
            assert self.it.batches.create(made).is_new
            assert not self.it.batches.create(made).is_new
            self.model.batches[made.id] = ModelBatch(added_at=self.model.now)

    @rule(
        pick=PICK,
        names=NAMES,
        content=st.sampled_from(["a photo", "a photo", "another", SOMEBODY_ELSE]),
    )
    def add(self, pick: int, names: list[str], content: str) -> None:
        """Items, of which some may be there; one name stands for what is refused at intake."""
        if (batch := self.picked(pick)) is None:
            return
        found = self.model.batches[batch]
        items = [broken(n) if n == "l" else _photo(batch, n, content) for n in names]
        known = [name for name in names if name in found.numbers]
        others = {
            n for n in known if n != "l" and found.items[found.numbers[n] - 1].content != content
        }
        fresh = [name for name in dict.fromkeys(names) if name not in found.numbers]
        if others:
            self.refused(ItemConflict, lambda: self.it.batches.add_items(batch, items))
        elif fresh and found.is_closed:
            self.refused(BatchClosed, lambda: self.it.batches.add_items(batch, items))
        else:
            for name in fresh:
                self.model.add(batch, name, content, is_broken=name == "l")
            for _ in range(2):
                added = self.it.batches.add_items(batch, items)
                assert [one.number for one in added] == [found.numbers[n] for n in names]

    @rule(pick=PICK)
    def close(self, pick: int) -> None:
        """It takes no more items."""
        if (batch := self.picked(pick)) is not None:
            self.it.batches.close(batch)
            self.model.batches[batch].is_closed = True
            self.model.batches[batch].settle_state(self.model.now)

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        """Its end is asked for."""
        if (batch := self.picked(pick)) is not None:
            self.it.batches.cancel(batch)
            self.model.cancel(batch)

    @rule(pick=PICK, only_retryable=st.booleans())
    def retry(self, pick: int, only_retryable: bool) -> None:
        """What failed is to be tried again."""
        if (batch := self.picked(pick)) is None:
            return
        found = self.model.batches[batch]

        def retried() -> int:
            return self.it.batches.retry_failed(batch, only_retryable=only_retryable)

        if found.is_cancelled:
            self.refused(BatchIsCancelled, retried)
        elif found.end and self.model.now - found.ended_at > RETRY_SECONDS:
            self.refused(BatchRetryOver, retried)
        else:
            assert retried() == self.model.retry(batch, only_retryable=only_retryable)

    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        """It is to be forgotten."""
        if (batch := self.picked(pick)) is None:
            return
        if self.model.batches[batch].end:
            self.it.batches.delete(batch)
            del self.model.batches[batch]
            self.gone.add(batch)
        else:
            self.refused(BatchNotEnded, lambda: self.it.batches.delete(batch))

    # -- steps ------------------------------------------------------------------------------------

    def waiting(self) -> list[str]:
        """Chunks that wait."""
        due = (self.it.jobs.get(one.id) for one in self.it.jobs.waiting_in("cpu.bulk", 1000))
        return [job.id for job in due if job.state is JobState.QUEUED]

    def picked(self, pick: int) -> str | None:
        """One of the batches."""
        names = sorted(self.model.batches)
        return names[pick % len(names)] if names else None

    def claimed(self, pick: int) -> Claim | None:
        """One of the claims there ever were, rather a late one."""
        return self.claims[-1 - pick % len(self.claims)] if self.claims else None

    def held(self, pick: int) -> Claim | None:
        """One of the claims that hold, rather a late one."""
        held = [claim for claim in self.claims if self.holds(claim)]
        return held[-1 - pick % len(held)] if held else None

    def numbers(self, claim: Claim, places: set[int]) -> list[int]:
        """Items of a chunk by their places in it; some of other chunks."""
        own = self.model.chunks[claim.job.id].numbers
        return sorted({own[p] if p < len(own) else p + 1 for p in places})

    def holds(self, claim: Claim) -> bool:
        """Whether a claim still is one."""
        chunk = self.model.chunks[claim.job.id]
        return chunk.state == "running" and chunk.fence == claim.fence

    @staticmethod
    def refused(error: type[Exception], call: Callable[[], object]) -> None:
        """The store says no."""
        try:
            call()
        except error:
            return
        raise AssertionError(error)
