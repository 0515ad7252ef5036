"""Taking a batch's photos: read, stored and told to the batch store group by group."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog
from gunicorn.http.errors import (
    ParseException,
)
from werkzeug.exceptions import HTTPException

from api.batches.photos import PhotoStore, Sent
from api.batches.references import ReferenceReader
from api.batches.wishes import AskedBatch
from api.errors import ApiError
from api.limiting import charge
from api.services import Services
from workers.batches.records import Batch, BatchState, NewBatch, NewItem
from workers.errors import (
    BatchClosed,
    BatchFull,
    BatchNotFound,
    IdempotencyConflict,
    ItemConflict,
)

#: Items told to the batch store in one call.
GROUP_ITEMS = 200
#: A group is told after this time, however small it is: workers can begin.
GROUP_SECONDS = 1.0
#: What `Batch.intake` says while a request reads; it stays when the gateway dies.
RECEIVING = "receiving"
#: What it begins with when all was read: the digest of what was sent follows.
COMPLETE = "sha256:"

_log = structlog.get_logger()


@dataclass(kw_only=True, slots=True)
class Taken:
    """What one request brought."""

    #: Items the request had.
    received: int = 0
    #: Of those, how many are new in the batch.
    added: int = 0
    #: How many were there already, the same.
    known: int = 0
    #: How many can't be analysed and are in the batch as failed.
    refused: int = 0
    #: Ids that are in the batch with another photo; nothing was changed for them.
    conflicts: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """The batch of a request, by its name: the same request gives the same."""

    id: str
    owner: str
    #: "" where the client did not name its request.
    fingerprint: str = ""
    #: The batch, where the request adds to one that is there.
    existing: Batch | None = None
    #: Photos of the request that were counted against limits before.
    charged_images: int = 0


class Intake:
    """Takes the photos of one request into one batch.

    Args:
        parts: Of the gateway.
        named: The batch; made when the first items are here, unless it is there already.
        asked: What is asked of it.
        by_items: Whether its items tell it from another request of the same name; otherwise what
            `tell_apart` is given does.
    """

    def __init__(
        self, parts: Services, named: Named, asked: AskedBatch, *, by_items: bool = True
    ) -> None:
        self._by_items = by_items
        self._parts = parts
        self._named = named
        self._asked = asked
        self._digest = hashlib.sha256()
        self._charged_images = named.charged_images
        #: The batch as it was last seen; None: there is none yet.
        self._batch = named.existing or self._earlier()
        #: Found out before anything is taken: the request's own end makes a batch look the same.
        self._is_replay = named.existing is None and _is_done(self._batch)
        self.taken = Taken()

    @property
    def batch(self) -> Batch | None:
        """The batch; None while there is none."""
        return self._batch

    @property
    def is_replay(self) -> bool:
        """Whether this request was done before: what it sends is compared and not stored."""
        return self._is_replay

    def tell_apart(self, content: bytes) -> None:
        """Take something into what tells two requests of one name apart."""
        self._digest.update(content)

    def take(self, sent: Iterable[Sent]) -> Batch:
        """Take everything, then close the batch unless it is to stay open.

        Raises:
            ApiError: it can't be read to its end, or has nothing in it. What came before the fault
                is in the batch, see `batch`; `incomplete` decides whether that stays open.
            IdempotencyConflict: the request was done before with other photos.
            WorkersError: a store refuses.
        """
        if self.is_replay:
            return self._compare(sent)
        references = ReferenceReader(self._parts, self._named.owner)
        store = PhotoStore(self._parts, self._named.id, references, is_kept=True)
        try:
            self._take_all(store.items(sent))
        except (ApiError, HTTPException, OSError, ParseException) as error:
            self._break_off(error.code if isinstance(error, ApiError) else "upload_incomplete")
            raise
        if self._batch is None and not self._asked.wishes.open:
            raise ApiError("batch_empty", "There is nothing in it that could be a photo.")
        return self._complete()

    def ensure(self) -> Batch:
        """The batch, which is made if there is none yet."""
        if self._batch is None:
            new = NewBatch(
                id=self._named.id,
                options=self._asked.options,
                owner=self._named.owner,
                tags=self._asked.tags,
                fingerprint=self._named.fingerprint,
                keep_photos=self._asked.wishes.keep_photos,
                intake=RECEIVING,
                webhook_url=self._asked.webhook_url,
            )
            self._batch = self._parts.batches.create(new).batch
        return self._batch

    def _earlier(self) -> Batch | None:
        if not self._named.fingerprint:
            return None
        try:
            batch = self._parts.batches.get(self._named.id)
        except BatchNotFound:
            return None
        if batch.fingerprint != self._named.fingerprint:
            raise IdempotencyConflict
        return batch

    def _take_all(self, items: Iterable[NewItem]) -> None:
        group: list[NewItem] = []
        begun = time.monotonic()
        try:
            for item in items:
                self._count(item)
                group.append(item)
                if len(group) == GROUP_ITEMS or time.monotonic() - begun > GROUP_SECONDS:
                    self._tell(group)
                    group, begun = [], time.monotonic()
        finally:
            # Also when reading broke off: these are stored.
            if group:
                self._tell(group)

    def _count(self, item: NewItem) -> None:
        if self._by_items:
            self._digest.update(_line(item))
        self.taken.received += 1
        self.taken.refused += item.error is not None

    def _tell(self, group: Sequence[NewItem]) -> None:
        charge(images=max(0, len(group) - self._charged_images))
        self._charged_images = max(0, self._charged_images - len(group))
        batch = self.ensure()
        try:
            added = self._parts.batches.add_items(batch.id, group)
        except ItemConflict as error:
            self._leave_out(group, frozenset(error.custom_ids))
            return
        except BatchFull as error:
            raise ApiError("batch_too_large", str(error)) from None
        except BatchClosed:
            raise ApiError("batch_closed", "The batch takes no more items.") from None
        new = sum(one.is_new for one in added)
        self.taken.added += new
        self.taken.known += len(added) - new
        self._parts.chunks.feed(batch.id)

    def _leave_out(self, group: Sequence[NewItem], conflicting: frozenset[str]) -> None:
        self.taken.conflicts += sorted(conflicting)
        for item in group:
            if item.custom_id in conflicting and item.blob_key:
                self._parts.blobs.delete(item.blob_key)
        if rest := [item for item in group if item.custom_id not in conflicting]:
            self._tell(rest)

    def _complete(self) -> Batch:
        batch = self.ensure()
        self._parts.batches.note_intake(batch.id, self._completed())
        if self._asked.wishes.open:
            self._batch = self._parts.batches.get(batch.id)
        else:
            self._batch = self._parts.batches.close(batch.id)
            self._parts.chunks.feed(batch.id)
        return self._batch

    def _completed(self) -> str:
        """What is noted of a request that was read to its end."""
        existing = self._named.existing
        if existing is None:
            return COMPLETE + self._digest.hexdigest()
        # The digest of the request that made it, should that come again.
        return existing.intake if existing.intake.startswith(COMPLETE) else ""

    def _break_off(self, code: str) -> None:
        batch = self._batch
        if batch is None or batch.state is not BatchState.OPEN:
            return
        _log.warning("batch.intake_incomplete", batch_id=batch.id, code=code)
        self._parts.batches.note_intake(batch.id, code)
        if self._asked.wishes.incomplete == "close":
            self._batch = self._parts.batches.close(batch.id)
        else:
            self._batch = self._parts.batches.get(batch.id)

    def _compare(self, sent: Iterable[Sent]) -> Batch:
        batch = self.ensure()
        references = ReferenceReader(self._parts, self._named.owner)
        store = PhotoStore(self._parts, batch.id, references, is_kept=False)
        for item in store.items(sent):
            self._count(item)
        if batch.intake != COMPLETE + self._digest.hexdigest():
            raise IdempotencyConflict
        self.taken.known = self.taken.received
        return batch


def _is_done(batch: Batch | None) -> bool:
    """Whether all of the request that made it was taken, so that it takes no more."""
    return (
        batch is not None
        and batch.state is not BatchState.OPEN
        and batch.intake.startswith(COMPLETE)
    )


def _line(item: NewItem) -> bytes:
    found = item.sha256 or (item.error.code if item.error else "")
    return f"{item.custom_id}\0{found}\n".encode()
