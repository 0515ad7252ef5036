"""A pool whose process can end between two tasks, so that nothing is lost and nobody is blamed.

Celery ends a process after so many tasks or so much memory. This is the same way out (billiard's
EX_RECYCLE) for a process that knows by itself that it should start afresh: its task ends and is
acknowledged, then it leaves before it reads the next one, and the pool starts another.
"""

import sys
import threading
from collections.abc import Callable

import structlog
from billiard.pool import EX_RECYCLE
from celery.concurrency.asynpool import AsynPool, Worker
from celery.concurrency.prefork import TaskPool

_leaving = threading.Event()

_log = structlog.get_logger()


def leave(why: str) -> None:
    """End this pool process once its present task has ended."""
    if not _leaving.is_set():
        _log.warning("worker.recycled", reason=why)
        _leaving.set()


class RecyclingWorker(Worker):  # type: ignore[misc]  # Celery is untyped
    """A pool process that leaves when it is told to."""

    def on_loop_start(self, pid: int) -> None:
        """Look before each task whether it is time to leave."""
        super().on_loop_start(pid)
        receive: Callable[[], object] = self.wait_for_job  # type: ignore[has-type]  # untyped

        def wait_for_job() -> object:
            if _leaving.is_set():
                # billiard has put its own function there, which keeps the status for the pool.
                sys.exit(EX_RECYCLE)
            return receive()

        self.wait_for_job = wait_for_job


class _RecyclingAsynPool(AsynPool):  # type: ignore[misc]  # Celery is untyped
    Worker = RecyclingWorker


class RecyclingPool(TaskPool):  # type: ignore[misc]  # Celery is untyped
    """Celery's prefork pool with processes that may leave; the setting `worker_pool` names it."""

    Pool = _RecyclingAsynPool
