"""`/ws/system-status`: how the fleet does, every few seconds."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from api.live.background import start
from api.live.connection import Channel, MessageRefused
from api.live.messages import read_ping
from workers.errors import StoreUnavailable

#: Live figures are pushed this often.
PUSH_SECONDS = 5.0


class StatusSession:
    """Tells how the fleet does.

    Args:
        status: Looks; see `api.vitals.status_body`.
        push_seconds: Between two looks.
    """

    def __init__(
        self, status: Callable[[], Mapping[str, Any]], *, push_seconds: float = PUSH_SECONDS
    ) -> None:
        self._status = status
        self._push_seconds = push_seconds
        self._over = threading.Event()
        self._connection: Channel

    def opened(self, connection: Channel) -> None:
        """See Session."""
        self._connection = connection
        start(self._tell, name="live-status")

    def text(self, message: str) -> None:
        """See Session."""
        self._connection.send({"type": "pong", "id": read_ping(message).id})

    def binary(self, message: bytes) -> None:
        """See Session."""
        del message
        raise MessageRefused("This connection takes no binary messages.")

    def closed(self) -> None:
        """See Session."""
        self._over.set()

    def _tell(self) -> None:
        """Look and send, until the connection is over; the thread's body."""
        while not self._over.is_set():
            self._connection.send(self._message())
            self._over.wait(self._push_seconds)

    def _message(self) -> Mapping[str, Any]:
        try:
            return {"type": "system_status", **self._status()}
        except StoreUnavailable:
            return {"type": "system_status", "status": "unavailable"}
