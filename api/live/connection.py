"""One open connection: reads messages, sends messages, notices when the other side is gone."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from api.live.close_codes import CloseCode
from api.live.frames import Closed, Frames

#: RFC 6455: a connection that ended without a close frame.
ABNORMAL = 1006
#: How long a client has to answer our close frame.
CLOSING_SECONDS = 5.0
#: So many heartbeats without a sign of life end a connection.
SILENT_HEARTBEATS = 2.5

_log = structlog.get_logger()


class Transport(Protocol):
    """A stream of bytes to a client."""

    def receive(self) -> bytes:
        """What has arrived; empty when the client has gone.

        Raises:
            TimeoutError: nothing came for a few seconds; ask again.
            OSError: the client has gone.
        """
        ...

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            TimeoutError: the client does not read.
            OSError: the client has gone.
        """
        ...

    def abort(self) -> None:
        """Have reading end, now and later."""
        ...


class Channel(Protocol):
    """What a session sends through; from any thread."""

    def send(self, message: Mapping[str, Any]) -> bool:
        """Send a message as JSON; whether it was taken."""
        ...

    def end(self, code: int, reason: str = "") -> None:
        """Say that this is the end."""
        ...


class Session(Protocol):
    """What a connection is for."""

    def opened(self, connection: Channel) -> None:
        """Begin; the connection may be sent to from now on, from any thread."""
        ...

    def text(self, message: str) -> None:
        """Take a text message.

        Raises:
            MessageRefused: it is not understood; the connection ends.
        """
        ...

    def binary(self, message: bytes) -> None:
        """Take a binary message.

        Raises:
            MessageRefused: the connection is not for such messages; it ends.
        """
        ...

    def closed(self) -> None:
        """End: nothing can be sent any more."""
        ...


class MessageRefused(Exception):
    """A message after which the connection can't go on."""

    def __init__(self, reason: str, code: int = CloseCode.BAD_MESSAGE) -> None:
        super().__init__(reason)
        self.closed = Closed(code=code, reason=reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long a connection may be silent, and what it may hold."""

    #: A client that was silent for so long is asked for a sign of life.
    heartbeat_seconds: float = 20.0
    #: A client that sent no message for so long is sent away; None: it need not send any.
    idle_seconds: float | None = None
    #: How often its right to be here is looked at again.
    check_seconds: float = 30.0
    #: Of one message.
    most_message_bytes: int = 2 * 1024 * 1024


def still_welcome() -> Closed | None:
    """Let everybody stay."""
    return None


class LiveConnection:
    """Serves one client until one side ends it.

    One thread reads; any thread may send. There is no buffer of outgoing messages: who sends waits
    until the client has taken the message, and a client that does not take it is cut.

    Args:
        transport: To the client, after the handshake.
        session: What its messages go to.
        pace: Its limits.
        is_welcome: Asked now and then; an answer ends the connection.
        clock: In seconds, for tests.
    """

    def __init__(
        self,
        transport: Transport,
        session: Session,
        pace: Pace,
        *,
        is_welcome: Callable[[], Closed | None] = still_welcome,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._session = session
        self._pace = pace
        self._is_welcome = is_welcome
        self._clock = clock
        self._frames = Frames(most_bytes=pace.most_message_bytes)
        #: Of the protocol's state and of sending: one message at a time.
        self._lock = threading.Lock()
        now = clock()
        self._heard = self._pinged = self._message = self._checked = now
        #: Why and when we said that we end it.
        self._ending: tuple[Closed, float] | None = None

    def run(self) -> Closed:
        """Serve until the connection is over; why it is."""
        try:
            self._session.opened(self)
            closed = self._serve()
        except Exception:  # noqa: BLE001 - the connection's boundary
            _log.exception("live.fault")
            self.end(CloseCode.INTERNAL_ERROR, "A fault of this server.")
            closed = Closed(code=CloseCode.INTERNAL_ERROR)
        finally:
            self._session.closed()
        return self._ending[0] if self._ending else closed

    def send(self, message: Mapping[str, Any]) -> bool:
        """Send a message as JSON; whether it was taken."""
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        return self._push(lambda: self._frames.text(text))

    def end(self, code: int, reason: str = "") -> None:
        """Say that this is the end; the reader ends when the client has answered, or soon."""
        if self._ending is None:
            self._ending = (Closed(code=code, reason=reason), self._clock())
        self._push(lambda: self._frames.close(code, reason))

    def _serve(self) -> Closed:
        while True:
            try:
                data = self._transport.receive()
            except TimeoutError:
                data = None
            except OSError:
                return Closed(code=ABNORMAL)
            if data == b"":
                return Closed(code=ABNORMAL)
            closed = self._take(data) if data is not None else None
            closed = closed or self._look_after()
            if closed is not None:
                return closed

    def _take(self, data: bytes) -> Closed | None:
        """Hand on the messages that are complete with these bytes."""
        self._heard = self._clock()
        with self._lock:
            messages = list(self._frames.receive(data))
        self._push(self._frames.replies)
        for message in messages:
            if isinstance(message, Closed):
                return message
            if self._ending is not None:
                continue  # too late: it was told that this is the end
            self._message = self._clock()
            try:
                if isinstance(message, str):
                    self._session.text(message)
                else:
                    self._session.binary(message)
            except MessageRefused as error:
                self.end(error.closed.code, error.closed.reason)
        return None

    def _look_after(self) -> Closed | None:
        """Give signs of life, ask for them, and end what has to end."""
        now, pace = self._clock(), self._pace
        if self._ending is not None:
            closed, since = self._ending
            return closed if now - since > CLOSING_SECONDS else None
        if now - self._heard > SILENT_HEARTBEATS * pace.heartbeat_seconds:
            return Closed(code=ABNORMAL, reason="The client gave no sign of life.")
        if now - max(self._heard, self._pinged) >= pace.heartbeat_seconds:
            self._pinged = now
            self._push(self._frames.ping)
        if pace.idle_seconds is not None and now - self._message > pace.idle_seconds:
            self.end(CloseCode.IDLE, f"No message for {pace.idle_seconds:.0f} seconds.")
        elif now - self._checked >= pace.check_seconds:
            self._checked = now
            if (unwelcome := self._is_welcome()) is not None:
                self.end(unwelcome.code, unwelcome.reason)
        return None

    def _push(self, make: Callable[[], bytes]) -> bool:
        """Send what is made, one at a time; a client that does not take it is cut."""
        with self._lock:
            data = make()
            if not data:
                return False
            try:
                self._transport.send(data)
            except TimeoutError:
                reason = "The client does not read its messages."
                self._ending = (Closed(code=CloseCode.TRY_LATER, reason=reason), self._clock())
            except OSError:
                pass  # The reader will notice.
            else:
                return True
            self._transport.abort()
            return False
