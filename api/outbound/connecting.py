"""One connection to an address that was checked, with an end in time whatever the other side does.

httpcore speaks HTTP; the name is resolved before, so nothing can answer another address later.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore

from api.outbound.errors import UrlUnreachable

#: Longest time one address is tried, so that a second one is in time.
CONNECT_SECONDS = 3.0


class Deadline:
    """When a request must be over, redirects and look-ups included."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def end(self) -> None:
        """Be over from now on."""
        self._end = time.monotonic()

    def left_seconds(self) -> float:
        """Time left, above 0.

        Raises:
            UrlUnreachable: there is none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise UrlUnreachable("The URL's host took too long.")
        return left


class _Stream(httpcore.NetworkStream):
    """A connection whose every step ends by the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        content = self._stream.read(max_bytes, self._deadline.left_seconds())
        if not content:
            # The other side's end, or ours? A file that was broken off is no file.
            self._deadline.left_seconds()
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._stream.write(buffer, self._deadline.left_seconds())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        del timeout
        left_seconds = self._deadline.left_seconds()
        secured = self._stream.start_tls(ssl_context, server_hostname, left_seconds)
        return _Stream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore declares it
        return self._stream.get_extra_info(info)


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to one address, whatever the host is called."""

    def __init__(self, address: str, deadline: Deadline) -> None:
        self._address = address
        self._deadline = deadline
        self._watched: list[socket.socket] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """See httpcore.NetworkBackend."""
        del host, timeout, local_address
        seconds = min(CONNECT_SECONDS, self._deadline.left_seconds())
        stream = httpcore.SyncBackend().connect_tcp(
            self._address, port, seconds, socket_options=socket_options
        )
        # A second handle: the first one is given up when TLS takes over.
        self._watched.append(stream.get_extra_info("socket").dup())
        return _Stream(stream, self._deadline)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Break the connection off at the deadline, inside of a handshake or a record too.

        A timeout of a socket begins anew with every byte that drips in.
        """
        timer = threading.Timer(self._deadline.left_seconds(), self._break_off)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            for handle in self._watched:
                handle.close()

    def _break_off(self) -> None:
        self._deadline.end()
        for handle in self._watched:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)
