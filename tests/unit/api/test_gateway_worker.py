"""A connection ends when its client is too slow, and only then."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from gunicorn.http.errors import (
    NoMoreData,
)

from api.gateway_worker import LINGER_SECONDS, DeadlineSocket

Connect = Callable[[float, float], tuple[DeadlineSocket, socket.socket]]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A connection with limits (whole request, pause), and its client."""
    opened: list[socket.socket] = []

    def pair(request_seconds: float, pause_seconds: float) -> tuple[DeadlineSocket, socket.socket]:
        ours, client = socket.socketpair()
        served = DeadlineSocket(ours, request_seconds=request_seconds, pause_seconds=pause_seconds)
        opened.extend((served, client))
        return served, client

    yield pair
    for one in opened:
        one.close()


def test_a_pause_ends_the_connection_for_good(connect: Connect) -> None:
    served, client = connect(60, 0.05)
    client.sendall(b"first")
    assert served.recv(100) == b"first"

    with pytest.raises(NoMoreData):
        served.recv(100)
    client.sendall(b"too late")
    with pytest.raises(NoMoreData):
        served.recv(100)


def test_a_request_in_small_pieces_ends_in_time(connect: Connect) -> None:
    served, client = connect(0.2, 60)
    started = time.monotonic()

    with pytest.raises(NoMoreData):  # noqa: PT012 - the piece it fails at is a matter of speed
        while True:
            client.sendall(b".")
            served.recv(1)
            time.sleep(0.01)

    assert 0.2 <= time.monotonic() - started < 5


def test_the_next_request_has_its_own_time(connect: Connect) -> None:
    served, client = connect(0.05, 60)
    client.sendall(b"one, two")
    assert served.recv(5) == b"one, "
    time.sleep(0.06)

    served.expect_request()

    assert served.recv(5) == b"two"


def test_a_shorter_timeout_of_gunicorn_s_own_stays(connect: Connect) -> None:
    served, client = connect(60, 60)
    served.settimeout(0.01)

    with pytest.raises(TimeoutError):
        served.recv(1)

    client.sendall(b"a")
    assert served.recv(1) == b"a"
    assert served.gettimeout() == 0.01


def test_the_socket_blocks_as_before_after_a_read(connect: Connect) -> None:
    served, client = connect(60, 60)
    client.sendall(b"a")

    assert served.recv(1) == b"a"
    assert served.gettimeout() is None


def test_a_client_that_has_gone_reads_as_the_end(connect: Connect) -> None:
    served, client = connect(60, 60)
    client.close()

    assert served.recv(1) == b""


def test_finishing_lets_the_client_read_our_answer_and_waits_no_longer(connect: Connect) -> None:
    served, client = connect(60, 60)
    client.sendall(b"unread")
    served.sendall(b"answer")
    started = time.monotonic()

    served.finish()

    assert time.monotonic() - started < LINGER_SECONDS + 5
    assert client.recv(100) == b"answer"
    assert client.recv(100) == b""
    with pytest.raises(NoMoreData):
        served.recv(1)


def test_finishing_ends_at_once_when_the_client_closes(connect: Connect) -> None:
    served, client = connect(60, 60)
    client.close()
    started = time.monotonic()

    served.finish()

    assert time.monotonic() - started < LINGER_SECONDS
