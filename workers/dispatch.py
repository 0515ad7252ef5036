"""Sending wake-ups: the gateway and the dispatcher publish a task by name, with a job id only."""

import threading
from collections import deque
from typing import Protocol

from celery import Celery
from kombu.exceptions import KombuError

from workers.celery_config import celery_settings
from workers.contract import TASK_ANALYZE
from workers.errors import StoreUnavailable
from workers.settings.process import Settings


class JobQueue(Protocol):
    """Carries wake-ups to workers; may lose, delay or double them."""

    def publish(self, job_id: str, queue: str) -> None:
        """Wake a worker of that queue for a job.

        Raises:
            StoreUnavailable: the broker did not take the message in time, or did not say so.
        """
        ...


class CeleryJobQueue:
    """JobQueue on a Celery app."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def publish(self, job_id: str, queue: str) -> None:
        """See JobQueue."""
        try:
            # Events, logs and the monitor show the representations of arguments.
            self._app.send_task(
                TASK_ANALYZE, args=[job_id], routing_key=queue, argsrepr=job_id, kwargsrepr="{}"
            )
        except (KombuError, TimeoutError) as error:
            raise StoreUnavailable(f"The wake-up could not be sent: {error}.") from error


class MemoryJobQueue:
    """A JobQueue in this process, read by tests."""

    def __init__(self) -> None:
        self._messages: deque[tuple[str, str]] = deque()
        self._lock = threading.Lock()

    def publish(self, job_id: str, queue: str) -> None:
        """See JobQueue."""
        with self._lock:
            self._messages.append((job_id, queue))

    def take(self) -> tuple[str, str] | None:
        """The oldest (job id, queue) not taken yet."""
        with self._lock:
            return self._messages.popleft() if self._messages else None


def publisher(settings: Settings) -> Celery:
    """A Celery app that only publishes: for the gateway."""
    app = Celery("facesocial", set_as_current=False)
    app.conf.update(celery_settings(settings, "gateway"))
    # Loads what publishing needs, without a connection: else the first client waits for it.
    _ = app.amqp.producer_pool
    return app
