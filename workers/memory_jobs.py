"""The job store in memory: for tests and for running the HTTP surface in one process."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from workers.contract import JobError, JobRoute, JobState
from workers.errors import JobNotFound, LeaseLost
from workers.jobs import (
    POISONED,
    RESEND_CAP_SECONDS,
    Claim,
    DueJob,
    Job,
    NewJob,
    NotClaimed,
    Reaped,
    Submitted,
    nothing,
)
from workers.settings import Settings


@dataclass(kw_only=True, slots=True)
class _Entry:
    job: Job
    due_ms: float | None
    sends: int = 1
    fence: int = 0
    claim_id: str = ""
    lease_ms: float = field(default=0.0)


class MemoryJobs:
    """JobStore and JobWatch in one process, with a clock that tests may turn."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._changed = threading.Condition(threading.RLock())

    def waiting(self) -> int:
        """See JobStore."""
        with self._changed:
            return sum(entry.due_ms is not None for entry in self._entries.values())

    def submit(self, job: NewJob, *, on_stored: Callable[[], None] = nothing) -> Submitted:
        """See JobStore."""
        now = self._now_ms()
        stored = Job(
            id=job.id,
            state=JobState.QUEUED,
            options=job.options,
            route=job.route,
            blob_key=job.blob_key,
            version=1,
            attempt=0,
            created_ms=now,
            started_ms=None,
            finished_ms=None,
            result_json=None,
            error=None,
        )
        with self._changed:
            due_ms = now + self._settings.job_resend_seconds * 1000
            entry = self._entries.setdefault(job.id, _Entry(job=stored, due_ms=due_ms))
            submitted = Submitted(job=entry.job, durability="memory")
        on_stored()
        return submitted

    def expedite(self, job_id: str) -> None:
        """See JobStore."""
        with self._changed:
            entry = self._find(job_id)
            if entry and entry.job.state is JobState.QUEUED:
                entry.due_ms, entry.sends = self._now_ms(), 0

    def get(self, job_id: str) -> Job:
        """See JobStore."""
        with self._changed:
            entry = self._find(job_id)
            if entry is None:
                raise JobNotFound(f"There is no job '{job_id}', or its result has expired.")
            return entry.job

    def claim(self, job_id: str, *, claim_id: str) -> Claim | NotClaimed:
        """See JobStore."""
        with self._changed:
            entry = self._find(job_id)
            if entry is None:
                return "missing"
            if entry.job.state is JobState.RUNNING and entry.lease_ms > self._now_ms():
                if entry.claim_id == claim_id:
                    return Claim(job=entry.job, fence=entry.fence)
                return "busy"
            if entry.job.state.is_final:
                return "finished"
            if entry.job.attempt >= self._settings.job_max_attempts:
                self._end(entry, JobState.FAILED, error=POISONED)
                return "poisoned"
            now = self._now_ms()
            entry.fence += 1
            entry.claim_id = claim_id
            entry.lease_ms = now + self._settings.job_lease_seconds * 1000
            entry.due_ms = None
            self._change(
                entry, state=JobState.RUNNING, attempt=entry.job.attempt + 1, started_ms=now
            )
            return Claim(job=entry.job, fence=entry.fence)

    def renew(self, claim: Claim) -> None:
        """See JobStore."""
        with self._changed:
            entry = self._held(claim)
            if entry.job.state is not JobState.RUNNING:
                raise LeaseLost
            entry.lease_ms = self._now_ms() + self._settings.job_lease_seconds * 1000

    def succeed(self, claim: Claim, result_json: str) -> None:
        """See JobStore."""
        self._finish(claim, JobState.SUCCEEDED, result_json=result_json)

    def fail(self, claim: Claim, error: JobError) -> None:
        """See JobStore."""
        self._finish(claim, JobState.FAILED, error=error)

    def reap(self, limit: int) -> Sequence[Reaped]:
        """See JobStore."""
        reaped: list[Reaped] = []
        with self._changed:
            now = self._now_ms()
            running = [e for e in self._entries.values() if e.job.state is JobState.RUNNING]
            for entry in [e for e in running if e.lease_ms <= now][:limit]:
                if entry.job.attempt >= self._settings.job_max_attempts:
                    self._end(entry, JobState.FAILED, error=POISONED)
                else:
                    entry.due_ms, entry.sends = now, 0
                    self._change(entry, state=JobState.QUEUED)
                job = entry.job
                reaped.append(Reaped(id=job.id, blob_key=job.blob_key, state=job.state))
        return tuple(reaped)

    def due(self, limit: int) -> Sequence[DueJob]:
        """See JobStore."""
        found: list[DueJob] = []
        with self._changed:
            now = self._now_ms()
            waiting = [e for e in self._entries.values() if e.due_ms is not None]
            for entry in [e for e in waiting if (e.due_ms or 0) <= now][:limit]:
                entry.sends += 1
                wait_ms = self._settings.job_resend_seconds * 1000 * 2 ** (entry.sends - 1)
                entry.due_ms = now + min(wait_ms, RESEND_CAP_SECONDS * 1000)
                job = entry.job
                found.append(DueJob(id=job.id, options=job.options, route=job.route))
        return tuple(found)

    def reroute(self, job_id: str, route: JobRoute) -> bool:
        """See JobStore."""
        with self._changed:
            entry = self._find(job_id)
            if entry is None or entry.job.state is not JobState.QUEUED:
                return False
            self._change(entry, route=route)
            return True

    def wait(self, job_id: str, timeout_seconds: float) -> Job:
        """See JobWatch."""
        with self._changed:
            self._changed.wait_for(lambda: self.get(job_id).state.is_final, timeout_seconds)
            return self.get(job_id)

    def _finish(
        self,
        claim: Claim,
        state: JobState,
        *,
        result_json: str | None = None,
        error: JobError | None = None,
    ) -> None:
        with self._changed:
            entry = self._held(claim)
            if entry.job.state is state:
                return
            if entry.job.state is not JobState.RUNNING:
                raise LeaseLost
            self._end(entry, state, result_json=result_json, error=error)

    def _end(
        self,
        entry: _Entry,
        state: JobState,
        *,
        result_json: str | None = None,
        error: JobError | None = None,
    ) -> None:
        entry.due_ms = None
        self._change(
            entry, state=state, result_json=result_json, error=error, finished_ms=self._now_ms()
        )

    def _change(self, entry: _Entry, **changes: object) -> None:
        changes["version"] = entry.job.version + 1
        entry.job = replace(entry.job, **changes)  # type: ignore[arg-type]  # named fields of Job
        self._changed.notify_all()

    def _held(self, claim: Claim) -> _Entry:
        entry = self._find(claim.job.id)
        if entry is None or entry.fence != claim.fence:
            raise LeaseLost
        return entry

    def _find(self, job_id: str) -> _Entry | None:
        entry = self._entries.get(job_id)
        ttl_ms = self._settings.result_ttl_seconds * 1000
        if entry and entry.job.finished_ms and entry.job.finished_ms + ttl_ms <= self._now_ms():
            del self._entries[job_id]
            return None
        return entry

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
