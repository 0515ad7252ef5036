"""gunicorn's gevent worker, with an end to every wait and a way to leave.

All requests of a process share one thread and take turns whenever they wait: a thousand clients
that wait cost memory, not threads. gunicorn's own worker lets a client take as long as it likes,
leaves idle connections open until it is killed, and knows no time between "I am leaving" and "I
have left"; this one does.
"""

import gc
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn import http
from gunicorn.http.errors import (
    NoMoreData,
    ParseException,
)
from gunicorn.workers.ggevent import GeventWorker

from api.deadline_socket import DeadlineSocket
from api.drain import Drain
from api.unreadable import answer_to_unreadable

#: Files a process needs besides its clients' connections: store, log, blobs, libraries.
OWN_FILES = 256
#: How often the main loop looks whether it was told to leave, and gives its sign of life.
LOOK_SECONDS = 0.25
#: What is left of gunicorn's time when connections that are still open are cut.
CUT_SECONDS = 2.0
#: Objects made before Python looks for cycles among them, and how often it looks at older ones.
#: Each request makes thousands, waiting clients hold many more, and hardly any are in cycles: with
#: Python's own 700 a sixth of the processor time of accepting a photo went into looking.
GARBAGE_THRESHOLDS = (10_000, 20, 20)


class GatewayWorker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Requests that arrive in time. TLS is not read here but by a proxy in front.

    `request_seconds`, `drain_seconds` and `drain` are set when the worker starts.
    """

    #: Longest time from a request's first byte to its last.
    request_seconds: float
    #: How long it goes on serving after it was told to leave.
    drain_seconds: float
    #: Told when the process leaves.
    drain: Drain

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's own
        super().__init__(*args, **kwargs)
        self.worker_connections = int(self.cfg.worker_connections)
        #: Those that are open, oldest first.
        self._connections: dict[DeadlineSocket, None] = {}

    def init_process(self) -> None:
        """See gunicorn: the blocking calls of Python are replaced here, then the app is loaded."""
        wanted = self.worker_connections + OWN_FILES
        allowed = raise_file_limit(wanted)
        if allowed < wanted:
            self.worker_connections = max(1, allowed - OWN_FILES)
            self.log.warning(
                "Only %d connections: the system allows %d files", self.worker_connections, allowed
            )
        super().init_process()

    def run(self) -> None:
        """Serve until told to leave; then announce it, send waiters away, and end."""
        # What was loaded stays: nobody needs to look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        servers = [self._serving(listener) for listener in self.sockets]
        while self.alive:
            self._rest()
        left_at = time.monotonic()
        self.drain.announce()
        while time.monotonic() < left_at + self.drain_seconds:
            self._rest()
        for server in servers:
            server.close()
        self.drain.stop()
        for connection in self._idle():
            connection.turn_away()
        while self._connections and time.monotonic() < self._cut_at(left_at):
            self._rest(0.05)
        if self._connections:
            self.log.warning("Cutting %d connections", len(self._connections))
        for server in servers:
            server.stop(timeout=CUT_SECONDS / 2)
        self.drain.end()

    def _serving(self, listener: Any) -> StreamServer:  # noqa: ANN401 - gunicorn's own
        listener.setblocking(1)
        pool = Pool(self.worker_connections)
        server = StreamServer(
            listener, handle=lambda *client: self.handle(listener, *client), spawn=pool
        )
        if self.cfg.workers > 1:
            server.max_accept = 1  # what one process has taken no other can
        server.start()
        return server

    def _idle(self) -> Iterator[DeadlineSocket]:
        """Connections on which nothing is under way, oldest first."""
        return (one for one in tuple(self._connections) if one.is_idle)

    def _rest(self, seconds: float = LOOK_SECONDS) -> None:
        """Let the others work, having given gunicorn a sign of life."""
        self.notify()
        gevent.sleep(seconds)

    def _cut_at(self, left_at: float) -> float:
        """When connections that are still open are cut, before gunicorn kills the process."""
        return left_at + float(self.cfg.graceful_timeout) - CUT_SECONDS

    def handle(self, listener: Any, client: Any, addr: Any) -> None:  # noqa: ANN401 - gunicorn's
        """Serve a connection from its first request to its last."""
        connection = DeadlineSocket(
            client, request_seconds=self.request_seconds, idle_seconds=self.cfg.keepalive
        )
        if len(self._connections) + 1 >= self.worker_connections:
            # This takes the last place: the next is that of a client that has nothing to ask.
            for idle in islice(self._idle(), 1):
                idle.turn_away()
        self._connections[connection] = None
        try:
            self._serve(listener.getsockname(), connection, addr)
            connection.finish()
        finally:
            del self._connections[connection]
            connection.close()

    def _serve(self, address: Any, connection: DeadlineSocket, peer: Any) -> None:  # noqa: ANN401
        parser = http.get_parser(self.cfg, connection, peer)
        request = None
        try:
            while not connection.is_handed_over:
                request = None
                request = next(parser)
                self.handle_request(address, request, connection, peer)
                connection.expect_request()
                if not self.alive:
                    return
        except (NoMoreData, StopIteration):
            return
        except OSError as error:
            self.log.debug("The client has gone: %s", error)
        except ParseException as error:
            # Not what was sent: there may be a key in it.
            self.log.info("A request could not be read: %s", type(error).__name__)
            with suppress(OSError):
                connection.sendall(answer_to_unreadable(error))
        except Exception as error:  # noqa: BLE001 - gunicorn answers what it could not read
            self.handle_error(request, connection, peer, error)


def raise_file_limit(wanted: int) -> int:
    """Let this process have so many files open, as far as the system allows.

    Returns:
        How many it may have open now.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
