"""gunicorn's threaded worker, with an end to every read.

A thread of gunicorn's own worker reads a request for as long as its client likes, and a connection
that is to be closed may hold the loop that accepts all others for two seconds: a few half-sent
requests keep everybody out. Here reading a request has a longest pause and a longest time. A
client that is too slow is met with gunicorn's own `NoMoreData`, as if it had gone.
"""

import socket
import time
from typing import Any

from gunicorn.http.errors import (
    NoMoreData,
)
from gunicorn.workers.gthread import (
    ThreadWorker,
)

#: Longest pause within a request.
PAUSE_SECONDS = 10.0
#: A request's time grows with what has arrived: a client that trickles has no more than a pause.
#: 4 KB/s is an old mobile network; ten megabytes then take as long as `upload_seconds` allows.
SLOWEST_BYTES_PER_SECOND = 4096
#: How long a closed connection may go on sending, so that it reads our answer before the reset.
LINGER_SECONDS = 1.0
_LINGER_BYTES = 64 * 1024


class DeadlineSocket(socket.socket):
    """A connection whose requests must arrive in time.

    Args:
        connection: Taken over; not to be used any more.
        request_seconds: From the first read of a request to its last.
        pause_seconds: Longest wait of one read.
    """

    def __init__(
        self,
        connection: socket.socket,
        *,
        request_seconds: float,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        super().__init__(fileno=connection.detach())
        self._request_seconds = request_seconds
        self._pause_seconds = pause_seconds
        #: On the monotonic clock; None until the request's first read.
        self._started: float | None = None
        self._received_bytes = 0
        #: Whether every further read fails.
        self._ended = False

    def expect_request(self) -> None:
        """Start the clock anew at the next read."""
        self._started = None
        self._received_bytes = 0

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read as a socket does, within what is left of the time.

        Raises:
            NoMoreData: the client paused for too long, or the request took too long.
            TimeoutError: the socket's own, shorter timeout passed.
        """
        left, own = self._seconds_left(), self.gettimeout()
        if self._ended or left <= 0:
            raise NoMoreData
        if own is not None and own < left:
            return super().recv(size, flags)
        self.settimeout(left)
        try:
            data = super().recv(size, flags)
        except TimeoutError:
            # For good: who asks again must not wait again.
            self._ended = True
            raise NoMoreData from None
        finally:
            self.settimeout(own)
        self._received_bytes += len(data)
        return data

    def _seconds_left(self) -> float:
        """How long the next read may take."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        earned_seconds = self._pause_seconds + self._received_bytes / SLOWEST_BYTES_PER_SECOND
        end = self._started + min(self._request_seconds, earned_seconds)
        return min(self._pause_seconds, end - now)

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


class GatewayWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Threads for requests that arrive in time. TLS is not read here but by a proxy in front."""

    #: Longest time from a request's first byte to its last; set when the worker starts.
    request_seconds: float

    def handle(self, conn: Any) -> Any:  # noqa: ANN401 - gunicorn's own, which ships no types
        """Read and answer one request, in a thread of the pool.

        Args:
            conn: gunicorn's `TConn`.

        Returns:
            Whether the connection stays open, or a mark that it waits for its first byte.
        """
        if not isinstance(conn.sock, DeadlineSocket):
            conn.sock = DeadlineSocket(conn.sock, request_seconds=self.request_seconds)
        conn.sock.expect_request()
        kept = super().handle(conn)
        if not kept:
            # gunicorn would linger too, but in the one thread that accepts connections.
            conn.sock.finish()
        return kept
