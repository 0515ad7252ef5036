"""Clients that send requests by halves do not keep others out of the real gateway."""

import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from PIL import Image

from api.gateway_worker import LINGER_SECONDS
from workers.settings import environment_of

pytestmark = [pytest.mark.fleet, pytest.mark.redis]

THREADS = 2
UPLOAD_SECONDS = 5.0
#: For a busy machine.
MARGIN_SECONDS = 6.0

_POST = (
    b"POST /api/v1/face/analyze HTTP/1.1\r\nHost: gateway\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
)
_CHUNKED = (
    b"POST /api/v1/face/analyze HTTP/1.1\r\nHost: gateway\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{"
)
_HEAD = b"GET /health/live HTTP/1.1\r\nHost: gateway\r\nX-Rest: "
_UNREAD = b"GET /health/live HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000\r\n\r\n"
_STAYS = b"GET /health/live HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """A running gateway and where it writes."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_alive(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/live", timeout=0.5).is_success
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def gateway(
    valkey_port: int,
    pick_port: Callable[[], int],
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """Gunicorn as the launcher starts it, with two threads and no worker behind it."""
    folder = tmp_path_factory.mktemp("gateway")
    found = Gateway(port=pick_port(), log=folder / "gateway.log")
    environment = {
        **os.environ,  # noqa: TID251 - handed to the gateway
        **environment_of(
            data_dir=folder / "data",
            redis_url=f"redis://127.0.0.1:{valkey_port}/0",
            port=found.port,
            gateway_threads=THREADS,
            upload_seconds=UPLOAD_SECONDS,
        ),
    }
    command = ("gunicorn", "--config", "python:api.gunicorn_config", "api.wsgi:create()")
    with found.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=root, env=environment, stdout=log, stderr=log
        )
    try:
        assert _within(20, found.is_alive), found.log.read_text()
        yield found
    finally:
        process.terminate()
        process.wait(timeout=40)


@pytest.fixture
def slow_clients(gateway: Gateway) -> Iterator[Callable[[bytes], list[socket.socket]]]:
    """Opens more connections than there are threads, each with a beginning of a request."""
    with ExitStack() as stack:

        def opened(beginning: bytes) -> list[socket.socket]:
            address = ("127.0.0.1", gateway.port)
            clients = [
                stack.enter_context(socket.create_connection(address, timeout=10))
                for _ in range(THREADS + 1)
            ]
            for client in clients:
                client.sendall(beginning)
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

    assert _within(UPLOAD_SECONDS + LINGER_SECONDS + MARGIN_SECONDS, answers_while_they_go_on)
    assert "Traceback" not in gateway.log.read_text()


def test_clients_that_keep_closed_connections_open_do_not_stop_the_gateway(
    gateway: Gateway, slow_clients: Callable[[bytes], list[socket.socket]]
) -> None:
    for _ in range(4):
        slow_clients(_STAYS)

    assert _within(4 * (THREADS + 1) / THREADS * LINGER_SECONDS + 3, gateway.is_alive)


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


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
