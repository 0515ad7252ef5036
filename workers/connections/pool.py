"""A bounded pool of connections that a crowd may wait at, and nobody when the store is away."""

import time
from queue import Empty, LifoQueue
from typing import Any

import redis


class FailingLine(LifoQueue[Any]):
    """The idle connections; who waits for one gives up when another's call has failed meanwhile."""

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        #: On the monotonic clock: when a call last failed for good.
        self.failed_at = float("-inf")

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ANN401 - the base's
        """See LifoQueue.

        Raises:
            Empty: also when a call has failed since this wait began.
        """
        began = time.monotonic()
        taken = super().get(block, timeout)
        if self.failed_at > began:
            # Whoever waits next is woken by this, and goes as well.
            self.put_nowait(taken)
            raise Empty
        return taken


class PatientPool(redis.BlockingConnectionPool):
    """Lets callers wait long in a crowd, and not at all behind a call that failed.

    A limit on the wait alone can't tell a busy process from a store that is away: a thousand
    requests at once wait for their turn longer than anybody may wait for a store that hangs. So
    those who wait go as soon as a call ends without an answer.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - redis-py's own
        super().__init__(**options, queue_class=FailingLine)  # type: ignore[no-untyped-call]  # redis-py

    def release(self, connection: Any) -> None:  # noqa: ANN401 - redis-py's own
        """Take a connection back; one that is broken tells that its call has failed."""
        if not connection.is_connected:
            self.pool.failed_at = time.monotonic()
        super().release(connection)  # type: ignore[no-untyped-call]  # redis-py
