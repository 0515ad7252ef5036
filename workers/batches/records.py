"""What the batch store takes and tells: records without behaviour."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from workers.contract import AnalyzeOptions, JobError, JobRoute
from workers.jobs.options import EnrollOptions
from workers.jobs.records import NOBODY

#: What may be asked of a batch's items.
BatchOptions = AnalyzeOptions | EnrollOptions

#: What `item_blob_key` makes of a batch's id.
BLOB_KEY = re.compile(r"(?P<batch>batch_[0-9a-f]{32})\.[0-9a-f]{32}")

#: Parts of uploads and of archives that are being read: they belong to nobody once they are old.
PIECE_KEY = re.compile(r"(upload|spool)_[0-9a-f]{32}\..+")

#: What came of asking for a batch's end. asked: its workers will look; finished: it had ended.
BatchCancelled = Literal["cancelled", "asked", "finished"]


class BatchState(StrEnum):
    """open → running → succeeded | partial | failed | cancelled; a retry leads back to running.

    Items are worked on as soon as they are there: an open batch merely takes more of them.
    """

    OPEN = "open"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether all its items have ended and no more come."""
        return self not in {BatchState.OPEN, BatchState.RUNNING}


class ItemState(StrEnum):
    """pending → running → succeeded | failed | cancelled; back to pending when a worker is lost."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether it will not change any more, unless it is retried."""
        return self not in {ItemState.PENDING, ItemState.RUNNING}


@dataclass(frozen=True, kw_only=True, slots=True)
class NewBatch:
    """A batch as the gateway makes it: without items yet."""

    #: "batch_" and 32 hexadecimal digits.
    id: str
    #: What is asked of every item; its priority is not looked at.
    options: BatchOptions
    #: Whose it is: a user's id.
    owner: str = NOBODY
    #: Words of the owner's to find it by.
    tags: tuple[str, ...] = ()
    #: Of the request, where the client named it with an `Idempotency-Key`; else "".
    fingerprint: str = ""
    #: Where its end is told; "": nowhere but to the owner's own webhooks.
    webhook_url: str = ""
    #: Whether photos of items that have succeeded are kept as long as those of failed ones.
    keep_photos: bool = False
    #: See `Batch.intake`.
    intake: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchCounts:
    """Items of a batch by their state; always exact."""

    total: int = 0
    pending: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A batch as the store knows it."""

    id: str
    state: BatchState
    options: BatchOptions
    owner: str
    tags: tuple[str, ...]
    fingerprint: str
    counts: BatchCounts
    #: Grows with every change, of its items too.
    version: int
    #: Milliseconds since 1970 by the store's clock.
    created_ms: int
    #: Since when it takes no more items; None while it is open.
    closed_ms: int | None
    finished_ms: int | None
    #: When it can't be read any more; None until it has ended.
    expires_ms: int | None
    #: Until when failed items can be retried; None until it has ended.
    retry_until_ms: int | None
    #: Until the last item there is now has ended, by what was measured in the last minute; None
    #: when it has ended or nothing was measured.
    eta_ms: int | None
    #: Whether its end was asked for.
    cancel_asked: bool = False
    webhook_url: str = ""
    keep_photos: bool = False
    #: What the gateway noted of the request that brings its items: "" when it is complete,
    #: "receiving" while it is read or after its gateway died, else why it broke off, as code.
    intake: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CreatedBatch:
    """What the store says of a batch it was asked to take."""

    batch: Batch
    #: False: it was known already, and nothing was changed.
    is_new: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NewItem:
    """A photo of a batch, or why there is none."""

    #: The client's own; unique in the batch.
    custom_id: str
    #: Key of the photo in the blob store, see `item_blob_key`; "" for what failed at intake.
    blob_key: str = ""
    #: Of the photo's file; "" for what failed at intake.
    sha256: str = ""
    #: As its header says.
    pixels: int = 0
    #: Of enrolment: id of the person it shows. Never a name: items are not encrypted.
    subject: str = ""
    #: That person's leaf: items are nobody's who was made anew under the id. None: whoever has it.
    leaf: int | None = None
    #: Why it can't be analysed: it is stored as failed.
    error: JobError | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AddedItem:
    """What became of an item that was added."""

    custom_id: str
    #: In the order they came, from 1.
    number: int
    #: False: the same item was there already.
    is_new: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """An item as the store knows it."""

    number: int
    custom_id: str
    state: ItemState
    #: How often a worker began with it, this round included; a retry starts again at 0.
    tries: int
    #: The answer as JSON text, when succeeded; when failed, what was found out all the same.
    result_json: str | None
    #: When failed.
    error: JobError | None
    #: "" when it failed at intake. What it names is deleted when the item has succeeded.
    blob_key: str
    pixels: int
    #: See NewItem.
    subject: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemPage:
    """Part of a batch's items, by their numbers."""

    items: Sequence[Item]
    #: Number to go on after; None: there are no more now.
    after: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchPlace:
    """A batch's place in its owner's list; the batch itself need not exist any more."""

    created_ms: int
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchPage:
    """Part of an owner's batches, the latest first."""

    batches: Sequence[Batch]
    #: Where the next page begins; None: there is none. A page may be short or empty and have one:
    #: a filter looks at a bounded number of batches.
    after: BatchPlace | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkWish:
    """A chunk that is to be made of a batch's pending items."""

    #: The job's id: made anew for every chunk, the same again when a call is repeated.
    id: str
    batch_id: str
    route: JobRoute
    #: Most items.
    items: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HungryBatch:
    """A batch that has pending items and fewer chunks waiting than it may have."""

    id: str
    owner: str
    options: BatchOptions
    #: Items.
    pending: int
    #: Chunks that wait or are worked on.
    chunks: int
    #: Mean time one item took, ms; None: none was measured yet.
    item_ms: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkItem:
    """An item a worker has taken and that has not ended."""

    number: int
    blob_key: str
    pixels: int
    #: Workers that began with it and did not end it.
    tries: int
    #: Whether its photo is kept although it succeeds.
    keeps_photo: bool = False
    #: See NewItem.
    custom_id: str = ""
    sha256: str = ""
    subject: str = ""
    leaf: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemEnd:
    """An item's end."""

    number: int
    #: The answer as JSON text; of one that failed, what was found out all the same, or None.
    result_json: str | None = None
    error: JobError | None = None
    #: Whether its photo is still there, so that it can be retried.
    has_blob: bool = field(default=True)


def item_blob_key(batch_id: str, custom_id: str, sha256: str) -> str:
    """Where an item's photo is stored.

    The same for the same photo of the same item, so that an upload can be repeated; never that of
    another item or of another photo, so that none overwrites or deletes what an item needs.
    """
    digest = hashlib.sha256(f"{sha256}:{custom_id}".encode()).hexdigest()
    return f"{batch_id}.{digest[:32]}"
