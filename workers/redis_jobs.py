"""The job store on Redis or Valkey: thin calls to the scripts in `workers/lua`.

Keys share one hash tag; docs/reference/redis-keys.md describes them.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib import resources
from typing import Any, cast, get_args

import redis
import structlog
from pydantic import ValidationError
from redis.commands.core import Script

from workers.contract import AnalyzeOptions, JobError, JobRoute, JobState
from workers.errors import JobNotFound, JobUnreadable, LeaseLost, StoreRefused, StoreUnavailable
from workers.jobs import (
    POISONED,
    RESEND_CAP_SECONDS,
    Claim,
    DueJob,
    Durability,
    Job,
    NewJob,
    NotClaimed,
    Reaped,
    Submitted,
    nothing,
)
from workers.settings import Settings

PREFIX = "fs:{jobs}:"
JOB_PREFIX = PREFIX + "job:"
DUE = PREFIX + "due"
LEASES = PREFIX + "leases"
EVENTS = PREFIX + "events"
#: Channel on which the id of every ended job is published.
ENDED_CHANNEL = PREFIX + "ended"
#: Longest wait for the disk on submit; the answer says "pending" beyond it.
FSYNC_WAIT_MS = 1000
#: Errors a server answers while it can't work; all others are faults of ours.
AWAY = ("OOM", "LOADING", "READONLY", "MISCONF", "NOAUTH", "NOPERM", "MASTERDOWN", "BUSY")

_log = structlog.get_logger()


def job_key(job_id: str) -> str:
    """Key of a job's hash."""
    return JOB_PREFIX + job_id


class RedisJobs:
    """JobStore on a client with `decode_responses`."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client = client
        self._lease_ms = int(settings.job_lease_seconds * 1000)
        self._resend_ms = int(settings.job_resend_seconds * 1000)
        self._max_attempts = settings.job_max_attempts
        self._ttl_seconds = settings.result_ttl_seconds
        self._events_kept = settings.job_events_kept
        folder = resources.files("workers") / "lua"
        self._scripts: dict[str, Script] = {
            name: client.register_script((folder / f"{name}.lua").read_text(encoding="utf-8"))
            for name in ("submit", "claim", "renew", "finish", "reap", "due", "reroute", "expedite")
        }

    def waiting(self) -> int:
        """See JobStore."""
        with _translated():
            return int(self._client.zcard(DUE))

    def submit(self, job: NewJob, *, on_stored: Callable[[], None] = nothing) -> Submitted:
        """See JobStore."""
        args: list[Any] = [
            job.id,
            job.options.model_dump_json(),
            job.route.queue,
            job.route.reason,
            job.route.device or "",
            job.blob_key,
            self._resend_ms,
            self._events_kept,
        ]
        with _translated():
            connection = self._client.client()
        # One connection: WAITAOF waits for the writes made on its own.
        with connection:
            with _translated():
                before = connection.client_id()
                stored = self._scripts["submit"](
                    keys=[job_key(job.id), DUE, EVENTS], args=args, client=connection
                )
            # Outside: an error from here on must not be told as one of storing the job.
            on_stored()
            durability = _durability(connection, written_by=before)
        return Submitted(job=_job(job.id, _pairs(stored)), durability=durability)

    def expedite(self, job_id: str) -> None:
        """See JobStore."""
        self._call("expedite", [job_key(job_id), DUE], [job_id])

    def get(self, job_id: str) -> Job:
        """See JobStore."""
        with _translated():
            fields = cast("dict[str, str]", self._client.hgetall(job_key(job_id)))
        if not fields:
            raise JobNotFound(f"There is no job '{job_id}', or its result has expired.")
        return _job(job_id, fields)

    def claim(self, job_id: str, *, claim_id: str) -> Claim | NotClaimed:
        """See JobStore."""
        outcome, flat = self._call(
            "claim",
            [job_key(job_id), DUE, LEASES, EVENTS],
            [job_id, claim_id, self._lease_ms, *self._poison_args()],
        )
        if outcome != "claimed":
            assert outcome in get_args(NotClaimed)  # noqa: S101 - the script's own vocabulary
            return outcome  # type: ignore[no-any-return]  # checked on the line above
        fields = _pairs(flat)
        return Claim(job=_job(job_id, fields), fence=int(fields["fence"]))

    def renew(self, claim: Claim) -> None:
        """See JobStore."""
        keys = [job_key(claim.job.id), LEASES]
        if not self._call("renew", keys, [claim.job.id, claim.fence, self._lease_ms]):
            raise LeaseLost

    def succeed(self, claim: Claim, result_json: str) -> None:
        """See JobStore."""
        self._finish(claim, JobState.SUCCEEDED, "result", result_json, why="succeeded")

    def fail(self, claim: Claim, error: JobError) -> None:
        """See JobStore."""
        self._finish(claim, JobState.FAILED, "error", _error_json(error), why=error.code)

    def reap(self, limit: int) -> Sequence[Reaped]:
        """See JobStore."""
        flat = self._call("reap", [LEASES, DUE, EVENTS], [JOB_PREFIX, limit, *self._poison_args()])
        return tuple(
            Reaped(id=id_, blob_key=blob, state=JobState(state))
            for id_, blob, state in _rows(flat, 3)
        )

    def due(self, limit: int) -> Sequence[DueJob]:
        """See JobStore."""
        flat = self._call(
            "due", [DUE], [JOB_PREFIX, limit, self._resend_ms, RESEND_CAP_SECONDS * 1000]
        )
        found: list[DueJob] = []
        for id_, options, queue, reason, device in _rows(flat, 5):
            route = JobRoute(queue=queue, reason=reason, device=device or None)
            try:
                found.append(DueJob(id=id_, options=_options(id_, options), route=route))
            except JobUnreadable as error:
                # The others must not wait for this one.
                _log.error("jobs.unreadable", job_id=id_, error=str(error))
        return tuple(found)

    def reroute(self, job_id: str, route: JobRoute) -> bool:
        """See JobStore."""
        args = [job_id, route.queue, route.reason, route.device or "", self._events_kept]
        return bool(self._call("reroute", [job_key(job_id), EVENTS], args))

    def _finish(self, claim: Claim, state: JobState, field: str, value: str, *, why: str) -> None:
        id_ = claim.job.id
        args = [id_, claim.fence, state, field, value]
        args += [self._ttl_seconds, ENDED_CHANNEL, why, self._events_kept]
        if not self._call("finish", [job_key(id_), DUE, LEASES, EVENTS], args):
            raise LeaseLost

    def _poison_args(self) -> list[Any]:
        error = _error_json(POISONED)
        return [self._max_attempts, self._ttl_seconds, error, ENDED_CHANNEL, self._events_kept]

    def _call(self, name: str, keys: list[str], args: list[Any]) -> Any:  # noqa: ANN401 - a reply
        with _translated():
            return self._scripts[name](keys=keys, args=args)


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


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _rows(flat: Sequence[str], width: int) -> Iterator[Sequence[str]]:
    return (flat[start : start + width] for start in range(0, len(flat), width))


def _error_json(error: JobError) -> str:
    return json.dumps(asdict(error), ensure_ascii=False)


def _job(job_id: str, fields: Mapping[str, str]) -> Job:
    error = fields.get("error")
    return Job(
        id=job_id,
        state=JobState(fields["state"]),
        options=_options(job_id, fields["options"]),
        route=JobRoute(
            queue=fields["queue"], reason=fields["reason"], device=fields["device"] or None
        ),
        blob_key=fields["blob"],
        version=int(fields["version"]),
        attempt=int(fields["attempt"]),
        created_ms=int(fields["created_ms"]),
        started_ms=_number(fields.get("started_ms")),
        finished_ms=_number(fields.get("finished_ms")),
        result_json=fields.get("result"),
        error=JobError(**json.loads(error)) if error else None,
    )


def _options(job_id: str, text: str) -> AnalyzeOptions:
    """Stored options; those of a newer version that this one does not know are passed over."""
    try:
        return AnalyzeOptions.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        raise JobUnreadable(f"The record of job '{job_id}' can't be read: {error}.") from error


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
