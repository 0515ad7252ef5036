"""Clients that send requests by halves do not keep others out of the real gateway."""

import io
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from PIL import Image

from api.deadline_socket import LINGER_SECONDS, PAUSE_SECONDS
from tests.integration.gateway_process import Gateway, running_gateway, within

pytestmark = [pytest.mark.fleet, pytest.mark.redis]

CONNECTIONS = 16
UPLOAD_SECONDS = 5.0
#: For a busy machine.
MARGIN_SECONDS = 6.0

_POST = (
    b"POST /api/v1/face/analyze HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
)
_CHUNKED = (
    b"POST /api/v1/face/analyze HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{"
)
_HEAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Rest: "
_UNREAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
_ASKS = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
_STAYS = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(
    valkey_port: int,
    pick_port: Callable[[], int],
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """Gunicorn as the launcher starts it, with few connections and no worker behind it."""
    with running_gateway(
        tmp_path_factory.mktemp("gateway"),
        root=root,
        port=pick_port(),
        redis_port=valkey_port,
        gateway_connections=CONNECTIONS,
        upload_seconds=UPLOAD_SECONDS,
    ) as gateway:
        yield gateway


@pytest.fixture
def slow_clients(gateway: Gateway) -> Iterator[Callable[[bytes], list[socket.socket]]]:
    """Opens more connections than the gateway takes, each with a beginning of a request."""
    with ExitStack() as stack:

        def opened(beginning: bytes) -> list[socket.socket]:
            address = ("127.0.0.1", gateway.port)
            clients = []
            for _ in range(CONNECTIONS + 1):
                client = stack.enter_context(socket.create_connection(address, timeout=10))
                client.sendall(beginning)
                clients.append(client)
            return clients

        yield opened


@pytest.fixture
def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 120, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "beginning", [_POST, _CHUNKED, _HEAD, _UNREAD], ids=["body", "chunked", "head", "unread"]
)
def test_half_sent_requests_hold_the_gateway_for_a_limited_time(
    gateway: Gateway,
    slow_clients: Callable[[bytes], list[socket.socket]],
    beginning: bytes,
) -> None:
    clients = slow_clients(beginning)

    def answers_while_they_go_on() -> bool:
        for client in clients:
            with suppress(OSError):
                client.sendall(b"1")
        return gateway.is_alive()

    assert within(UPLOAD_SECONDS + LINGER_SECONDS + MARGIN_SECONDS, answers_while_they_go_on)
    assert "Traceback" not in gateway.log.read_text()


def test_clients_that_keep_closed_connections_open_do_not_stop_the_gateway(
    gateway: Gateway, slow_clients: Callable[[bytes], list[socket.socket]]
) -> None:
    for _ in range(4):
        slow_clients(_STAYS)

    assert within(5 * LINGER_SECONDS + MARGIN_SECONDS, gateway.is_alive)


def test_silent_clients_and_idle_ones_make_room_for_others(
    gateway: Gateway, slow_clients: Callable[[bytes], list[socket.socket]]
) -> None:
    for _ in range(4):
        slow_clients(b"")
        slow_clients(_ASKS)

    # Who says nothing would be sent away after a pause anyway.
    assert within(PAUSE_SECONDS - 2, gateway.is_alive)


def test_a_client_that_is_too_slow_is_told_so(
    gateway: Gateway, slow_clients: Callable[[bytes], list[socket.socket]]
) -> None:
    client = slow_clients(_POST)[0]

    answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 4")
    assert b"application/problem+json" in answer
    assert "Traceback" not in gateway.log.read_text()


def test_a_complete_request_may_wait_longer_than_an_upload_may_take(
    gateway: Gateway, photo: bytes
) -> None:
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        started = time.monotonic()

        answer = client.post(
            f"/api/v1/face/analyze?wait={UPLOAD_SECONDS + 1}", files={"image": photo}
        )

        assert answer.status_code == 202
        assert time.monotonic() - started > UPLOAD_SECONDS


def test_a_kept_connection_serves_request_after_request(gateway: Gateway, photo: bytes) -> None:
    with httpx.Client(base_url=gateway.url, timeout=10) as client:
        addresses = set()
        for _ in range(3):
            answer = client.post("/api/v1/face/analyze", files={"image": photo})
            assert answer.status_code == 202
            addresses.add(answer.extensions["network_stream"].get_extra_info("client_addr"))

        assert len(addresses) == 1
