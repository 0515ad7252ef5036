"""The WebSocket protocol of one connection (RFC 6455), without a socket: bytes in, bytes out."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    TextMessage,
)

from api.live.close_codes import CloseCode

#: RFC 6455, section 1.3.
_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: A close frame holds 125 bytes, two of them the code; what is left is counted in characters
#: of one byte, because our reasons are plain.
_MOST_REASON_CHARACTERS = 123


@dataclass(frozen=True, kw_only=True, slots=True)
class Closed:
    """The connection is over, or is to be ended."""

    code: int
    reason: str = ""


#: What a client has sent: a text message, a binary one, or its end.
Incoming = str | bytes | Closed


def accept_of(key: str) -> str:
    """The value of `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key`."""
    digest = hashlib.sha1(key.encode() + _KEY_SUFFIX, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


class Frames:
    """Turns a client's bytes into messages and ours into bytes.

    Compression is not agreed upon: photos don't shrink, and small messages that unpack to large
    ones are no concern.

    Args:
        most_bytes: Of one message; a larger one ends the connection.
    """

    def __init__(self, *, most_bytes: int) -> None:
        self._connection = Connection(ConnectionType.SERVER)
        self._most_bytes = most_bytes
        self._text: list[str] = []
        self._binary = bytearray()
        self._received_bytes = 0
        self._replies = bytearray()

    @property
    def is_closing(self) -> bool:
        """Whether one side has said that it ends the connection."""
        return self._connection.state is not ConnectionState.OPEN

    def receive(self, data: bytes) -> Iterator[Incoming]:
        """The messages that are complete with these bytes, in order.

        Take `replies` and send them afterwards. After a `Closed` nothing more comes.
        """
        if self._connection.state is ConnectionState.CLOSED:
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            yield from self._take(event)
            if isinstance(event, CloseConnection) or self._received_bytes > self._most_bytes:
                return

    def _take(self, event: Event) -> Iterator[Incoming]:
        if isinstance(event, Ping):
            if not self.is_closing:
                self._replies += self._connection.send(event.response())
        elif isinstance(event, CloseConnection):
            if self._connection.state is ConnectionState.OPEN:  # it broke the protocol
                self._replies += self.close(int(event.code), event.reason or "")
            elif self._connection.state is ConnectionState.REMOTE_CLOSING:
                self._replies += self._connection.send(event.response())
            yield Closed(code=int(event.code), reason=event.reason or "")
        elif isinstance(event, Message):
            yield from self._gather(event)

    def _gather(self, message: Message[Any]) -> Iterator[Incoming]:
        """Keep a part of a message; the message, if that was its last."""
        # An empty part is no nothing: there could be any number of them.
        self._received_bytes += max(1, len(message.data))
        if self._received_bytes > self._most_bytes:
            reason = f"A message may have {self._most_bytes} bytes."
            self._replies += self.close(CloseCode.TOO_LARGE, reason)
            yield Closed(code=CloseCode.TOO_LARGE, reason=reason)
            return
        if isinstance(message, TextMessage):
            self._text.append(message.data)
        elif isinstance(message, BytesMessage):
            self._binary += message.data
        if message.message_finished:
            self._received_bytes = 0
            if isinstance(message, TextMessage):
                whole: Incoming = "".join(self._text)
                self._text = []
            else:
                whole = bytes(self._binary)
                self._binary = bytearray()
            yield whole

    def replies(self) -> bytes:
        """What the protocol itself has to answer, once."""
        taken, self._replies = bytes(self._replies), bytearray()
        return taken

    def text(self, message: str) -> bytes:
        """A message to send; nothing once the connection is closing."""
        return self._sent(TextMessage(data=message))

    def ping(self) -> bytes:
        """A question that every client answers by itself."""
        return self._sent(Ping())

    def close(self, code: int, reason: str = "") -> bytes:
        """The last frame to send; nothing when it was sent before."""
        return self._sent(CloseConnection(code=code, reason=reason[:_MOST_REASON_CHARACTERS]))

    def _sent(self, event: Event) -> bytes:
        if self._connection.state is not ConnectionState.OPEN:
            return b""
        return self._connection.send(event)
