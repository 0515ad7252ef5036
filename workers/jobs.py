"""The job store: the one authority on what is queued, running and done.

A Celery message is only a wake-up that may come late, twice or never; whoever receives one asks
the store. This is the port; `workers.memory_jobs` and `workers.redis_jobs` implement it and pass
one contract suite.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from workers.contract import AnalyzeOptions, JobError, JobRoute, JobState

#: "fsynced": on disk. "pending": the store holds it, the disk write was not confirmed in time.
#: "memory": the server cannot confirm disk writes.
Durability = Literal["fsynced", "pending", "memory"]
#: Why a wake-up found nothing to do.
NotClaimed = Literal["missing", "busy", "finished", "poisoned", "moved"]
#: What a claim still is. cancelled: it holds, and the job's end was asked for. lost: it does not.
Standing = Literal["held", "cancelled", "lost"]
#: What came of asking for a job's end. asked: its worker will look; finished: it had ended before.
Cancelled = Literal["cancelled", "asked", "finished", "missing"]

#: A queued job's wake-up is sent again after at most this time.
RESEND_CAP_SECONDS = 15 * 60

POISONED = JobError(
    code="poisoned",
    message="Every attempt at this job lost its worker. The image or a model makes workers die; "
    "do not send it again unchanged.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """A job as the gateway submits it."""

    id: str
    options: AnalyzeOptions
    route: JobRoute
    #: Key of the image in the blob store.
    blob_key: str
    #: Of the image, as its header says; counts towards `ClaimLimits.pixels`.
    pixels: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job as the store knows it."""

    id: str
    state: JobState
    options: AnalyzeOptions
    route: JobRoute
    blob_key: str
    #: Grows with every change.
    version: int
    #: Claims so far.
    attempt: int
    #: Milliseconds since 1970 by the store's clock.
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    #: The answer as JSON text, when succeeded.
    result_json: str | None
    #: When failed.
    error: JobError | None
    #: Jobs of one key may share a batch; see `workers.batch_key`. Empty: stored before there were.
    batch_key: str = ""
    #: Of the image, as its header says.
    pixels: int = 0
    #: Whether its end was asked for while it ran.
    cancel_asked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """What the store says of a job it has just taken."""

    job: Job
    durability: Durability


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The right to work on a job until the lease ends."""

    job: Job
    #: Fencing token: a write with an older one is refused.
    fence: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimLimits:
    """How much one claim takes at most."""

    #: Jobs, the named one included.
    jobs: int = 1
    #: Of all images together; the named job is taken however large its image is.
    pixels: int = 0
    #: The queues the claimer serves: a job that waits in another one has moved there, and the
    #: wake-up that is answered is an old one. None: any.
    queues: tuple[str, ...] | None = None


#: A claim of nothing but the named job.
ALONE = ClaimLimits()


@dataclass(frozen=True, kw_only=True, slots=True)
class DueJob:
    """A queued job whose wake-up is to be sent (again)."""

    id: str
    options: AnalyzeOptions
    route: JobRoute


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaped:
    """A job whose worker went silent."""

    id: str
    blob_key: str
    #: Queued again, failed as poisoned, or cancelled.
    state: JobState


def nothing() -> None:
    """Do nothing."""


class JobStore(Protocol):
    """Stores jobs for many processes. Every call is atomic; times are the store's own.

    Every method raises StoreUnavailable when the store does not answer in time. A write may have
    happened then; all writes may be repeated without harm.
    """

    def waiting(self) -> int:
        """Number of queued jobs."""
        ...

    def backlog(self, queues: Sequence[str]) -> Mapping[str, int]:
        """Number of queued jobs of each of these queues, asked for in one call."""
        ...

    def waiting_queues(self) -> Mapping[str, int]:
        """Every queue that has jobs waiting, with their number."""
        ...

    def waiting_in(self, queue: str, limit: int) -> Sequence[DueJob]:
        """The waiting jobs of a queue, oldest first; nothing changes."""
        ...

    def submit(self, job: NewJob, *, on_stored: Callable[[], None] = nothing) -> Submitted:
        """Store a queued job, then wait a moment for the disk.

        Submitting the same id again changes nothing. The job's wake-up falls due after the resend
        time; see `due`.

        Args:
            job: What to store.
            on_stored: Called between storing and waiting, for what need not wait for the disk.

        Returns:
            The job as it was stored: queued, or further on when the id was known.
        """
        ...

    def expedite(self, job_id: str) -> None:
        """Make a queued job's wake-up due now, because it could not be sent."""
        ...

    def get(self, job_id: str) -> Job:
        """The job.

        Raises:
            JobNotFound: there is none, or its result has expired.
        """
        ...

    def claim(self, job_id: str, *, claim_id: str) -> Claim | NotClaimed:
        """Take a queued job, or one whose lease has ended, for one lease.

        Claiming again with the same `claim_id` while the lease holds gives the same claim. A job
        that has used up its attempts fails as poisoned here.
        """
        ...

    def claim_batch(
        self, job_id: str, *, claim_id: str, limits: ClaimLimits
    ) -> Sequence[Claim] | NotClaimed:
        """Take a job as `claim` does and, in the same step, waiting jobs that may share its batch.

        They are of the same queue and batch key and are taken oldest first, each for itself: with
        a fence, a lease, an attempt. A job that has lost a worker before is neither taken along
        nor takes others along, so that one that kills workers takes none with it. The messages of
        jobs that were taken along find nothing to do.

        Returns:
            The named job's claim first; or why there is none.
        """
        ...

    def claim_more(self, like: Job, *, claim_id: str, limits: ClaimLimits) -> Sequence[Claim]:
        """Take waiting jobs that may share a batch with a job, as `claim_batch` does."""
        ...

    def claim_oldest(
        self, queue: str, *, claim_id: str, limits: ClaimLimits, waited_seconds: float
    ) -> Sequence[Claim]:
        """Take the oldest job of a queue, and others along as `claim_batch` does.

        Nothing is taken unless it has waited so long since it was submitted.
        """
        ...

    def renew(self, claim: Claim) -> None:
        """Extend the lease.

        Raises:
            LeaseLost: somebody else has the job, or it has ended.
        """
        ...

    def renew_many(self, claims: Sequence[Claim]) -> Sequence[Standing]:
        """Extend the leases of those that are held; tell of each what it is."""
        ...

    def give_back(self, claim: Claim, *, counted: bool = False) -> None:
        """Queue a claimed job again, due now. Repeating it changes nothing.

        Args:
            claim: Of the job.
            counted: Whether the attempt counts; not when its worker was merely told to stop.

        Raises:
            LeaseLost: somebody else has the job, or it has ended.
        """
        ...

    def cancel(self, job_id: str) -> Cancelled:
        """Ask for a job's end: one that waits ends now, one that runs as soon as its worker looks.

        A running job whose end is written first keeps that end.
        """
        ...

    def end_cancelled(self, claim: Claim) -> None:
        """End a running job as cancelled. Repeating it changes nothing.

        Raises:
            LeaseLost: somebody else has the job, or ended it.
        """
        ...

    def succeed(self, claim: Claim, result_json: str) -> None:
        """End the job with its answer. Repeating it changes nothing.

        Raises:
            LeaseLost: somebody else has the job, or ended it.
        """
        ...

    def fail(self, claim: Claim, error: JobError) -> None:
        """End the job with an error. Repeating it changes nothing.

        Raises:
            LeaseLost: somebody else has the job, or ended it.
        """
        ...

    def reap(self, limit: int) -> Sequence[Reaped]:
        """Queue jobs again whose lease has ended.

        Those without attempts left fail as poisoned; those whose end was asked for are cancelled.
        """
        ...

    def due(self, limit: int) -> Sequence[DueJob]:
        """Queued jobs whose wake-up is due; each is due again later, twice as late every time."""
        ...

    def reroute(self, job_id: str, route: JobRoute) -> bool:
        """Change where a queued job is sent. False when it is not queued any more."""
        ...


class JobWatch(Protocol):
    """Waits for jobs to end."""

    def wait(self, job_id: str, timeout_seconds: float) -> Job:
        """The job, as soon as it has ended or the time is over.

        Raises:
            JobNotFound: there is none.
            StoreUnavailable: the store does not answer.
        """
        ...
