"""Flower as the stack starts it: closed without the password, and unable to change anything."""

import base64
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.redis, pytest.mark.fleet]


@pytest.fixture(scope="module")
def flower(root: Path, valkey_port: int, pick_port: Callable[[], int]) -> Iterator[str]:
    """Address of a running Flower on loopback."""
    port = pick_port()
    environment = {
        **os.environ,  # noqa: TID251 - a child process needs PATH and the like
        "FACESOCIAL_FLOWER_PASSWORD": "sesame",
        "FACESOCIAL_REDIS_URL": f"redis://127.0.0.1:{valkey_port}/0",
        "FLOWER_ADDRESS": "127.0.0.1",
        "FLOWER_PORT": str(port),
    }
    command = [sys.executable, "-m", "celery", "-A", "workers.app:app", "flower"]
    process = subprocess.Popen(
        [*command, f"--conf={root}/deploy/flower_config.py"], cwd=root, env=environment
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(address)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_until_healthy(address: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if status(f"{address}/healthcheck") == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("Flower did not start")


def status(address: str, password: str | None = None, method: str = "GET") -> int:
    request = urllib.request.Request(address, method=method)  # noqa: S310 - our own loopback address
    if password:
        token = base64.b64encode(f"facesocial:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - as above
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_it_shows_nothing_without_the_password(flower: str) -> None:
    assert status(f"{flower}/workers") == 401
    assert status(f"{flower}/workers", password="open") == 401  # noqa: S106 - a wrong one
    assert status(f"{flower}/workers", password="sesame") == 200  # noqa: S106 - the test's own


def test_no_one_can_change_anything_through_it(flower: str) -> None:
    send = f"{flower}/api/task/async-apply/facesocial.dispatch"

    assert status(send, password="sesame", method="POST") == 403  # noqa: S106 - the test's own
