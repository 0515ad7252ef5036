"""The store as compose.yaml starts it: its very command, run on the embedded server."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from redis.backoff import NoBackoff
from redis.retry import Retry

pytestmark = [pytest.mark.redis]


@pytest.fixture
def store(
    root: Path, tmp_path: Path, valkey_binary: Path, pick_port: Callable[[], int]
) -> Iterator[redis.Redis]:
    """A client, not logged in, of a server started by the service's command."""
    services: dict[str, Any] = yaml.safe_load((root / "compose.yaml").read_text())["services"]
    shell, flags, script = services["valkey"]["command"]
    port = pick_port()
    (tmp_path / "secret").write_text("sesame\n")
    for inside, here in {
        "$$": "$",
        "/etc/valkey.conf": f"{root}/deploy/valkey.conf",
        "/run/secrets/valkey_password": f"{tmp_path}/secret",
        "/tmp/valkey.conf": f"{tmp_path}/valkey.conf",  # noqa: S108 - the container's own
        "valkey-server": str(valkey_binary),
        "--dir /data": f"--dir {tmp_path} --port {port} --bind 127.0.0.1 --logfile server.log",
    }.items():
        assert inside in script
        script = script.replace(inside, here)
    process = subprocess.Popen([shell, flags, script])
    try:
        with redis.Redis(port=port, protocol=2, retry=Retry(NoBackoff(), 0)) as client:
            _wait_until_it_answers(client)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_until_it_answers(client: redis.Redis) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            client.ping()
        except redis.AuthenticationError:
            return
        except redis.ConnectionError:
            assert time.monotonic() < deadline, "the store did not start"
            time.sleep(0.02)


@pytest.fixture
def logged_in(store: redis.Redis) -> Iterator[redis.Redis]:
    port = store.get_connection_kwargs()["port"]
    with redis.Redis(port=port, password="sesame") as client:  # noqa: S106 - the test's own
        yield client


def test_it_asks_for_the_password_of_the_secret(store: redis.Redis, logged_in: redis.Redis) -> None:
    with pytest.raises(redis.AuthenticationError):
        store.get("anything")

    assert logged_in.ping()


def test_it_evicts_nothing_and_keeps_an_append_only_file(logged_in: redis.Redis) -> None:
    settings = logged_in.config_get("maxmemory*", "append*", "save")

    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["maxmemory"] == str(768 * 1024 * 1024)
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "everysec")
    assert settings["save"] == ""
