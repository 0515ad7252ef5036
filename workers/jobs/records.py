"""What the job store takes and tells: records without behaviour."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workers.contract import JOB_ID, JobError, JobRoute, JobState
from workers.jobs.options import JobOptions

#: "fsynced": on disk. "pending": the store holds it, the disk write was not confirmed in time.
#: "memory": the server cannot confirm disk writes, or was not asked to.
Durability = Literal["fsynced", "pending", "memory"]
#: Why a wake-up found nothing to do.
NotClaimed = Literal["missing", "busy", "finished", "poisoned", "moved"]
#: What a claim still is. cancelled: it holds, and the job's end was asked for. lost: it does not.
Standing = Literal["held", "cancelled", "lost"]
#: What came of asking for a job's end. asked: its worker will look; finished: it had ended before.
Cancelled = Literal["cancelled", "asked", "finished", "missing"]

#: What `blob_keys` makes of a job's id.
BLOB_KEY = re.compile(rf"(?P<job>{JOB_ID.pattern})(\.[0-9a-f]+)*")

#: Owner of what is made while authentication is off; `api.principal.LOCAL`.
NOBODY = "local"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """A job as the gateway submits it."""

    id: str
    options: JobOptions
    route: JobRoute
    #: Keys of its images or videos in the blob store, in the order its kind wants; see `blob_keys`.
    blob_keys: tuple[str, ...]
    #: Of all images together, as their headers say; counts towards `ClaimLimits.pixels`.
    pixels: int = 0
    #: Whose it is: a user's id.
    owner: str = NOBODY
    #: Words of the owner's to find it by.
    tags: tuple[str, ...] = ()
    #: Of the request, where the client named it with an `Idempotency-Key`; else "".
    fingerprint: str = ""
    #: Under which its answer is found by later requests for the same; "": it is not kept so.
    cache_key: str = ""
    #: Whether it appears in its owner's list. Not: parts of a batch, frames of a live stream.
    is_listed: bool = True
    #: How long its end can be read; None: as long as the store keeps ended jobs.
    ttl_seconds: int | None = None
    #: Told of its end by the request's own wish, besides its owner's webhooks; "": nobody.
    webhook_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job as the store knows it."""

    id: str
    state: JobState
    options: JobOptions
    route: JobRoute
    blob_keys: tuple[str, ...]
    #: Grows with every change.
    version: int
    #: Claims so far.
    attempt: int
    #: Milliseconds since 1970 by the store's clock.
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    #: The answer as JSON text, when succeeded. Lists leave it out.
    result_json: str | None
    #: When failed.
    error: JobError | None
    #: Jobs of one key may share a batch; see `workers.jobs.batch_key`. Empty: it runs alone.
    batch_key: str = ""
    #: Of all images together, as their headers say.
    pixels: int = 0
    #: Whether its end was asked for while it ran.
    cancel_asked: bool = False
    #: Whose it is.
    owner: str = NOBODY
    tags: tuple[str, ...] = ()
    #: Of the request that made it; "" when the client did not name that.
    fingerprint: str = ""
    cache_key: str = ""
    is_listed: bool = True
    #: When it can't be read any more; None until it has ended.
    expires_ms: int | None = None
    webhook_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """What the store says of a job it was asked to take."""

    job: Job
    durability: Durability
    #: False: it was known already, and nothing was changed.
    is_new: bool = True
    #: Whether it is an earlier job with the same answer, under its own id.
    is_cached: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPage:
    """Part of an owner's jobs, the latest first, without their results."""

    jobs: Sequence[Job]
    #: Where the next page begins; None: there is none. A page may be short or empty and have one:
    #: a filter looks at a bounded number of jobs.
    after: "Place | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A job's place in its owner's list; the job itself need not exist any more."""

    created_ms: int
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a job ended."""

    #: As in its options: "analyze", "chunk" of a batch.
    kind: str
    state: JobState
    #: Why it failed; "" when it did not.
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted:
    """A job that was deleted."""

    #: What is left to delete in the blob store.
    blob_keys: tuple[str, ...]


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
    options: JobOptions
    route: JobRoute


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaped:
    """A job whose worker went silent."""

    id: str
    blob_keys: tuple[str, ...]
    #: Queued again, failed as poisoned, or cancelled.
    state: JobState


def blob_keys(job_id: str, count: int, *, nonce: str = "") -> tuple[str, ...]:
    """Keys for the blobs of a job: its id, then `<id>.1` and so on.

    Args:
        job_id: Of the job.
        count: How many blobs.
        nonce: Hexadecimal, in all of them. Of two requests that name one job only one makes it, and
            neither may overwrite or delete what the other's job reads.
    """
    stem = f"{job_id}.{nonce}" if nonce else job_id
    return (stem, *(f"{stem}.{number}" for number in range(1, count)))
