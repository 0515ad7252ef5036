"""The embedded store against its real server."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cli.errors import StoreFailed
from cli.launcher.data_dir import DataDir
from cli.launcher.embedded_store import EmbeddedStore
from cli.launcher.store_binary import find_store_binary

pytestmark = [pytest.mark.redis, pytest.mark.fleet]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    # A blank and a quote: both must survive the server's own configuration syntax.
    found = DataDir(root=tmp_path / 'da ta"')
    found.create()
    yield found
    for process in _servers(found):
        process.kill()
        process.wait(timeout=60)


@pytest.fixture
def binary() -> Path:
    try:
        return find_store_binary()
    except StoreFailed as error:
        pytest.skip(str(error))


@pytest.fixture
def store(data: DataDir, binary: Path) -> EmbeddedStore:
    return EmbeddedStore(data, binary)


def _servers(data: DataDir) -> list[psutil.Process]:
    """Every server on this folder, by its configuration file: the truth the records are held to."""
    config = str(data.run / "store.conf")
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if config in (process.info["cmdline"] or ())
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def _client(store: EmbeddedStore) -> redis.Redis:
    return redis.Redis.from_url(store.url, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _pid(store: EmbeddedStore) -> int:
    assert store.pid is not None
    return store.pid


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 60 s"
        time.sleep(0.02)


def _kill(store: EmbeddedStore, data: DataDir) -> None:
    os.kill(_pid(store), signal.SIGKILL)
    _eventually(lambda: not _servers(data))


def test_it_serves_loopback_only_with_a_password_kept_off_the_command_line(
    store: EmbeddedStore, data: DataDir
) -> None:
    store.start()

    server = psutil.Process(_pid(store))
    password = data.secret("store")
    listening = [c.laddr.ip for c in server.net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]
    assert password not in " ".join(server.cmdline())
    for file in ("store.conf", "store.json", "store.secret"):
        assert stat.S_IMODE((data.run / file).stat().st_mode) == 0o600
    wrong = store.url.replace(password, "wrong")
    with redis.Redis.from_url(wrong) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with _client(store) as client:
        found = {
            name: client.config_get(name)[name]
            for name in ("appendonly", "appendfsync", "save", "maxmemory-policy", "maxmemory")
        }
    assert {key: value for key, value in found.items() if key != "maxmemory"} == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    assert int(found["maxmemory"]) == 512 * 1024 * 1024
    store.stop()


def test_stopping_keeps_the_data_and_the_address(
    store: EmbeddedStore, data: DataDir, binary: Path
) -> None:
    store.start()
    url = store.url
    with _client(store) as client:
        client.set("job", "1")
    store.stop()
    assert not _servers(data)

    again = EmbeddedStore(data, binary)
    again.start()

    assert again.url == url
    with _client(again) as client:
        assert client.get("job") == b"1"
    again.stop()


def test_killing_it_loses_no_write_that_was_answered(
    store: EmbeddedStore, data: DataDir, binary: Path
) -> None:
    store.start()
    with _client(store) as client:
        for number in range(200):
            client.set(f"job:{number}", number)
    _kill(store, data)

    again = EmbeddedStore(data, binary)
    again.start()

    with _client(again) as client:
        assert client.dbsize() == 200
    again.stop()
    store.stop()


def test_a_second_start_adopts_the_first_server(
    store: EmbeddedStore, data: DataDir, binary: Path
) -> None:
    store.start()

    second = EmbeddedStore(data, binary)
    second.start()

    assert (second.pid, second.url) == (store.pid, store.url)
    assert len(_servers(data)) == 1
    second.stop()
    _eventually(lambda: not _servers(data))
    store.stop()


def test_two_processes_that_start_at_once_have_one_server(
    data: DataDir, binary: Path, root: Path
) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from cli.launcher.data_dir import DataDir\n"
        "from cli.launcher.embedded_store import EmbeddedStore\n"
        "store = EmbeddedStore(DataDir(root=Path(sys.argv[1])), Path(sys.argv[2]))\n"
        "store.start(); print(store.pid, flush=True); sys.stdin.read()\n"
    )
    command = (sys.executable, "-c", program, str(data.root), str(binary))
    starts = [
        subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]

    pids = {start.stdout.readline() for start in starts if start.stdout}

    assert len(pids) == 1
    assert [f"{server.pid}\n" for server in _servers(data)] == list(pids)
    for start in starts:
        start.communicate(timeout=10)


def test_a_server_that_says_nothing_is_replaced(
    store: EmbeddedStore, data: DataDir, binary: Path
) -> None:
    store.start()
    silent = _pid(store)
    os.kill(silent, signal.SIGSTOP)
    # SIGTERM reaches a stopped process when it goes on, which here it does in mid-grace.
    going_on = threading.Timer(7, os.kill, (silent, signal.SIGCONT))
    going_on.start()

    second = EmbeddedStore(data, binary)
    second.start()

    going_on.join()
    assert second.pid != silent
    assert [server.pid for server in _servers(data)] == [second.pid]
    second.stop()
    store.stop()


@pytest.mark.parametrize("garbage", [b"", b"{", b"\xff", b"[]", b'{"pid": "x", "port": -1}'])
def test_a_damaged_record_never_gives_a_second_server(
    store: EmbeddedStore, data: DataDir, binary: Path, garbage: bytes
) -> None:
    store.start()
    with _client(store) as client:
        client.set("job", "1")
    (data.run / "store.json").write_bytes(garbage)

    second = EmbeddedStore(data, binary)
    second.start()

    assert [server.pid for server in _servers(data)] == [second.pid]
    with _client(second) as client:
        assert client.get("job") == b"1"
    second.stop()
    store.stop()


def test_a_record_of_a_process_that_is_not_ours_harms_nobody(
    store: EmbeddedStore, data: DataDir
) -> None:
    stranger = psutil.Process()
    record = {"pid": stranger.pid, "started_at_seconds": stranger.create_time() - 60, "port": 7000}
    (data.run / "store.json").write_text(json.dumps(record))

    store.start()

    assert stranger.is_running()
    assert store.pid != stranger.pid
    store.stop()


def test_a_stranger_on_the_port_makes_it_move(
    store: EmbeddedStore, data: DataDir, binary: Path
) -> None:
    store.start()
    port = json.loads((data.run / "store.json").read_text())["port"]
    store.stop()

    with socket.create_server(("127.0.0.1", port)):
        moved = EmbeddedStore(data, binary)
        moved.start()

        assert f":{port}/" not in moved.url
        with _client(moved) as client:
            assert client.ping()
        moved.stop()


def test_a_port_lost_after_it_was_settled_is_said_in_words(store: EmbeddedStore) -> None:
    store.prepare()
    port = int(store.url.rpartition(":")[2].partition("/")[0])

    with socket.create_server(("127.0.0.1", port)), pytest.raises(StoreFailed, match="stranger"):
        store.launch()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    store: EmbeddedStore, data: DataDir
) -> None:
    folder = data.store / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("nonsense\n")

    with pytest.raises(StoreFailed, match=r"ended \(exit code 1\)[\s\S]*manifest"):
        store.start()

    assert not _servers(data)


def test_stopping_twice_or_before_a_start_is_no_error(store: EmbeddedStore) -> None:
    store.stop()
    store.start()
    store.stop()
    store.stop()

    assert store.pid is None
