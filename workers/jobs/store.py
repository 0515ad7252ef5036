"""The job store: the one authority on what is queued, running and done.

A Celery message is only a wake-up that may come late, twice or never; whoever receives one asks
the store. This is the port; `workers.jobs.memory_store` and
`workers.jobs.redis_store` implement it and pass one contract suite.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from workers.contract import JobError, JobRoute, JobState
from workers.jobs.records import (
    ALONE,
    Cancelled,
    Claim,
    ClaimLimits,
    Deleted,
    DueJob,
    Durability,
    Ended,
    Job,
    JobPage,
    NewJob,
    NotClaimed,
    Place,
    Reaped,
    Standing,
    Submitted,
)

#: The port and its records.
__all__ = [
    "ALONE",
    "POISONED",
    "RESEND_CAP_SECONDS",
    "Cancelled",
    "Claim",
    "ClaimLimits",
    "Deleted",
    "DueJob",
    "Durability",
    "Ended",
    "Job",
    "JobPage",
    "JobStore",
    "NewJob",
    "NotClaimed",
    "Place",
    "Reaped",
    "Standing",
    "Submitted",
    "nothing",
]

#: A queued job's wake-up is sent again after at most this time.
RESEND_CAP_SECONDS = 15 * 60

POISONED = JobError(
    code="poisoned",
    message="Every attempt at this job lost its worker. The image or a model makes workers die; "
    "do not send it again unchanged.",
)


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

    def ended(self) -> Mapping[Ended, int]:
        """How many jobs have ended so since the store began."""
        ...

    def waiting_in(self, queue: str, limit: int) -> Sequence[DueJob]:
        """The waiting jobs of a queue, oldest first; nothing changes."""
        ...

    def recall(self, job_id: str, *, fingerprint: str, cache_key: str = "") -> Submitted | None:
        """What a submission would meet: the job of that id, or an earlier job with its answer.

        What an id was answered with from the cache it is answered with again, as long as that job
        can be read.

        Args:
            job_id: Of the submission; of its own for a request the client did not name.
            fingerprint: Of the request; "" when the client did not name it.
            cache_key: Of the answer; "": only the id is looked for.

        Returns:
            None: neither is known; submit it.

        Raises:
            IdempotencyConflict: the id was given to another request.
            JobExpired: its job has ended and can't be read any more.
        """
        ...

    def submit(
        self, job: NewJob, *, durable: bool = True, on_stored: Callable[[], None] = nothing
    ) -> Submitted:
        """Store a queued job, then wait a moment for the disk.

        Submitting the same id again changes nothing. The job's wake-up falls due after the resend
        time; see `due`.

        Args:
            job: What to store.
            durable: Whether to wait for the disk.
            on_stored: Called between storing and waiting, for what need not wait for the disk;
                not for a job that was known.

        Returns:
            The job as it was stored: queued, or further on when the id was known.

        Raises:
            IdempotencyConflict: the id is known with another fingerprint.
            JobExpired: the id's job has ended and can't be read any more.
        """
        ...

    def expedite(self, job_id: str) -> None:
        """Make a queued job's wake-up due now, because it could not be sent."""
        ...

    def get(self, job_id: str) -> Job:
        """The job.

        Raises:
            JobNotFound: there is none that is known of.
            JobExpired: it has ended and can't be read any more, or was deleted.
        """
        ...

    def list(
        self,
        owner: str,
        *,
        limit: int,
        after: Place | None = None,
        state: JobState | None = None,
        tag: str | None = None,
    ) -> JobPage:
        """An owner's listed jobs, the latest first; what it costs does not grow with their number.

        Args:
            owner: Whose.
            limit: Most jobs of the page.
            after: Where the page before ended.
            state: Only jobs in this state.
            tag: Only jobs with this tag.
        """
        ...

    def delete(self, job_id: str) -> Deleted:
        """Forget a job with its result and its place in every list and in the cache.

        One that waits or runs ends as cancelled first; its worker finds its lease lost. Repeating
        it changes nothing.

        Raises:
            JobNotFound: there is none that is known of.
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
