"""The servers of the gateway's benchmark: gunicorn as it is installed, one worker process each."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.children import child_environment
from benchmarks.errors import BenchmarkFailed
from cli.launcher.data_dir import DataDir
from cli.launcher.embedded_store import EmbeddedStore
from cli.launcher.ports import free_port
from cli.launcher.store_binary import find_store_binary
from workers.settings.process import Settings

#: Every gateway of the benchmark takes it.
KEY: Final = "fs_live_" + "benchmark" + "0" * 40
START_SECONDS: Final = 30.0
_ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A gunicorn with one worker process."""

    port: int
    worker_pid: int


@contextmanager
def gateway(settings: Settings, *, config: str = "api.gunicorn_config") -> Iterator[Server]:
    """A gateway with accounts, limits and logs, on a store of its own.

    Args:
        settings: What shapes the work.
        config: Module with gunicorn's settings.
    """
    with tempfile.TemporaryDirectory() as folder, _store_url() as redis_url:
        own = {
            "data_dir": Path(folder),
            "redis_url": redis_url,
            "auth": "required",
            "development_key": KEY,
            "gateway_secret": "0" * 40,
            # One user holds all connections here, and nobody takes the jobs.
            "live_connections": 10_000,
            # Clients of a phase are noticed as gone while the next phase begins.
            "gateway_connections": 8192,
            "max_waiting_jobs": 1_000_000,
            "drain_seconds": 0,
        }
        with _server(settings, own, config, "api.wsgi:create()") as server:
            yield server


@contextmanager
def bare_gateway(settings: Settings) -> Iterator[Server]:
    """The route that only reads, on the same server."""
    own = {"gateway_secret": "0" * 40}
    with _server(
        settings, own, "benchmarks.bare_gunicorn", "benchmarks.bare_upload:create()"
    ) as server:
        yield server


@contextmanager
def _store_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        data = DataDir(root=Path(folder))
        data.create()
        store = EmbeddedStore(data, find_store_binary(), memory_bytes=2 * 1024**3)
        store.start()
        try:
            yield store.url
        finally:
            store.stop()


@contextmanager
def _server(
    settings: Settings, own: Mapping[str, object], config: str, application: str
) -> Iterator[Server]:
    port = free_port()
    environment = child_environment(settings, {**own, "port": port})
    arguments = ("--config", f"python:{config}", application)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments],
            env=environment,
            cwd=_ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            _await(port, process)
            [worker] = psutil.Process(process.pid).children()
            yield Server(port=port, worker_pid=worker.pid)
        except BenchmarkFailed as error:
            log.seek(0)
            raise BenchmarkFailed(f"{error}\n{log.read().decode()[-2000:]}") from error
        finally:
            # Without grace: threads that wait for clients who have left would take half a minute.
            workers = psutil.Process(process.pid).children()
            process.kill()
            process.wait(timeout=10)
            for one in workers:
                one.kill()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers anything."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=1, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise BenchmarkFailed(f"The server on port {port} does not answer.")
