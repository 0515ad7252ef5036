"""What `workers.jobs.memory_store` remembers of jobs beyond the jobs themselves."""

from dataclasses import dataclass

from workers.errors import IdempotencyConflict
from workers.jobs.records import Job
from workers.settings.process import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """A text and when it is forgotten."""

    text: str
    until_ms: int


class EarlierJobs:
    """Owners of jobs that are gone, and jobs by the answers they gave. Times are the caller's."""

    def __init__(self, settings: Settings) -> None:
        self._known_ms = settings.expired_jobs_known_seconds * 1000
        self._cache_ms = settings.result_cache_seconds * 1000
        #: Job id -> owner, of jobs that have ended.
        self._gone: dict[str, _Kept] = {}
        #: Cache key -> job id.
        self._cached: dict[str, _Kept] = {}
        #: Job id -> fingerprint, and id of the job it was answered with.
        self._same: dict[str, tuple[str, str]] = {}

    def goes(self, job: Job, expires_ms: int) -> None:
        """Remember whose a job was, beyond the time when it expires."""
        self._gone[job.id] = _Kept(text=job.owner, until_ms=expires_ms + self._known_ms)

    def owner_of(self, job_id: str, now_ms: int) -> str | None:
        """Whose a job was that can't be read any more; None: it is unknown."""
        kept = self._gone.get(job_id)
        return kept.text if kept and kept.until_ms > now_ms else None

    def keep_answer(self, job: Job, now_ms: int) -> None:
        """Remember a job that succeeded by its cache key."""
        if job.cache_key:
            self._cached[job.cache_key] = _Kept(text=job.id, until_ms=now_ms + self._cache_ms)

    def drop_answer(self, job: Job) -> None:
        """Forget it again."""
        kept = self._cached.get(job.cache_key)
        if kept and kept.text == job.id:
            del self._cached[job.cache_key]

    def with_answer(self, cache_key: str, now_ms: int) -> str | None:
        """Id of the job that succeeded with that answer."""
        kept = self._cached.get(cache_key)
        return kept.text if kept and kept.until_ms > now_ms else None

    def answer(self, job_id: str, fingerprint: str, with_job: str) -> None:
        """Remember what a request that has a name was answered with."""
        if fingerprint:
            self._same[job_id] = (fingerprint, with_job)

    def answered(self, job_id: str, fingerprint: str) -> str | None:
        """Id of the job a request was answered with.

        Raises:
            IdempotencyConflict: the name is another request's.
        """
        same = self._same.get(job_id)
        if same is None:
            return None
        if same[0] != fingerprint:
            raise IdempotencyConflict
        return same[1]
