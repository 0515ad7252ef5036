"""The table behind `workers.jobs.memory_store`: its jobs and the rules by which they change."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from workers.contract import JobError, JobState
from workers.errors import IdempotencyConflict, JobExpired, JobNotFound, LeaseLost
from workers.jobs.changes import Change, LocalChanges
from workers.jobs.memory_earlier import EarlierJobs
from workers.jobs.store import (
    POISONED,
    Claim,
    ClaimLimits,
    Ended,
    Job,
    NewJob,
    NotClaimed,
    Place,
    Standing,
    Submitted,
)
from workers.settings.process import Settings


@dataclass(kw_only=True, slots=True)
class Entry:
    """A job and what only the store knows of it."""

    job: Job
    due_ms: float | None
    sends: int = 1
    fence: int = 0
    claim_id: str = ""
    lease_ms: float = field(default=0.0)
    #: How long its end can be read.
    ttl_seconds: int


class JobTable:
    """Jobs by id. Used under its lock only; whoever watches is told of every change."""

    def __init__(
        self, settings: Settings, changes: LocalChanges, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._changes = changes
        self._clock = clock
        self.entries: dict[str, Entry] = {}
        self.lock = threading.RLock()
        self.earlier = EarlierJobs(settings)
        self.ended: Counter[Ended] = Counter()

    def add(self, job: NewJob, batch_key: str) -> Entry:
        """Store a new job that waits."""
        now = self.now_ms()
        stored = Job(
            id=job.id,
            state=JobState.QUEUED,
            options=job.options,
            route=job.route,
            blob_keys=job.blob_keys,
            version=1,
            attempt=0,
            created_ms=now,
            started_ms=None,
            finished_ms=None,
            result_json=None,
            error=None,
            batch_key=batch_key,
            pixels=job.pixels,
            owner=job.owner,
            tags=job.tags,
            fingerprint=job.fingerprint,
            cache_key=job.cache_key,
            is_listed=job.is_listed,
            webhook_url=job.webhook_url,
        )
        ttl_seconds = job.ttl_seconds or self._settings.result_ttl_seconds
        due_ms = now + self._settings.job_resend_seconds * 1000
        entry = Entry(job=stored, due_ms=due_ms, ttl_seconds=ttl_seconds)
        self.entries[job.id] = entry
        self.tell(stored)
        return entry

    def listed(self, owner: str, after: Place | None) -> list[Job]:
        """An owner's listed jobs after a place, the latest first."""
        found = [entry for id_ in list(self.entries) if (entry := self.find(id_))]
        owned = [e.job for e in found if e.job.owner == owner and e.job.is_listed]
        owned.sort(key=lambda job: (job.created_ms, job.id), reverse=True)
        if after is None:
            return owned
        return [job for job in owned if (job.created_ms, job.id) < (after.created_ms, after.id)]

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
            if entry.job.batch_key != like.batch_key or entry.job.attempt or not like.batch_key:
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
        code = error.code if error else ""
        self.ended[Ended(kind=entry.job.options.kind, state=state, code=code)] += 1
        now = self.now_ms()
        expires_ms = now + entry.ttl_seconds * 1000
        if entry.job.is_listed:
            self.earlier.goes(entry.job, expires_ms)
        if state is JobState.SUCCEEDED:
            self.earlier.keep_answer(entry.job, now)
        self.change(
            entry,
            state=state,
            result_json=result_json,
            error=error,
            finished_ms=now,
            expires_ms=expires_ms,
        )

    def change(self, entry: Entry, **changes: object) -> None:
        """Change fields of a job and tell whoever waits."""
        changes["version"] = entry.job.version + 1
        entry.job = replace(entry.job, **changes)  # type: ignore[arg-type]  # named fields of Job
        self.tell(entry.job)

    def tell(self, job: Job) -> None:
        """Tell whoever waits of a job."""
        self._changes.publish(
            Change(
                id=job.id,
                owner=job.owner,
                kind=job.options.kind,
                state=job.state,
                version=job.version,
            )
        )

    def delete(self, entry: Entry) -> None:
        """Forget a job; one that waits or runs ends as cancelled first."""
        if not entry.job.state.is_final:
            self.end(entry, JobState.CANCELLED)
        self.earlier.goes(entry.job, self.now_ms())
        self.earlier.drop_answer(entry.job)
        del self.entries[entry.job.id]

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
        expires_ms = entry.job.expires_ms if entry else None
        if expires_ms is not None and expires_ms <= self.now_ms():
            del self.entries[job_id]
            return None
        return entry

    def found(self, job_id: str) -> Entry:
        """The job.

        Raises:
            JobNotFound: there is none that is known of.
            JobExpired: it has ended and can't be read any more, or was deleted.
        """
        if entry := self.find(job_id):
            return entry
        owner = self.earlier.owner_of(job_id, self.now_ms())
        if owner is None:
            raise JobNotFound(f"There is no job '{job_id}'.")
        message = f"The result of job '{job_id}' has expired, or it was deleted."
        raise JobExpired(message, owner=owner)

    def met(self, job_id: str, fingerprint: str, cache_key: str = "") -> Submitted | None:
        """What a submission meets; see JobStore.recall."""
        if entry := self.find(job_id):
            if entry.job.fingerprint != fingerprint:
                raise IdempotencyConflict
            return Submitted(job=entry.job, durability="memory", is_new=False)
        now = self.now_ms()
        if answer := self.earlier.answered(job_id, fingerprint):
            if other := self.find(answer):
                return _answered(other)
            raise JobExpired
        if self.earlier.owner_of(job_id, now) is not None:
            raise JobExpired
        hit = self.earlier.with_answer(cache_key, now)
        cached = self.find(hit) if hit else None
        if cached is None:
            return None
        self.earlier.answer(job_id, fingerprint, cached.job.id)
        return _answered(cached)

    def now_ms(self) -> int:
        """Milliseconds since 1970 by this store's clock."""
        return int(self._clock() * 1000)


def claim_on(entry: Entry) -> Claim:
    """The claim that an entry is held by."""
    return Claim(job=entry.job, fence=entry.fence)


def _answered(entry: Entry) -> Submitted:
    return Submitted(job=entry.job, durability="memory", is_new=False, is_cached=True)
