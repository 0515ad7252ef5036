"""A batch, its items, and lists of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.answers import Answer
from api.answers.jobs import JobProblem, Milliseconds, Time
from workers.batches.records import BatchOptions, BatchState, ItemState
from workers.jobs.records import Durability

Count = Annotated[int, Field(ge=0)]


class BatchTally(Answer):
    """Items of a batch by their state; always exact."""

    total: Count
    pending: Count
    running: Count
    succeeded: Count
    failed: Count
    cancelled: Count


class BatchIntake(Answer):
    """How far the latest request that brought photos was read."""

    #: receiving: a request is being read, or its gateway was lost: send it again.
    state: Literal["complete", "receiving", "incomplete"]
    #: Why it was not read to its end; null otherwise.
    code: str | None


class BatchLinks(Answer):
    """Where to go on."""

    self: str
    results: str
    #: Of an enrolment null: it takes no more photos by itself.
    items: str | None
    events: str
    cancel: str
    close: str
    retry: str
    #: Of an enrolment: whom it made, what was refused, and why. Null of others.
    report: str | None


class BatchAnswer(Answer):
    """Photos that were submitted together."""

    id: str
    #: partial: some items succeeded, others did not.
    state: BatchState
    counts: BatchTally
    intake: BatchIntake
    #: Whether its end was asked for.
    cancel_asked: bool
    tags: tuple[str, ...]
    #: Of every item, as they were understood, defaults included.
    options: BatchOptions
    #: Whether photos are kept beyond their analysis, until `retry_until`.
    keep_photos: bool
    created_at: Time
    #: Since when it takes no more items; null while it is open.
    closed_at: Time | None
    finished_at: Time | None
    #: Until when failed items can be retried; null until it has ended.
    retry_until: Time | None
    #: When it can't be read any more; null until it has ended.
    expires_at: Time | None
    #: Until the last item has ended, by what was measured; null when nothing was, or it has ended.
    eta_ms: Milliseconds | None
    links: BatchLinks


class BatchReceipt(Answer):
    """What one request brought."""

    #: Items it had.
    received: Count
    #: Of those, new in the batch.
    added: Count
    #: There already, with the same photo.
    known: Count
    #: Not fit to be analysed: in the batch as failed items, with the reason.
    refused: Count
    #: Ids that are in the batch with another photo, at most 100 of them; nothing was changed there.
    conflicts: tuple[str, ...]


class TakenBatch(BatchAnswer):
    """A batch, and what the request brought to it."""

    receipt: BatchReceipt
    #: Whether it is on the store's disk.
    durability: Durability


class BatchItemAnswer(Answer):
    """A photo of a batch."""

    #: In the order they came, from 1.
    number: Annotated[int, Field(ge=1)]
    #: The client's own, or the file's name.
    id: str
    state: ItemState
    #: How often a worker began with it.
    tries: Count
    #: What was found; null until then. An item of an enrolment that was refused has one too.
    result: dict[str, Any] | None
    error: JobProblem | None


class BatchItems(Answer):
    """Items of a batch by their numbers."""

    items: tuple[BatchItemAnswer, ...]
    #: Hand it in as `after` for the next part; null: there are no more now.
    next_cursor: str | None


class BatchList(Answer):
    """One's batches, the latest first."""

    items: tuple[BatchAnswer, ...]
    #: Hand it in as `after` for the next part; null: this was the last.
    next_cursor: str | None


class RetriedBatch(BatchAnswer):
    """A batch whose failed items wait again."""

    #: How many do.
    retried: Count


class AnalysisSummary(Answer):
    """Counts of a small batch that has ended."""

    total_images: Count
    successful: Count
    failed: Count
    #: In all photos.
    total_faces: Count


class AnalysedBatch(BatchAnswer):
    """A small batch that has ended, with everything that was found."""

    results: tuple[BatchItemAnswer, ...]
    summary: AnalysisSummary
