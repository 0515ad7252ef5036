"""From an HTTP request to an open connection."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any

from flask import Request, Response
from gunicorn.workers.base_async import (
    ALREADY_HANDLED,
)

from api.deadline_socket import DeadlineSocket
from api.errors import ApiError
from api.live.connection import Transport
from api.live.credentials import SUBPROTOCOL, offered_protocols
from api.live.frames import accept_of

#: How often a connection that is silent is looked after, and the longest wait for a client to take
#: a message.
TICK_SECONDS = 5.0
RECEIVE_BYTES = 64 * 1024
_VERSION = "13"
_KEY_BYTES = 16
#: Of a body, which there is none of.
_BODY_HEADERS = ("Content-Type", "Content-Length", "Content-Encoding", "Connection")


class SocketTransport:
    """A Transport on a connection that HTTP has left."""

    def __init__(self, connection: DeadlineSocket) -> None:
        self._connection = connection

    def receive(self) -> bytes:
        """See Transport."""
        return self._connection.recv(RECEIVE_BYTES)

    def send(self, data: bytes) -> None:
        """See Transport."""
        self._connection.sendall(data)

    def abort(self) -> None:
        """See Transport."""
        self._connection.turn_away()


class WebSocketResponse(Response):
    """The answer that makes a connection of a request and serves it to its end.

    Args:
        request: That asks for it; see `require_upgrade`.
        serve: Called with the open connection, after everything that is done to answers.
    """

    def __init__(self, request: Request, serve: Callable[[Transport], None]) -> None:
        super().__init__(status=101)
        self._serve = serve
        self.headers["Upgrade"] = "websocket"
        self.headers["Sec-WebSocket-Accept"] = accept_of(request.headers["Sec-WebSocket-Key"])
        if SUBPROTOCOL in offered_protocols(request):
            self.headers["Sec-WebSocket-Protocol"] = SUBPROTOCOL

    def __call__(self, environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        """Answer and serve; what is returned tells gunicorn that there is nothing left to do."""
        del start_response
        try:
            connection = _connection_of(environ)
            connection.hand_over(TICK_SECONDS)
            connection.sendall(self._head())
            self._serve(SocketTransport(connection))
        finally:
            self.close()
        handled: Iterable[bytes] = ALREADY_HANDLED
        return handled

    def _head(self) -> bytes:
        fields = [(name, value) for name, value in self.headers if name not in _BODY_HEADERS]
        lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade"]
        lines += [f"{name}: {value}" for name, value in fields]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def asks_for_upgrade(request: Request) -> bool:
    """Whether a client wants a WebSocket connection, rightly or wrongly put."""
    return "websocket" in request.headers.get("Upgrade", "").lower()


def require_upgrade(request: Request) -> None:
    """Refuse a request that can't become a connection.

    Raises:
        ApiError: `upgrade_required`, or `invalid_request` where the handshake is wrong.
    """
    connection = request.headers.get("Connection", "").lower()
    if not asks_for_upgrade(request) or "upgrade" not in connection:
        raise ApiError("upgrade_required", "This address is for WebSocket connections.")
    if request.headers.get("Sec-WebSocket-Version") != _VERSION:
        raise ApiError("upgrade_required", f"Speak version {_VERSION} of the WebSocket protocol.")
    if not _is_key(request.headers.get("Sec-WebSocket-Key", "")):
        raise ApiError("invalid_request", "Sec-WebSocket-Key: expected 16 bytes as base64.")
    if not isinstance(request.environ.get("gunicorn.socket"), DeadlineSocket):
        raise ApiError("upgrade_required", "This server can't hold WebSocket connections.")


def _connection_of(environ: dict[str, Any]) -> DeadlineSocket:
    connection = environ["gunicorn.socket"]
    if not isinstance(connection, DeadlineSocket):
        raise TypeError(connection)  # `require_upgrade` has looked
    return connection


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False
