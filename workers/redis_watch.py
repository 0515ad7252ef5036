"""Waiting for jobs to end: one subscription per process wakes all its waiters.

A published message may be lost with a connection, so waiters also look for themselves now and
then; the store, not the message, is believed.
"""

import threading
import time
from collections import defaultdict
from types import TracebackType
from typing import Self

import redis
import structlog

from workers.jobs import Job, JobStore
from workers.redis_jobs import ENDED_CHANNEL

#: A waiter looks at the store at least this often, in case a message was lost.
LOOK_SECONDS = 2.0
#: Pause before a lost subscription is made again.
RECONNECT_SECONDS = 1.0

_log = structlog.get_logger()


class RedisJobWatch:
    """JobWatch over the channel on which the scripts publish ended jobs."""

    def __init__(self, client: redis.Redis, jobs: JobStore) -> None:
        self._client = client
        self._jobs = jobs
        self._waiters: defaultdict[str, set[threading.Event]] = defaultdict(set)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="job-watch", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; waiters fall back to looking for themselves."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def wait(self, job_id: str, timeout_seconds: float) -> Job:
        """See JobWatch."""
        deadline = time.monotonic() + timeout_seconds
        ended = threading.Event()
        with self._lock:
            self._waiters[job_id].add(ended)
        try:
            while True:
                # Registered before this look: an end after it sets the event.
                job = self._jobs.get(job_id)
                left_seconds = deadline - time.monotonic()
                if job.state.is_final or left_seconds <= 0:
                    return job
                ended.wait(min(left_seconds, LOOK_SECONDS))
                ended.clear()
        finally:
            with self._lock:
                self._waiters[job_id].discard(ended)
                if not self._waiters[job_id]:
                    del self._waiters[job_id]

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow_channel()
            except redis.RedisError as error:
                _log.warning("job_watch.connection_lost", error=str(error))
                self._stopping.wait(RECONNECT_SECONDS)
            except Exception:  # noqa: BLE001 - the thread's boundary: without it all waiters poll
                _log.exception("job_watch.fault")
                self._stopping.wait(RECONNECT_SECONDS)

    def _follow_channel(self) -> None:
        with self._client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(ENDED_CHANNEL)
            self._wake(None)  # whatever ended while nobody listened
            while not self._stopping.is_set():
                message = channel.get_message(timeout=0.5)
                if message:
                    self._wake(str(message["data"]))

    def _wake(self, job_id: str | None) -> None:
        with self._lock:
            ids = list(self._waiters) if job_id is None else [job_id]
            for id_ in ids:
                for ended in self._waiters.get(id_, ()):
                    ended.set()
