"""The job store on Redis or Valkey: thin calls to the scripts in `workers/lua`.

Keys share one hash tag; docs/reference/redis-keys.md describes them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import Any, TypeVar, cast, get_args

import redis
import structlog
from redis.commands.core import Script

from workers.batch_key import batch_key
from workers.contract import JobError, JobRoute, JobState
from workers.errors import JobNotFound, JobUnreadable, LeaseLost, StoreRefused, StoreUnavailable
from workers.job_hashes import claim_of, due_of, error_json, job_of, pairs, route_args, rows
from workers.jobs import (
    ALONE,
    POISONED,
    RESEND_CAP_SECONDS,
    Cancelled,
    Claim,
    ClaimLimits,
    DueJob,
    Durability,
    Job,
    NewJob,
    NotClaimed,
    Reaped,
    Standing,
    Submitted,
    nothing,
)
from workers.settings import Settings

PREFIX = "fs:{jobs}:"
JOB_PREFIX = PREFIX + "job:"
DUE = PREFIX + "due"
LEASES = PREFIX + "leases"
EVENTS = PREFIX + "events"
QUEUES = PREFIX + "queues"
WAITING_PREFIX = PREFIX + "waiting:"
GROUP_PREFIX = PREFIX + "group:"
CLAIM_PREFIX = PREFIX + "claim:"
#: Channel on which the id of every ended job is published.
ENDED_CHANNEL = PREFIX + "ended"
#: Longest wait for the disk on submit; the answer says "pending" beyond it.
FSYNC_WAIT_MS = 1000
#: Errors a server answers while it can't work; all others are faults of ours.
AWAY = ("OOM", "LOADING", "READONLY", "MISCONF", "NOAUTH", "NOPERM", "MASTERDOWN", "BUSY")

V = TypeVar("V")

_log = structlog.get_logger()


#: The files of `workers/lua`, each sent with `prelude.lua` before it.
SCRIPTS = (
    "submit",
    "claim",
    "claim_waiting",
    "renew",
    "give_back",
    "finish",
    "cancel",
    "reap",
    "due",
    "waiting_in",
    "expedite",
    "reroute",
)


def job_key(job_id: str) -> str:
    """Key of a job's hash."""
    return JOB_PREFIX + job_id


class RedisJobs:
    """JobStore on a client with `decode_responses`."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client = client
        self._resend_ms = int(settings.job_resend_seconds * 1000)
        #: What the prelude reads; see there.
        self._head: tuple[Any, ...] = (
            PREFIX,
            settings.job_events_kept,
            settings.result_ttl_seconds,
            ENDED_CHANNEL,
            int(settings.job_lease_seconds * 1000),
            settings.job_max_attempts,
            error_json(POISONED),
        )
        folder = resources.files("workers") / "lua"
        prelude = (folder / "prelude.lua").read_text(encoding="utf-8")
        self._scripts: dict[str, Script] = {
            name: client.register_script(
                prelude + (folder / f"{name}.lua").read_text(encoding="utf-8")
            )
            for name in SCRIPTS
        }

    def waiting(self) -> int:
        """See JobStore."""
        with _translated():
            return int(self._client.zcard(DUE))

    def backlog(self, queues: Sequence[str]) -> Mapping[str, int]:
        """See JobStore."""
        with _translated(), self._client.pipeline(transaction=False) as asked:
            for queue in queues:
                asked.zcard(WAITING_PREFIX + queue)
            return dict(zip(queues, map(int, asked.execute()), strict=True))

    def waiting_queues(self) -> Mapping[str, int]:
        """See JobStore."""
        with _translated():
            queues = sorted(cast("set[str]", self._client.smembers(QUEUES)))
        return {queue: jobs for queue, jobs in self.backlog(queues).items() if jobs}

    def submit(self, job: NewJob, *, on_stored: Callable[[], None] = nothing) -> Submitted:
        """See JobStore."""
        args: list[Any] = [job.id, *route_args(job.route), job.options.model_dump_json()]
        args += [job.blob_key, batch_key(job.options), job.pixels, self._resend_ms]
        with _translated():
            connection = self._client.client()
        # One connection: WAITAOF waits for the writes made on its own.
        with connection:
            with _translated():
                before = connection.client_id()
                stored = self._run("submit", args, client=connection)
            # Outside: an error from here on must not be told as one of storing the job.
            on_stored()
            durability = _durability(connection, written_by=before)
        return Submitted(job=job_of(job.id, pairs(stored)), durability=durability)

    def expedite(self, job_id: str) -> None:
        """See JobStore."""
        self._call("expedite", job_id)

    def get(self, job_id: str) -> Job:
        """See JobStore."""
        with _translated():
            fields = cast("dict[str, str]", self._client.hgetall(job_key(job_id)))
        if not fields:
            raise JobNotFound(f"There is no job '{job_id}', or its result has expired.")
        return job_of(job_id, fields)

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
            Reaped(id=id_, blob_key=blob, state=JobState(state))
            for id_, blob, state in rows(self._call("reap", limit), 3)
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

    def _call(self, name: str, *args: Any) -> Any:  # noqa: ANN401 - texts, numbers; a reply
        with _translated():
            return self._run(name, args)

    def _run(self, name: str, args: Sequence[Any], client: redis.Redis | None = None) -> Any:  # noqa: ANN401 - as above
        keys = [DUE, LEASES, EVENTS]
        return self._scripts[name](keys=keys, args=[*self._head, *args], client=client)


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


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except redis.ResponseError as error:
        if type(error) is redis.ResponseError and not str(error).startswith(AWAY):
            raise  # a fault of ours: the store did answer
        raise StoreRefused(f"The job store takes nothing now: {error}.") from error
    except redis.RedisError as error:
        raise StoreUnavailable(f"The job store did not answer: {error}.") from error


def _durability(connection: redis.Redis, *, written_by: int) -> Durability:
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
