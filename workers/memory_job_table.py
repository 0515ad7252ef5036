"""The table behind `workers.memory_jobs`: its jobs and the rules by which they change."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from workers.contract import JobError, JobState
from workers.errors import LeaseLost
from workers.jobs import POISONED, Claim, ClaimLimits, Job, NotClaimed, Standing
from workers.settings import Settings


@dataclass(kw_only=True, slots=True)
class Entry:
    """A job and what only the store knows of it."""

    job: Job
    due_ms: float | None
    sends: int = 1
    fence: int = 0
    claim_id: str = ""
    lease_ms: float = field(default=0.0)


class JobTable:
    """Jobs by id. Used under the lock `changed` only, which is told of every change."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self.entries: dict[str, Entry] = {}
        self.changed = threading.Condition(threading.RLock())

    def queued(self, queue: str | None = None) -> list[Entry]:
        """Those that wait, oldest first."""
        waiting = (e for e in self.entries.values() if e.job.state is JobState.QUEUED)
        found = (e for e in waiting if queue is None or e.job.route.queue == queue)
        return sorted(found, key=lambda e: (e.job.created_ms, e.job.id))

    def take(self, entry: Entry, claim_id: str) -> NotClaimed | None:
        """Give a job to a claim; why not, if it can't be."""
        if entry.job.cancel_asked:
            self.end(entry, JobState.CANCELLED)
            return "finished"
        if entry.job.attempt >= self._settings.job_max_attempts:
            self.end(entry, JobState.FAILED, error=POISONED)
            return "poisoned"
        now = self.now_ms()
        entry.fence += 1
        entry.claim_id = claim_id
        entry.lease_ms = now + self._settings.job_lease_seconds * 1000
        entry.due_ms = None
        self.change(entry, state=JobState.RUNNING, attempt=entry.job.attempt + 1, started_ms=now)
        return None

    def take_along(self, first: Entry, claim_id: str, limits: ClaimLimits) -> list[Entry]:
        """Give those that may share its batch to the claim that has just taken the first."""
        left = limits.pixels - first.job.pixels
        return self.take_group(first.job, claim_id, jobs=limits.jobs - 1, pixels=left)

    def take_group(self, like: Job, claim_id: str, *, jobs: int, pixels: int) -> list[Entry]:
        """Waiting jobs that may share a batch with that one, oldest first."""
        taken: list[Entry] = []
        for entry in self.queued(like.route.queue):
            if entry.job.batch_key != like.batch_key or entry.job.attempt:
                continue
            pixels -= entry.job.pixels
            if len(taken) >= jobs or pixels < 0:
                break
            if self.take(entry, claim_id) is None:
                taken.append(entry)
        return taken

    def held_by(self, claim_id: str, *, but: Entry | None = None) -> list[Entry]:
        """What that claim has taken already and still holds."""
        running = (e for e in self.entries.values() if e.job.state is JobState.RUNNING)
        live = (e for e in running if e.claim_id == claim_id and e.lease_ms > self.now_ms())
        return [entry for entry in live if entry is not but]

    def renewed(self, claim: Claim) -> Standing:
        """Extend a lease if it is held; what it is."""
        entry = self.find(claim.job.id)
        is_held = entry is not None and entry.fence == claim.fence
        if entry is None or not is_held or entry.job.state is not JobState.RUNNING:
            return "lost"
        entry.lease_ms = self.now_ms() + self._settings.job_lease_seconds * 1000
        return "cancelled" if entry.job.cancel_asked else "held"

    def end(
        self,
        entry: Entry,
        state: JobState,
        *,
        result_json: str | None = None,
        error: JobError | None = None,
    ) -> None:
        """End a job, whatever it is."""
        entry.due_ms = None
        self.change(
            entry, state=state, result_json=result_json, error=error, finished_ms=self.now_ms()
        )

    def change(self, entry: Entry, **changes: object) -> None:
        """Change fields of a job and tell whoever waits."""
        changes["version"] = entry.job.version + 1
        entry.job = replace(entry.job, **changes)  # type: ignore[arg-type]  # named fields of Job
        self.changed.notify_all()

    def held(self, claim: Claim) -> Entry:
        """The job of a claim.

        Raises:
            LeaseLost: another claim came after it, or the job is gone.
        """
        entry = self.find(claim.job.id)
        if entry is None or entry.fence != claim.fence:
            raise LeaseLost
        return entry

    def find(self, job_id: str) -> Entry | None:
        """The job, if there is one and it has not expired."""
        entry = self.entries.get(job_id)
        ttl_ms = self._settings.result_ttl_seconds * 1000
        if entry and entry.job.finished_ms and entry.job.finished_ms + ttl_ms <= self.now_ms():
            del self.entries[job_id]
            return None
        return entry

    def now_ms(self) -> int:
        """Milliseconds since 1970 by this store's clock."""
        return int(self._clock() * 1000)


def claim_on(entry: Entry) -> Claim:
    """The claim that an entry is held by."""
    return Claim(job=entry.job, fence=entry.fence)
