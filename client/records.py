"""What the gateway answers, as typed records. Members this version does not know are kept."""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
BatchState = Literal["open", "running", "succeeded", "partial", "failed", "cancelled"]
ItemState = Literal["pending", "running", "succeeded", "failed", "cancelled"]

T = TypeVar("T")


class Record(BaseModel):
    """Something the gateway told."""

    model_config = ConfigDict(frozen=True, extra="allow")


class JobProblem(Record):
    """Why a job or an item did not succeed."""

    #: Stable; see docs/reference/errors.md.
    code: str
    message: str
    #: Whether the same request may succeed later.
    retryable: bool = False


class Job(Record):
    """A photo, pair, series or video and what is asked of it."""

    id: str
    state: JobState
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    #: Claims by workers so far.
    attempt: int = 0
    tags: tuple[str, ...] = ()
    #: The answer, when it succeeded.
    result: dict[str, Any] | None = None
    error: JobProblem | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it will not change any more."""
        return self.state not in {"queued", "running"}


class BatchCounts(Record):
    """Items of a batch by state; always exact."""

    total: int
    pending: int
    running: int
    succeeded: int
    failed: int
    cancelled: int

    @property
    def ended(self) -> int:
        """Items that will not change any more."""
        return self.succeeded + self.failed + self.cancelled


class Batch(Record):
    """Photos submitted together."""

    id: str
    state: BatchState
    created_at: datetime
    finished_at: datetime | None = None
    counts: BatchCounts
    #: Expected until the end, milliseconds; None: nothing was measured yet.
    eta_ms: int | None = None
    tags: tuple[str, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether it will not change any more, unless its failed items are tried again."""
        return self.state not in {"open", "running"}


class BatchItem(Record):
    """One photo of a batch."""

    #: Place in the batch, from 1.
    number: int
    #: The sender's own name for it.
    id: str
    state: ItemState
    result: dict[str, Any] | None = None
    error: JobProblem | None = None


class Page(Record, Generic[T]):
    """A part of a list."""

    items: tuple[T, ...]
    #: Hand it in for the next part; None: this was the last.
    next_cursor: str | None = None
