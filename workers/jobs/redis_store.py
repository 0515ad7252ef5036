"""The job store on Redis or Valkey: thin calls to the scripts in `workers/jobs/lua`."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast, get_args

import redis
import structlog

from workers.connections.calls import translated
from workers.contract import JobError, JobRoute, JobState
from workers.errors import (
    IdempotencyConflict,
    JobExpired,
    JobNotFound,
    JobUnreadable,
    LeaseLost,
)
from workers.jobs.batch_key import batch_key
from workers.jobs.hashes import (
    claim_of,
    due_of,
    ended_of,
    error_json,
    job_of,
    new_fields,
    pairs,
    route_args,
    rows,
)
from workers.jobs.scripts import (
    DUE,
    ENDED,
    GONE_PREFIX,
    QUEUES,
    WAITING_PREFIX,
    JobScripts,
    job_key,
)
from workers.jobs.store import (
    ALONE,
    RESEND_CAP_SECONDS,
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
    nothing,
)
from workers.settings.process import Settings

#: Longest wait for the disk on submit; the answer says "pending" beyond it.
FSYNC_WAIT_MS = 1000
#: Jobs looked at for one page of a list: a few milliseconds of the server's time.
LOOKS = 1000

V = TypeVar("V")

_log = structlog.get_logger()


class RedisJobs:
    """JobStore on a client with `decode_responses`."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client = client
        self._resend_ms = int(settings.job_resend_seconds * 1000)
        self._scripts = JobScripts(client, settings)
        self._call = self._scripts.call

    def waiting(self) -> int:
        """See JobStore."""
        with translated():
            return int(self._client.zcard(DUE))

    def backlog(self, queues: Sequence[str]) -> Mapping[str, int]:
        """See JobStore."""
        with translated(), self._client.pipeline(transaction=False) as asked:
            for queue in queues:
                asked.zcard(WAITING_PREFIX + queue)
            return dict(zip(queues, map(int, asked.execute()), strict=True))

    def waiting_queues(self) -> Mapping[str, int]:
        """See JobStore."""
        with translated():
            queues = sorted(cast("set[str]", self._client.smembers(QUEUES)))
        return {queue: jobs for queue, jobs in self.backlog(queues).items() if jobs}

    def ended(self) -> Mapping[Ended, int]:
        """See JobStore."""
        with translated():
            return ended_of(cast("dict[str, str]", self._client.hgetall(ENDED)))

    def recall(self, job_id: str, *, fingerprint: str, cache_key: str = "") -> Submitted | None:
        """See JobStore."""
        return _met(job_id, self._call("recall", job_id, fingerprint, cache_key))

    def submit(
        self, job: NewJob, *, durable: bool = True, on_stored: Callable[[], None] = nothing
    ) -> Submitted:
        """See JobStore."""
        args: list[Any] = [job.id, *route_args(job.route), self._resend_ms, job.fingerprint]
        args += [job.owner, int(job.is_listed), *new_fields(job, batch_key(job.options))]
        with translated():
            connection = self._client.client()
        # One connection: WAITAOF waits for the writes made on its own.
        with connection:
            with translated():
                before = connection.client_id() if durable else 0
                stored = self._scripts.run("submit", args, client=connection)
            if met := _met(job.id, stored):
                return met
            # Outside: an error from here on must not be told as one of storing the job.
            on_stored()
            durability = durability_of(connection, written_by=before) if durable else "memory"
        return Submitted(job=job_of(job.id, pairs(stored[2])), durability=durability)

    def expedite(self, job_id: str) -> None:
        """See JobStore."""
        self._call("expedite", job_id)

    def get(self, job_id: str) -> Job:
        """See JobStore."""
        with translated():
            fields = cast("dict[str, str]", self._client.hgetall(job_key(job_id)))
            if fields:
                return job_of(job_id, fields)
            owner = cast("str | None", self._client.get(GONE_PREFIX + job_id))
        if owner is None:
            raise JobNotFound(f"There is no job '{job_id}'.")
        raise _expired(job_id, owner)

    def list(
        self,
        owner: str,
        *,
        limit: int,
        after: Place | None = None,
        state: JobState | None = None,
        tag: str | None = None,
    ) -> JobPage:
        """See JobStore."""
        place = (after.created_ms, after.id) if after else ("", "")
        asked = (owner, limit, LOOKS, *place, state or "", tag or "")
        created, id_, *found = self._call("list", *asked)
        left = Place(created_ms=int(float(created)), id=id_) if id_ else None
        return JobPage(jobs=_readable(found, job_of), after=left)

    def delete(self, job_id: str) -> Deleted:
        """See JobStore."""
        outcome, value = self._call("delete", job_id)
        if outcome == "missing":
            raise JobNotFound(f"There is no job '{job_id}'.")
        if outcome == "gone":
            raise _expired(job_id, value)
        return Deleted(blob_keys=tuple(json.loads(value)))

    def claim(self, job_id: str, *, claim_id: str) -> Claim | NotClaimed:
        """See JobStore."""
        claimed = self.claim_batch(job_id, claim_id=claim_id, limits=ALONE)
        return claimed if isinstance(claimed, str) else claimed[0]

    def claim_batch(
        self, job_id: str, *, claim_id: str, limits: ClaimLimits
    ) -> Sequence[Claim] | NotClaimed:
        """See JobStore."""
        outcome, *found = self._call(
            "claim", job_id, claim_id, limits.jobs, limits.pixels, *(limits.queues or ())
        )
        if outcome == "claimed":
            # The named job must be readable; one that was taken along is left to its own message.
            named = claim_of(job_id, pairs(found[1]))
            return (named, *_readable(found[2:], claim_of))
        assert outcome in get_args(NotClaimed)  # noqa: S101 - the script's own vocabulary
        return outcome  # type: ignore[no-any-return]  # checked on the line above

    def claim_more(self, like: Job, *, claim_id: str, limits: ClaimLimits) -> Sequence[Claim]:
        """See JobStore."""
        if not like.batch_key:
            return ()
        args = (like.route.queue, like.batch_key, claim_id, limits.jobs, limits.pixels, 0)
        return _readable(self._call("claim_waiting", *args)[1:], claim_of)

    def claim_oldest(
        self, queue: str, *, claim_id: str, limits: ClaimLimits, waited_seconds: float
    ) -> Sequence[Claim]:
        """See JobStore."""
        args = (queue, "", claim_id, limits.jobs, limits.pixels, int(waited_seconds * 1000))
        return _readable(self._call("claim_waiting", *args)[1:], claim_of)

    def renew(self, claim: Claim) -> None:
        """See JobStore."""
        if self.renew_many([claim]) == ("lost",):
            raise LeaseLost

    def renew_many(self, claims: Sequence[Claim]) -> Sequence[Standing]:
        """See JobStore."""
        held = [value for claim in claims for value in (claim.job.id, claim.fence)]
        return tuple(self._call("renew", *held))

    def give_back(self, claim: Claim, *, counted: bool = False) -> None:
        """See JobStore."""
        if not self._call("give_back", claim.job.id, claim.fence, int(counted)):
            raise LeaseLost

    def cancel(self, job_id: str) -> Cancelled:
        """See JobStore."""
        return cast("Cancelled", self._call("cancel", job_id))

    def succeed(self, claim: Claim, result_json: str) -> None:
        """See JobStore."""
        self._finish(claim, JobState.SUCCEEDED, "succeeded", "result", result_json)

    def fail(self, claim: Claim, error: JobError) -> None:
        """See JobStore."""
        self._finish(claim, JobState.FAILED, error.code, "error", error_json(error))

    def end_cancelled(self, claim: Claim) -> None:
        """See JobStore."""
        self._finish(claim, JobState.CANCELLED, "cancelled")

    def reap(self, limit: int) -> Sequence[Reaped]:
        """See JobStore."""
        return tuple(
            Reaped(id=id_, blob_keys=tuple(json.loads(blobs)), state=JobState(state))
            for id_, blobs, state in rows(self._call("reap", limit), 3)
        )

    def due(self, limit: int) -> Sequence[DueJob]:
        """See JobStore."""
        flat = self._call("due", limit, self._resend_ms, RESEND_CAP_SECONDS * 1000)
        return _readable(flat, due_of)

    def waiting_in(self, queue: str, limit: int) -> Sequence[DueJob]:
        """See JobStore."""
        return _readable(self._call("waiting_in", queue, limit), due_of)

    def reroute(self, job_id: str, route: JobRoute) -> bool:
        """See JobStore."""
        return bool(self._call("reroute", job_id, *route_args(route)))

    def _finish(self, claim: Claim, state: JobState, why: str, *answer: str) -> None:
        if not self._call("finish", claim.job.id, claim.fence, state, why, *answer):
            raise LeaseLost


def _readable(found: Sequence[Any], read: Callable[[str, Mapping[str, str]], V]) -> Sequence[V]:
    """What a script answered as id and hash, id and hash; without those that can't be read."""
    kept: list[V] = []
    for id_, flat in rows(found, 2):
        try:
            kept.append(read(id_, pairs(flat)))
        except JobUnreadable as error:
            # The others must not wait for this one.
            _log.error("jobs.unreadable", job_id=id_, error=str(error))
    return tuple(kept)


def _met(job_id: str, answered: Sequence[Any]) -> Submitted | None:
    """What the scripts found instead of nothing; None when that is what they found."""
    outcome = answered[0]
    if outcome == "conflict":
        raise IdempotencyConflict
    if outcome == "expired":
        raise _expired(job_id, "")
    if outcome == "new":
        return None
    job = job_of(answered[1], pairs(answered[2]))
    # Whether its first submission reached the disk is not known here.
    return Submitted(job=job, durability="pending", is_new=False, is_cached=outcome == "cached")


def _expired(job_id: str, owner: str) -> JobExpired:
    return JobExpired(f"The result of job '{job_id}' has expired, or it was deleted.", owner=owner)


def durability_of(connection: redis.Redis, *, written_by: int) -> Durability:
    """Wait until what this connection wrote is on disk, and tell whether it is.

    A connection that broke is made again silently, and one without writes is told "synced" at
    once: so the server's id of the connection must still be the writer's.
    """
    try:
        synced = connection.waitaof(1, 0, FSYNC_WAIT_MS)
        asked_by = connection.client_id()
    except redis.ResponseError:
        return "memory"  # WAITAOF is unknown to the server, or its AOF is off
    except redis.RedisError:
        return "pending"  # the job is stored; only the confirmation is missing
    return "fsynced" if asked_by == written_by and int(synced[0]) >= 1 else "pending"
