"""What a job store should answer, in as few words as possible: the reference of the machine."""

from dataclasses import dataclass

from workers.jobs.store import Cancelled, NotClaimed
from workers.settings.process import Settings

#: Of the store under test too.
SETTINGS = Settings(
    job_lease_seconds=10,
    job_max_attempts=2,
    result_ttl_seconds=1_000,
    result_cache_seconds=300,
    expired_jobs_known_seconds=5_000,
)
LEASE, ATTEMPTS = SETTINGS.job_lease_seconds, SETTINGS.job_max_attempts
TTL, CACHED = SETTINGS.result_ttl_seconds, SETTINGS.result_cache_seconds
KNOWN = SETTINGS.expired_jobs_known_seconds
FINAL = frozenset({"succeeded", "failed", "cancelled"})

#: What a submission meets, and the job that is told.
Met = tuple[str, str | None]
NOTHING: Met = ("new", None)


@dataclass(kw_only=True)
class Book:
    """A job."""

    id: str
    owner: str
    fingerprint: str
    key: str
    state: str = "queued"
    attempts: int = 0
    fence: int = 0
    cancel: bool = False
    lease_until: float = 0.0
    expires_at: float | None = None


class Reference:
    """Jobs and what is known of earlier ones; time passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.jobs: dict[str, Book] = {}
        #: id -> until when it is known to be gone.
        self.gone: dict[str, float] = {}
        self.cached: dict[str, tuple[str, float]] = {}
        self.same: dict[str, tuple[str, str, float]] = {}

    def let_pass(self, seconds: float) -> None:
        self.now += seconds
        over = [b.id for b in self.jobs.values() if b.expires_at and b.expires_at <= self.now]
        for id_ in over:
            del self.jobs[id_]
        self.gone = {id_: until for id_, until in self.gone.items() if until > self.now}
        self.cached = {key: kept for key, kept in self.cached.items() if kept[1] > self.now}
        self.same = {id_: kept for id_, kept in self.same.items() if kept[2] > self.now}

    def state_of(self, book: Book) -> str:
        """Its state, or "late" once the lease it runs under has ended."""
        is_late = book.state == "running" and book.lease_until <= self.now
        return "late" if is_late else book.state

    def met(self, id_: str, fingerprint: str) -> Met:
        if book := self.jobs.get(id_):
            return ("known", id_) if book.fingerprint == fingerprint else ("conflict", None)
        if same := self.same.get(id_):
            if same[0] != fingerprint:
                return ("conflict", None)
            return ("cached", same[1]) if same[1] in self.jobs else ("expired", None)
        return ("expired", None) if id_ in self.gone else NOTHING

    def submit(self, book: Book) -> Met:
        met = self.met(book.id, book.fingerprint)
        if met == NOTHING:
            self.jobs[book.id] = book
        return met

    def recall(self, id_: str, fingerprint: str, key: str) -> Met:
        met = self.met(id_, fingerprint)
        hit, _ = self.cached.get(key, ("", 0.0))
        if met != NOTHING or hit not in self.jobs:
            return met
        if fingerprint:
            left = (self.jobs[hit].expires_at or 0.0) - self.now
            self.same[id_] = (fingerprint, hit, self.now + left + KNOWN)
        return ("cached", hit)

    def claim(self, id_: str) -> NotClaimed | None:
        book = self.jobs.get(id_)
        if book is None:
            return "missing"
        if book.state in FINAL:
            return "finished"
        if book.state == "running" and book.lease_until > self.now:
            return "busy"
        if book.cancel:
            self.end(book, "cancelled")
            return "finished"
        if book.attempts >= ATTEMPTS:
            self.end(book, "failed")
            return "poisoned"
        book.state, book.lease_until = "running", self.now + LEASE
        book.attempts, book.fence = book.attempts + 1, book.fence + 1
        return None

    def finish(self, id_: str, fence: int, state: str) -> bool:
        """Whether a claim's end is taken."""
        book = self.jobs.get(id_)
        if book is None or book.fence != fence or book.state not in {state, "running"}:
            return False
        if book.state == "running":
            self.end(book, state)
        return True

    def give_back(self, id_: str, fence: int, *, counted: bool) -> bool:
        book = self.jobs.get(id_)
        if book is None or book.fence != fence or book.state in FINAL:
            return False
        if book.state == "running" and book.cancel:
            self.end(book, "cancelled")
        elif book.state == "running":
            book.state, book.attempts = "queued", book.attempts - (not counted)
        return True

    def renew(self, id_: str, fence: int) -> str:
        book = self.jobs.get(id_)
        if book is None or book.fence != fence or book.state != "running":
            return "lost"
        book.lease_until = self.now + LEASE
        return "cancelled" if book.cancel else "held"

    def cancel(self, id_: str) -> Cancelled:
        book = self.jobs.get(id_)
        if book is None:
            return "missing"
        if book.state in FINAL:
            return "cancelled" if book.state == "cancelled" else "finished"
        if book.state == "queued" or book.lease_until <= self.now:
            self.end(book, "cancelled")
            return "cancelled"
        book.cancel = True
        return "asked"

    def reap(self) -> dict[str, str]:
        reaped = {}
        for book in self.jobs.values():
            if book.state == "running" and book.lease_until <= self.now:
                if book.cancel:
                    self.end(book, "cancelled")
                elif book.attempts >= ATTEMPTS:
                    self.end(book, "failed")
                else:
                    book.state = "queued"
                reaped[book.id] = book.state
        return reaped

    def delete(self, id_: str) -> str:
        book = self.jobs.get(id_)
        if book is None:
            return "gone" if id_ in self.gone else "missing"
        if book.state not in FINAL:
            self.end(book, "cancelled")
        self.gone[id_] = self.now + KNOWN
        self.cached = {key: kept for key, kept in self.cached.items() if kept[0] != id_}
        del self.jobs[id_]
        return "deleted"

    def end(self, book: Book, state: str) -> None:
        book.state, book.expires_at = state, self.now + TTL
        self.gone[book.id] = self.now + TTL + KNOWN
        if state == "succeeded" and book.key:
            self.cached[book.key] = (book.id, self.now + CACHED)
