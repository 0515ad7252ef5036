"""What changes: each process hears of every change of a job or batch, and tells those who wait.

A change told may be lost with a connection, so whoever waits believes the store: after every wait,
whether it brought changes or not, it looks there.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from workers.jobs.records import Job
from workers.jobs.store import JobStore

#: A waiter looks at the store at least this often, in case a change was not told.
LOOK_SECONDS = 10.0
#: Changes kept for a waiter that does not come for them; older ones are dropped.
KEPT = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A job or batch is not what it was."""

    id: str
    owner: str
    #: A kind of job, or "batch".
    kind: str
    #: A state of `workers.contract.JobState`, or of a batch.
    state: str
    #: Of the job or batch after the change; grows.
    version: int


class Watch:
    """Somebody who waits for changes."""

    def __init__(self) -> None:
        self._news = threading.Event()
        self._told: deque[Change] = deque(maxlen=KEPT)
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether nothing will be told any more because the process is ending."""
        return self._is_over

    def wait(self, timeout_seconds: float) -> Sequence[Change]:
        """The changes since the last call, as soon as there are any.

        Returns:
            Oldest first. Empty when the time is over, the process is ending, or changes may have
            been missed: look at the store.
        """
        if not self._is_over:
            self._news.wait(timeout_seconds)
        # Cleared before they are taken: what comes in between is taken now and wakes once more.
        self._news.clear()
        taken: list[Change] = []
        while self._told:
            taken.append(self._told.popleft())
        return tuple(taken)

    def tell(self, change: Change | None) -> None:
        """Wake the waiter; without a change because some may have been missed."""
        if change is not None:
            self._told.append(change)
        self._news.set()

    def end(self) -> None:
        """Wake the waiter for the last time."""
        self._is_over = True
        self._news.set()


class Changes(Protocol):
    """Tells of the changes of jobs and batches."""

    def watch(
        self, *, ids: Collection[str] = (), owner: str | None = None
    ) -> AbstractContextManager[Watch]:
        """Hear of these jobs and batches, and of all of an owner's, while the context is open."""
        ...

    def interrupt(self) -> None:
        """Have everybody stop waiting, now and later: the process is ending."""
        ...


class LocalChanges:
    """Changes among the threads of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_id: defaultdict[str, set[Watch]] = defaultdict(set)
        self._of_owner: defaultdict[str, set[Watch]] = defaultdict(set)
        self._is_over = False

    @contextmanager
    def watch(self, *, ids: Collection[str] = (), owner: str | None = None) -> Iterator[Watch]:
        """See Changes."""
        watch = Watch()
        places = [(self._of_id, id_) for id_ in ids]
        if owner is not None:
            places.append((self._of_owner, owner))
        with self._lock:
            for index, key in places:
                index[key].add(watch)
            if self._is_over:
                watch.end()
        try:
            yield watch
        finally:
            with self._lock:
                for index, key in places:
                    index[key].discard(watch)
                    if not index[key]:
                        del index[key]

    def publish(self, change: Change) -> None:
        """Tell those whom a change concerns."""
        with self._lock:
            told = self._of_id.get(change.id, set()) | self._of_owner.get(change.owner, set())
        for watch in told:
            watch.tell(change)

    def missed(self) -> None:
        """Have everybody look: changes may have gone by untold."""
        for watch in self._everybody():
            watch.tell(None)

    def interrupt(self) -> None:
        """Have everybody stop waiting, now and later: the process is ending."""
        with self._lock:
            self._is_over = True
        for watch in self._everybody():
            watch.end()

    def _everybody(self) -> set[Watch]:
        with self._lock:
            indexes = (self._of_id, self._of_owner)
            return {watch for index in indexes for found in index.values() for watch in found}


class JobWatch:
    """Waits for jobs to end."""

    def __init__(
        self, jobs: JobStore, changes: Changes, *, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._jobs = jobs
        self._changes = changes
        self._look_seconds = look_seconds

    def wait(self, job_id: str, timeout_seconds: float) -> Job:
        """The job, as soon as it has ended or the time is over.

        Raises:
            JobNotFound: there is none.
            StoreUnavailable: the store does not answer.
        """
        deadline = time.monotonic() + timeout_seconds
        with self._changes.watch(ids=(job_id,)) as watch:
            while True:
                # Watched before this look: an end after it is told.
                job = self._jobs.get(job_id)
                left_seconds = deadline - time.monotonic()
                if job.state.is_final or left_seconds <= 0 or watch.is_over:
                    return job
                watch.wait(min(left_seconds, self._look_seconds))
