"""The real gateway as the launcher starts it, on a store of the tests and without workers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from workers.settings.process import environment_of

COMMAND = ("gunicorn", "--config", "python:api.gunicorn_config", "api.wsgi:create()")


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """A running gateway and where it writes."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_alive(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/live", timeout=2).is_success
        except httpx.TransportError:
            return False


@contextmanager
def running_gateway(
    folder: Path, *, root: Path, port: int, redis_port: int, **settings: object
) -> Iterator[Gateway]:
    """Start gunicorn, wait until it answers, stop it at the end."""
    environment = {
        **os.environ,  # noqa: TID251 - handed to the gateway
        **environment_of(
            **{
                "data_dir": folder / "data",
                "redis_url": f"redis://127.0.0.1:{redis_port}/0",
                "port": port,
                "auth": "off",
                "drain_seconds": 0,
                "gateway_secret": "of-the-tests-" + "s" * 32,
                **settings,
            }
        ),
    }
    log = folder / "gateway.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *COMMAND],
            cwd=root,
            env=environment,
            stdout=output,
            stderr=output,
        )
    found = Gateway(port=port, log=log, process=process)
    try:
        assert within(90, lambda: process.poll() is not None or found.is_alive())
        assert process.poll() is None, log.read_text()
        yield found
    finally:
        process.terminate()
        process.wait(timeout=40)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
