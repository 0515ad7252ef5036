"""A connection ends when its client is too slow, and only then."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from gunicorn.http.errors import (
    NoMoreData,
)

from api.deadline_socket import LINGER_SECONDS, LONG_REQUEST_STEP_BYTES, DeadlineSocket

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

    assert 0.2 <= time.monotonic() - started < 50


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

    assert LINGER_SECONDS <= time.monotonic() - started < 50
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


def test_a_next_request_is_waited_for_longer_than_a_byte_within_one() -> None:
    ours, client = socket.socketpair()
    limits = {"request_seconds": 60.0, "pause_seconds": 0.05, "idle_seconds": 10.0}
    with DeadlineSocket(ours, **limits) as served, client:
        client.sendall(b"one")
        assert served.recv(3) == b"one"
        assert not served.is_idle
        served.expect_request()
        assert served.is_idle
        later = threading.Timer(0.2, client.sendall, [b"t"])
        later.start()

        assert served.recv(3) == b"t"
        later.join()
        with pytest.raises(NoMoreData):
            served.recv(3)


def test_a_silent_new_connection_is_given_no_longer_than_a_pause(connect: Connect) -> None:
    served, _client = connect(60, 0.05)
    started = time.monotonic()

    with pytest.raises(NoMoreData):
        served.recv(1)

    assert time.monotonic() - started < 5


def test_an_idle_client_is_turned_away_but_what_it_has_sent_is_read(connect: Connect) -> None:
    served, client = connect(60, 60)
    client.sendall(b"just in time")

    served.turn_away()

    assert served.recv(100) == b"just in time"
    assert served.recv(100) == b""


def test_a_client_that_does_not_read_its_answer_does_not_hold_the_sender() -> None:
    ours, client = socket.socketpair()
    served = DeadlineSocket(
        ours, request_seconds=60, pause_seconds=0.05, slowest_bytes_per_second=1e8
    )
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        served.sendall(bytes(1024 * 1024))

    assert time.monotonic() - started < 10
    served.close()
    client.close()


def test_a_long_request_may_exceed_the_usual_time_but_not_trickle() -> None:
    ours, client = socket.socketpair()
    limits = {"request_seconds": 0.05, "pause_seconds": 2.0, "slowest_bytes_per_second": 1e5}
    with DeadlineSocket(ours, **limits) as served, client:
        client.sendall(b"first")
        served.recv(100)
        served.allow_long_request()
        started = time.monotonic()

        for _ in range(8):  # what it earns together would do for two seconds more
            client.sendall(bytes(LONG_REQUEST_STEP_BYTES // 8))
            received = 0
            while received < LONG_REQUEST_STEP_BYTES // 8:
                received += len(served.recv(65536))
            time.sleep(0.02)
        assert time.monotonic() - started > 0.05
        pieces = 0
        with pytest.raises(NoMoreData):  # noqa: PT012 - the piece it fails at is a matter of speed
            while True:
                client.sendall(b".")
                served.recv(1)
                pieces += 1
                time.sleep(0.02)
        # Of a pause: as many at most, on a busy machine fewer.
        assert pieces <= 2.0 / 0.02


def test_a_connection_that_speaks_another_protocol_keeps_its_own_time(connect: Connect) -> None:
    served, client = connect(0.01, 0.01)
    client.sendall(b"Upgrade")
    served.recv(100)

    served.hand_over(0.02)

    with pytest.raises(TimeoutError):
        served.recv(1)
    client.sendall(b"later")
    assert served.recv(100) == b"later"
    assert not served.is_idle
