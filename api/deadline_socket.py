"""A connection with an end to every wait: for a request, within it, and for the client to read."""

import time

from gevent import socket
from gunicorn.http.errors import (
    NoMoreData,
)

#: Longest pause within a request, and longest wait for a new connection's first request.
PAUSE_SECONDS = 10.0
#: A request's time grows with what has arrived: a client that trickles has no more than a pause.
#: 4 KB/s is an old mobile network; ten megabytes then take as long as `upload_seconds` allows.
SLOWEST_BYTES_PER_SECOND = 4096
#: A long request has to bring so much in the time that so much earns, again and again.
LONG_REQUEST_STEP_BYTES = 256 * 1024
#: How long a closed connection may go on sending, so that it reads our answer before the reset.
LINGER_SECONDS = 1.0
_LINGER_BYTES = 64 * 1024


class DeadlineSocket(socket.socket):  # type: ignore[misc]  # gevent ships no types
    """A connection whose requests must arrive in time and whose answers must be read in time.

    Args:
        connection: Taken over; not to be used any more.
        request_seconds: From the first byte of a request to its last.
        pause_seconds: Longest wait of one read within a request.
        idle_seconds: Longest wait for the next request's first byte.
        slowest_bytes_per_second: What a request's bytes earn it time by.
    """

    def __init__(
        self,
        connection: socket.socket,
        *,
        request_seconds: float,
        pause_seconds: float = PAUSE_SECONDS,
        idle_seconds: float = PAUSE_SECONDS,
        slowest_bytes_per_second: float = SLOWEST_BYTES_PER_SECOND,
    ) -> None:
        super().__init__(fileno=connection.detach())
        self._request_seconds = request_seconds
        self._pause_seconds = pause_seconds
        self._idle_seconds = idle_seconds
        self._slowest = slowest_bytes_per_second
        #: Whether this request may take as long as its bytes earn.
        self._may_be_long = False
        #: Longest wait for the first byte of what comes next: a new connection's is a pause.
        self._first_seconds = pause_seconds
        #: On the monotonic clock; None until the request's first read.
        self._started: float | None = None
        self._received_bytes = 0
        #: Whether every further read fails.
        self._ended = False
        #: Whether it speaks another protocol now, which keeps its own time.
        self._handed_over = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing has been read of the next request."""
        return self._started is None and not self._handed_over

    @property
    def is_handed_over(self) -> bool:
        """Whether HTTP is over on this connection."""
        return self._handed_over

    def expect_request(self) -> None:
        """Start the clock anew at the next byte."""
        self._started = None
        self._received_bytes = 0
        self._may_be_long = False
        self._first_seconds = self._idle_seconds

    def allow_long_request(self) -> None:
        """Let the current request take as long as it keeps coming."""
        self._may_be_long = True

    def hand_over(self, tick_seconds: float) -> None:
        """End the limits: from now on every wait to read or to send ends after one tick.

        Raises:
            TimeoutError: by later reads and writes, when a tick passes.
        """
        self._handed_over = True
        self.settimeout(tick_seconds)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read as a socket does, within what is left of the time.

        Raises:
            NoMoreData: the client paused for too long, or the request took too long.
            TimeoutError: the socket's own, shorter timeout passed.
        """
        if self._handed_over:
            return bytes(super().recv(size, flags))
        left, own = self._seconds_left(), self.gettimeout()
        if self._ended or left <= 0:
            raise NoMoreData
        if own is not None and own < left:
            return bytes(super().recv(size, flags))
        self.settimeout(left)
        try:
            data = bytes(super().recv(size, flags))
        except TimeoutError:
            # For good: who asks again must not wait again.
            self._ended = True
            raise NoMoreData from None
        finally:
            self.settimeout(own)
        self._count(len(data))
        return data

    def _seconds_left(self) -> float:
        """How long the next read may take."""
        if self._started is None:
            return self._first_seconds
        earned_seconds = self._pause_seconds + self._received_bytes / self._slowest
        if not self._may_be_long:
            earned_seconds = min(self._request_seconds, earned_seconds)
        end = self._started + earned_seconds
        return min(self._pause_seconds, end - time.monotonic())

    def _count(self, received_bytes: int) -> None:
        """The clock of a request starts at its first byte, of a long one with each step again.

        So nobody sends fast for a while and then trickles for as long as that has earned.
        """
        self._received_bytes += received_bytes
        if self._started is None or (
            self._may_be_long and self._received_bytes >= LONG_REQUEST_STEP_BYTES
        ):
            self._started, self._received_bytes = time.monotonic(), 0

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send all of it, to a client that reads it.

        Raises:
            TimeoutError: the client reads slower than a request may arrive.
        """
        if self._handed_over:
            super().sendall(data, flags)
            return
        own = self.gettimeout()
        self.settimeout(self._pause_seconds + len(data) / self._slowest)
        try:
            super().sendall(data, flags)
        finally:
            self.settimeout(own)

    def finish(self) -> None:
        """Say that nothing more is sent, read what still comes, and end all further reads."""
        deadline = time.monotonic() + LINGER_SECONDS
        drained = 0
        try:
            self.shutdown(socket.SHUT_WR)
            while drained < _LINGER_BYTES and (left := deadline - time.monotonic()) > 0:
                self.settimeout(left)
                data = super().recv(4096)
                if not data:
                    break
                drained += len(data)
        except OSError:
            return  # The client has gone, or its time is over.
        finally:
            self._ended = True

    def turn_away(self) -> None:
        """End the wait for a next request; one that has arrived already is still read."""
        try:
            self.shutdown(socket.SHUT_RD)
        except OSError:
            return  # The client has gone.
