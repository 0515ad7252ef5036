"""Beat that doesn't pile up: while nobody takes maintenance messages, none are added."""

from typing import Any

import structlog
from celery.beat import PersistentScheduler
from kombu.exceptions import OperationalError

from workers.contract import QUEUE_MAINTENANCE

#: Messages that may wait before beat holds back: the tasks are the same every time.
MOST_WAITING = 4

_log = structlog.get_logger()


class PatientScheduler(PersistentScheduler):  # type: ignore[misc]  # Celery is untyped
    """Celery's scheduler, holding back while earlier messages wait.

    Without workers the queue would grow by 46 MB a day. Expiry times would not help: an expired
    message stays until somebody takes it, and clocks of two machines may differ.
    """

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Celery's
        """Send an entry's message, unless enough of them wait."""
        if self._waiting() >= MOST_WAITING:
            _log.debug("beat.held_back", task=entry.task)
            return None
        return super().apply_async(entry, *args, **kwargs)

    def _waiting(self) -> int:
        try:
            with self.app.connection_or_acquire() as connection:
                queue = connection.default_channel.queue_declare(QUEUE_MAINTENANCE)
                return int(queue.message_count)
        except OperationalError:
            return 0  # sending fails next, and says so
