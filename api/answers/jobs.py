"""A job, and lists of them."""

from typing import Annotated, Any

from pydantic import Field

from api.answers import Answer
from workers.contract import JobState
from workers.jobs.options import JobKind, JobOptions
from workers.jobs.records import Durability

#: RFC 3339, UTC, milliseconds.
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Milliseconds = Annotated[int, Field(ge=0)]


class JobProblem(Answer):
    """Why a job failed."""

    #: Stable; docs/reference/errors.md lists them.
    code: str
    message: str
    #: Whether the same request may succeed later.
    retryable: bool


class RouteTaken(Answer):
    """Where a job was sent, and why."""

    queue: str
    reason: str
    #: Null on the CPU.
    device: str | None
    #: The reason as a sentence, with its figures.
    message: str
    #: From then to the job's end as it was expected; null until something was measured.
    expected_ms: Milliseconds | None


class JobLinks(Answer):
    """Where to go on."""

    self: str
    events: str
    cancel: str


class JobSummary(Answer):
    """A job without its result."""

    id: str
    kind: JobKind
    state: JobState
    #: How often a worker has begun it.
    attempt: Annotated[int, Field(ge=0)]
    #: Whether its end was asked for while it ran.
    cancel_asked: bool
    tags: tuple[str, ...]
    #: As they were understood, defaults included.
    options: JobOptions
    route: RouteTaken
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    #: When it can't be read any more; null until it has ended.
    expires_at: Time | None
    #: From creation to the latest start; null before.
    waited_ms: Milliseconds | None
    error: JobProblem | None
    links: JobLinks


class JobAnswer(JobSummary):
    """A job."""

    #: What was found; null until it has succeeded.
    result: dict[str, Any] | None


class AcceptedJob(JobAnswer):
    """A job that was taken."""

    #: Whether it is on the store's disk.
    durability: Durability


class JobList(Answer):
    """One's jobs, the latest first, without their results."""

    items: tuple[JobSummary, ...]
    #: Hand it in as `after` for the next part; null: this was the last.
    next_cursor: str | None
