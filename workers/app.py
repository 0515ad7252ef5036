"""Composition root of workers, beat and monitor: `celery -A workers.app:app worker`.

Importing this module reads the settings and connects nothing; models are loaded in the pool's
processes.
"""

import os
import signal
import sys
import threading
from typing import Any

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Celery, signals

from models.errors import ModelsError
from workers.beat import PatientScheduler
from workers.celery_config import SOFT_SHUTDOWN_SECONDS, celery_settings
from workers.contract import TASK_ANALYZE, TASK_DISPATCH, TASK_FORGET, TASK_SWEEP_BLOBS
from workers.dispatch import CeleryJobQueue
from workers.errors import BlobStoreFailed, StoreUnavailable
from workers.heartbeat import heartbeat_path, heartbeat_step
from workers.logs import configure_logging
from workers.recycling import leave
from workers.settings.process import load_settings

_log = structlog.get_logger()

settings = load_settings()
app = Celery("facesocial")
app.conf.update(celery_settings(settings, "worker"))
app.conf.beat_scheduler = PatientScheduler
app.steps["worker"].add(heartbeat_step(heartbeat_path(settings.data_dir, settings.device)))


class _Process:
    """The runtime of this process, built in the pool's processes only."""

    runtime: Any = None


def _runtime() -> Any:  # noqa: ANN401 - workers.runtime is imported where inference is installed
    if _Process.runtime is None:
        from workers.runtime import build_runtime  # noqa: PLC0415 - beat and Flower do without it

        _Process.runtime = build_runtime(
            settings, CeleryJobQueue(app), time_limit_error=SoftTimeLimitExceeded
        )
    return _Process.runtime


@app.task(name=TASK_ANALYZE)
def analyze(job_id: str) -> None:
    """Do the job a wake-up names, if there is still something to do."""
    _runtime().runner.run(job_id)


@app.task(name=TASK_DISPATCH)
def dispatch() -> None:
    """Take back silent workers' jobs and send due wake-ups."""
    try:
        _runtime().maintenance.dispatch()
    except StoreUnavailable as error:
        _log.warning("maintenance.store_unavailable", error=str(error))


@app.task(name=TASK_SWEEP_BLOBS)
def sweep_blobs() -> None:
    """Delete images nobody needs."""
    try:
        _runtime().maintenance.sweep_blobs()
    except (StoreUnavailable, BlobStoreFailed) as error:
        _log.warning("maintenance.blobs_not_swept", error=str(error))  # the next sweep is near


@app.task(name=TASK_FORGET)
def forget() -> None:
    """Destroy keys of what was deleted, delete what is due, end lost changes of model."""
    try:
        _runtime().forgetting.round()
        _runtime().lost_changes.end()
    except StoreUnavailable as error:
        _log.warning("maintenance.store_unavailable", error=str(error))


@signals.setup_logging.connect
def _configure_logging(**_: object) -> None:
    configure_logging(settings)


@signals.worker_init.connect
def _check_weights(**_: object) -> None:
    """Refuse to start with a clear line instead of a pool whose processes die one by one."""
    from workers.runtime import check_weights  # noqa: PLC0415 - beat and Flower do without it

    # A former worker's sign of life is none of ours.
    heartbeat_path(settings.data_dir, settings.device).unlink(missing_ok=True)
    try:
        check_weights(settings)
    except ModelsError as error:
        sys.exit(f"facesocial worker: {error}")


@signals.worker_process_init.connect
def _load_models(**_: object) -> None:
    """Build this process's runtime; a worker that can't must not take messages.

    Celery only logs what is raised here and gives the process work all the same. So the whole
    worker is stopped; whoever supervises it starts it again, later and later.
    """
    configure_logging(settings)
    try:
        _runtime()
    except Exception:
        _log.exception("worker.can_not_start", device=settings.device)
        os.kill(os.getppid(), signal.SIGTERM)
        raise


@signals.task_postrun.connect
def _leave_if_wanted(**_: object) -> None:
    """Let this process end after a task, when its device needs another one."""
    if _Process.runtime is not None and (why := _Process.runtime.residency.recycle_wanted):
        leave(why)


@signals.worker_process_shutdown.connect
def _close(**_: object) -> None:
    if _Process.runtime is not None:
        _Process.runtime.close()


@signals.worker_shutting_down.connect
def _end_at_last(**_: object) -> None:
    """End this worker although it hangs.

    Without a broker, Celery waits for a connection for good to tell that the worker is offline.
    """
    limit_seconds = SOFT_SHUTDOWN_SECONDS + 15
    timer = threading.Timer(limit_seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()
