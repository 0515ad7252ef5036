"""The job store in memory: for tests and for running the HTTP surface in one process."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from workers.contract import JobError, JobRoute, JobState
from workers.errors import LeaseLost
from workers.jobs.batch_key import batch_key
from workers.jobs.changes import LocalChanges
from workers.jobs.memory_table import JobTable, claim_on
from workers.jobs.store import (
    ALONE,
    POISONED,
    RESEND_CAP_SECONDS,
    Cancelled,
    Claim,
    ClaimLimits,
    Deleted,
    DueJob,
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


class MemoryJobs:
    """JobStore in one process, with a clock that tests may turn."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        changes: LocalChanges | None = None,
    ) -> None:
        self._settings = settings
        self._table = JobTable(settings, changes or LocalChanges(), clock)
        self._lock = self._table.lock

    def waiting(self) -> int:
        """See JobStore."""
        with self._lock:
            return len(self._table.queued())

    def backlog(self, queues: Sequence[str]) -> Mapping[str, int]:
        """See JobStore."""
        with self._lock:
            return {queue: len(self._table.queued(queue)) for queue in queues}

    def waiting_queues(self) -> Mapping[str, int]:
        """See JobStore."""
        with self._lock:
            return Counter(entry.job.route.queue for entry in self._table.queued())

    def ended(self) -> Mapping[Ended, int]:
        """See JobStore."""
        return dict(self._table.ended)

    def waiting_in(self, queue: str, limit: int) -> Sequence[DueJob]:
        """See JobStore."""
        with self._lock:
            jobs = [entry.job for entry in self._table.queued(queue)[:limit]]
        return tuple(DueJob(id=job.id, options=job.options, route=job.route) for job in jobs)

    def recall(self, job_id: str, *, fingerprint: str, cache_key: str = "") -> Submitted | None:
        """See JobStore."""
        with self._lock:
            return self._table.met(job_id, fingerprint, cache_key)

    def submit(
        self,
        job: NewJob,
        *,
        durable: bool = True,  # noqa: ARG002 - there is no disk
        on_stored: Callable[[], None] = nothing,
    ) -> Submitted:
        """See JobStore."""
        with self._lock:
            if met := self._table.met(job.id, job.fingerprint):
                return met
            entry = self._table.add(job, batch_key(job.options))
            submitted = Submitted(job=entry.job, durability="memory")
        on_stored()
        return submitted

    def expedite(self, job_id: str) -> None:
        """See JobStore."""
        with self._lock:
            entry = self._table.find(job_id)
            if entry and entry.job.state is JobState.QUEUED:
                entry.due_ms, entry.sends = self._table.now_ms(), 0

    def get(self, job_id: str) -> Job:
        """See JobStore."""
        with self._lock:
            return self._table.found(job_id).job

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
        with self._lock:
            fits = [
                replace(job, result_json=None)
                for job in self._table.listed(owner, after)
                if state in {None, job.state} and (tag is None or tag in job.tags)
            ]
        page = fits[:limit]
        last = page[-1] if len(fits) > limit else None
        place = Place(created_ms=last.created_ms, id=last.id) if last else None
        return JobPage(jobs=page, after=place)

    def delete(self, job_id: str) -> Deleted:
        """See JobStore."""
        with self._lock:
            entry = self._table.found(job_id)
            self._table.delete(entry)
            return Deleted(blob_keys=entry.job.blob_keys)

    def claim(self, job_id: str, *, claim_id: str) -> Claim | NotClaimed:
        """See JobStore."""
        claimed = self.claim_batch(job_id, claim_id=claim_id, limits=ALONE)
        return claimed if isinstance(claimed, str) else claimed[0]

    def claim_batch(
        self, job_id: str, *, claim_id: str, limits: ClaimLimits
    ) -> Sequence[Claim] | NotClaimed:
        """See JobStore."""
        with self._lock:
            entry = self._table.find(job_id)
            if entry is None:
                return "missing"
            if entry.job.state is JobState.RUNNING and entry.lease_ms > self._table.now_ms():
                if entry.claim_id != claim_id:
                    return "busy"
                others = self._table.held_by(claim_id, but=entry)
                return tuple(map(claim_on, (entry, *others)))
            is_first = entry.job.attempt == 0
            if outcome := _not_served(entry.job, limits) or self._table.take(entry, claim_id):
                return outcome
            along = self._table.take_along(entry, claim_id, limits) if is_first else ()
            return tuple(map(claim_on, (entry, *along)))

    def claim_more(self, like: Job, *, claim_id: str, limits: ClaimLimits) -> Sequence[Claim]:
        """See JobStore."""
        with self._lock:
            found = self._table.held_by(claim_id) or self._table.take_group(
                like, claim_id, jobs=limits.jobs, pixels=limits.pixels
            )
            return tuple(map(claim_on, found))

    def claim_oldest(
        self, queue: str, *, claim_id: str, limits: ClaimLimits, waited_seconds: float
    ) -> Sequence[Claim]:
        """See JobStore."""
        with self._lock:
            if held := self._table.held_by(claim_id):
                return tuple(map(claim_on, held))
            oldest = next(iter(self._table.queued(queue)), None)
            latest_ms = self._table.now_ms() - waited_seconds * 1000
            if oldest is None or oldest.job.created_ms > latest_ms:
                return ()
            is_first = oldest.job.attempt == 0
            if self._table.take(oldest, claim_id) is not None:
                return ()
            along = self._table.take_along(oldest, claim_id, limits) if is_first else ()
            return tuple(map(claim_on, (oldest, *along)))

    def renew(self, claim: Claim) -> None:
        """See JobStore."""
        if self.renew_many([claim]) == ("lost",):
            raise LeaseLost

    def renew_many(self, claims: Sequence[Claim]) -> Sequence[Standing]:
        """See JobStore."""
        with self._lock:
            return tuple(self._table.renewed(claim) for claim in claims)

    def give_back(self, claim: Claim, *, counted: bool = False) -> None:
        """See JobStore."""
        with self._lock:
            entry = self._table.held(claim)
            if entry.job.state is JobState.QUEUED:
                return
            if entry.job.state is not JobState.RUNNING:
                raise LeaseLost
            if entry.job.cancel_asked:
                self._table.end(entry, JobState.CANCELLED)
                return
            entry.due_ms, entry.sends = self._table.now_ms(), 0
            attempt = entry.job.attempt - (not counted)
            self._table.change(entry, state=JobState.QUEUED, attempt=attempt)

    def cancel(self, job_id: str) -> Cancelled:
        """See JobStore."""
        with self._lock:
            entry = self._table.find(job_id)
            if entry is None:
                return "missing"
            if entry.job.state.is_final:
                return "cancelled" if entry.job.state is JobState.CANCELLED else "finished"
            if entry.job.state is JobState.QUEUED or entry.lease_ms <= self._table.now_ms():
                self._table.end(entry, JobState.CANCELLED)
                return "cancelled"
            if not entry.job.cancel_asked:
                self._table.change(entry, cancel_asked=True)
            return "asked"

    def end_cancelled(self, claim: Claim) -> None:
        """See JobStore."""
        self._finish(claim, JobState.CANCELLED)

    def succeed(self, claim: Claim, result_json: str) -> None:
        """See JobStore."""
        self._finish(claim, JobState.SUCCEEDED, result_json=result_json)

    def fail(self, claim: Claim, error: JobError) -> None:
        """See JobStore."""
        self._finish(claim, JobState.FAILED, error=error)

    def reap(self, limit: int) -> Sequence[Reaped]:
        """See JobStore."""
        reaped: list[Reaped] = []
        with self._lock:
            now = self._table.now_ms()
            running = [e for e in self._table.entries.values() if e.job.state is JobState.RUNNING]
            for entry in [e for e in running if e.lease_ms <= now][:limit]:
                if entry.job.cancel_asked:
                    self._table.end(entry, JobState.CANCELLED)
                elif entry.job.attempt >= self._settings.job_max_attempts:
                    self._table.end(entry, JobState.FAILED, error=POISONED)
                else:
                    entry.due_ms, entry.sends = now, 0
                    self._table.change(entry, state=JobState.QUEUED)
                job = entry.job
                reaped.append(Reaped(id=job.id, blob_keys=job.blob_keys, state=job.state))
        return tuple(reaped)

    def due(self, limit: int) -> Sequence[DueJob]:
        """See JobStore."""
        found: list[DueJob] = []
        with self._lock:
            now = self._table.now_ms()
            waiting = [e for e in self._table.entries.values() if e.due_ms is not None]
            for entry in [e for e in waiting if (e.due_ms or 0) <= now][:limit]:
                entry.sends += 1
                wait_ms = self._settings.job_resend_seconds * 1000 * 2 ** (entry.sends - 1)
                entry.due_ms = now + min(wait_ms, RESEND_CAP_SECONDS * 1000)
                job = entry.job
                found.append(DueJob(id=job.id, options=job.options, route=job.route))
        return tuple(found)

    def reroute(self, job_id: str, route: JobRoute) -> bool:
        """See JobStore."""
        with self._lock:
            entry = self._table.find(job_id)
            if entry is None or entry.job.state is not JobState.QUEUED:
                return False
            self._table.change(entry, route=route)
            return True

    def _finish(
        self,
        claim: Claim,
        state: JobState,
        *,
        result_json: str | None = None,
        error: JobError | None = None,
    ) -> None:
        with self._lock:
            entry = self._table.held(claim)
            if entry.job.state is state:
                return
            if entry.job.state is not JobState.RUNNING:
                raise LeaseLost
            self._table.end(entry, state, result_json=result_json, error=error)


def _not_served(job: Job, limits: ClaimLimits) -> NotClaimed | None:
    """Why a job that nobody works on is not the claimer's."""
    if job.state.is_final:
        return "finished"
    is_elsewhere = limits.queues is not None and job.route.queue not in limits.queues
    return "moved" if is_elsewhere else None
