"""`facesocial backup` on a real store that is written to, and what is put back from it."""

import fcntl
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner, Result

from cli.errors import CliError
from cli.launcher.data_dir import DataDir
from cli.launcher.embedded_store import EmbeddedStore
from cli.launcher.store_binary import find_store_binary
from cli.main import app
from workers.identities.folder_vault import FolderVault
from workers.settings.process import environment_of

pytestmark = [pytest.mark.redis, pytest.mark.fleet]

UID = "col_" + 32 * "0"
Run = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A folder with something of everything in it."""
    found = DataDir(root=tmp_path / "data")
    found.create()
    found.secret("gateway")
    for name, text in {
        "blobs/facesocial/identities/kept": "sealed",
        "blobs/facesocial/jobs/photo": "of somebody",
        "weights/model.onnx": "large",
    }.items():
        path = found.root / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert FolderVault(found.root / "identity-keys").swap(UID, old=None, new=b"first")
    return found


@pytest.fixture
def store(data: DataDir) -> Iterator[EmbeddedStore]:
    found = EmbeddedStore(data, find_store_binary())
    yield found
    found.stop()


@pytest.fixture
def run(data: DataDir) -> Run:
    """Runs `facesocial backup ...` for that folder."""
    environment = {
        "FACESOCIAL_DATA_DIR": str(data.root),
        "FACESOCIAL_CONFIG": None,
        "FACESOCIAL_REDIS_URL": None,
    }
    return lambda *arguments: CliRunner().invoke(
        app, ["backup", *map(str, arguments)], env=environment
    )


class Writer(threading.Thread):
    """Adds numbers to a list for as long as it is let, and knows which were confirmed."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._client = redis.Redis.from_url(url)
        self._over = threading.Event()
        self.confirmed = 0

    def run(self) -> None:
        while not self._over.is_set():
            self._client.rpush("numbers", self.confirmed)
            self.confirmed += 1

    def end(self) -> None:
        self._over.set()
        self.join(timeout=10)


def test_what_was_confirmed_before_is_in_the_copy_of_a_store_at_work(
    store: EmbeddedStore, run: Run, tmp_path: Path
) -> None:
    store.start()
    client = redis.Redis.from_url(store.url)
    writer = Writer(store.url)
    writer.start()
    while writer.confirmed < 100:
        pass
    client.bgrewriteaof()
    before = writer.confirmed

    done = run(tmp_path / "copy", "--keys", tmp_path / "apart")

    writer.end()
    assert done.exit_code == 0, done.exception
    assert client.config_get("auto-aof-rewrite-percentage") == {
        "auto-aof-rewrite-percentage": "100"
    }
    store.stop()
    other = DataDir(root=tmp_path / "copy")
    other.create()
    restored = EmbeddedStore(other, find_store_binary())
    restored.start()
    try:
        numbers = redis.Redis.from_url(restored.url).lrange("numbers", 0, -1)
    finally:
        restored.stop()
    assert len(numbers) >= before
    assert [int(number) for number in numbers] == list(range(len(numbers)))


def test_photos_of_jobs_stay_out_and_keys_go_elsewhere_in_one_copy(
    data: DataDir, run: Run, tmp_path: Path
) -> None:
    copy, apart = tmp_path / "copy", tmp_path / "apart"
    assert run(copy, "--keys", apart).exit_code == 0
    assert FolderVault(data.root / "identity-keys").swap(UID, old=b"first", new=b"second")
    assert run(tmp_path / "another", "--keys", apart).exit_code == 0

    held = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert held == {"blobs/facesocial/identities/kept", "run/gateway.secret"}
    assert [path.name for path in apart.iterdir()] == ["identity-keys"]
    assert [path.read_bytes() for path in apart.rglob("*.keys")] == [b"second"]
    modes = {path.stat().st_mode & 0o077 for path in (copy, apart, *apart.rglob("*.keys"))}
    assert modes == {0}


def test_lost_keys_take_no_place_of_the_last_copy(data: DataDir, run: Run, tmp_path: Path) -> None:
    apart = tmp_path / "apart"
    assert run(tmp_path / "copy", "--keys", apart).exit_code == 0
    # As one that was killed between its two renames leaves it.
    (apart / "identity-keys").rename(apart / "identity-keys.new")
    (apart / "identity-keys.old").mkdir()
    shutil.rmtree(data.root / "identity-keys")

    refused = run(tmp_path / "another", "--keys", apart)

    assert isinstance(refused.exception, CliError)
    assert "put them back from there" in str(refused.exception)
    assert [path.read_bytes() for path in (apart / "identity-keys").glob("*.keys")] == [b"first"]


def test_what_can_t_be_right_is_refused_and_copies_nothing(
    data: DataDir, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()

    def refused(*arguments: object) -> str:
        done = run(*arguments)
        assert isinstance(done.exception, CliError)
        return str(done.exception)

    assert "is there already" in refused(tmp_path / "there", "--keys", tmp_path / "apart")
    copy = tmp_path / "copy"
    assert "apart" in refused(copy, "--keys", copy / "keys")
    assert "apart" in refused(copy, "--keys", tmp_path / "x" / ".." / "copy")
    assert "no data folder" in refused(
        copy, "--keys", tmp_path / "apart", "--data-dir", tmp_path / "there"
    )
    with data.held():
        assert "already running" in refused(copy, "--keys", tmp_path / "apart")
    assert not copy.exists()
    assert not (tmp_path / "apart").exists()


def test_nothing_is_written_where_the_fleet_has_its_own(
    data: DataDir, run: Run, tmp_path: Path
) -> None:
    vault = data.root / "identity-keys"
    before = {path: path.stat().st_ino for path in (vault, *vault.iterdir())}
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "identity-keys").symlink_to(vault)
    copy = tmp_path / "copy"

    for place in (data.root, vault, data.root / "backups", mounted):
        done = run(copy, "--keys", place)
        assert isinstance(done.exception, CliError), place
    inside = run(data.root / "copy", "--keys", tmp_path / "apart")

    assert "is in the data folder" in str(inside.exception)
    assert {path: path.stat().st_ino for path in (vault, *vault.iterdir())} == before
    assert not copy.exists()


def test_a_secret_that_is_a_setting_is_named_and_all_else_copied(
    data: DataDir, run: Run, tmp_path: Path
) -> None:
    (data.run / "gateway.secret").unlink()

    done = run(tmp_path / "copy", "--keys", tmp_path / "apart")

    assert done.exit_code == 0, done.exception
    assert "keep FACESOCIAL_GATEWAY_SECRET apart" in done.output
    assert (tmp_path / "copy" / "blobs/facesocial/identities/kept").is_file()


def test_a_copy_that_is_told_to_end_lets_the_store_rewrite_its_file_again(
    data: DataDir, store: EmbeddedStore, tmp_path: Path
) -> None:
    store.start()
    client = redis.Redis.from_url(store.url, decode_responses=True)
    copy = tmp_path / "copy"
    with (data.root / "identity-keys" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # so that the keys are waited for
        with subprocess.Popen(
            [sys.executable, "-m", "cli.main", "backup", copy, "--keys", tmp_path / "apart"],
            env=environment_of(data_dir=data.root),
        ) as process:
            while not copy.exists() and process.poll() is None:
                time.sleep(0.01)
            during = client.config_get("auto-aof-rewrite-percentage")
            process.terminate()

    assert during == {"auto-aof-rewrite-percentage": "0"}
    assert process.returncode == 128 + signal.SIGTERM
    assert client.config_get("auto-aof-rewrite-percentage") == {
        "auto-aof-rewrite-percentage": "100"
    }
