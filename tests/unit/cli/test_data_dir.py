import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.errors import AlreadyRunning, LauncherError
from cli.launcher.data_dir import DataDir
from cli.launcher.run_files import read_run_file, write_run_file


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    found = DataDir(root=tmp_path / "data")
    found.create()
    return found


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_are_closed_to_others(data: DataDir) -> None:
    folders = (data.root, data.run, data.logs, data.store)

    assert {_mode(folder) for folder in folders} == {0o700}


def test_a_root_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    DataDir(root=tmp_path).create()

    assert _mode(tmp_path) == 0o755
    assert _mode(tmp_path / "run") == 0o700


def test_a_root_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LauncherError, match="file can't be used"):
        DataDir(root=tmp_path / "file").create()


def test_a_secret_is_made_once_and_private(data: DataDir) -> None:
    first = data.secret("flower")

    assert len(first) >= 32
    assert data.secret("flower") == first
    assert data.secret("store") != first
    assert _mode(data.run / "flower.secret") == 0o600


def test_an_empty_secret_is_made_anew(data: DataDir) -> None:
    (data.run / "flower.secret").write_text("\n")

    assert len(data.secret("flower")) >= 32


def test_a_second_holder_is_told_who_the_first_is(data: DataDir) -> None:
    with data.held():
        data.announce("http://127.0.0.1:8000")

        with pytest.raises(AlreadyRunning) as refused, data.held():
            pytest.fail("two hold the folder")

    assert f"pid {os.getpid()}" in str(refused.value)
    assert "http://127.0.0.1:8000" in str(refused.value)


def test_a_holder_that_was_killed_blocks_nobody(data: DataDir, root: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from cli.launcher.data_dir import DataDir\n"
        "with DataDir(root=Path(sys.argv[1])).held(): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = (sys.executable, "-c", program, str(data.root))
    killed = subprocess.run(command, cwd=root, timeout=30, check=False)

    with data.held():
        assert read_run_file(data.run / "up.json")["pid"] == os.getpid()
    assert killed.returncode == -9


@pytest.mark.parametrize("garbage", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b'"x"'])
def test_a_damaged_run_file_reads_as_empty(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "store.json"
    path.write_bytes(garbage)

    assert read_run_file(path) == {}


def test_a_run_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "store.json"
    path.with_name("store.json.partial").write_text("left by a crash")

    write_run_file(path, {"pid": 1})
    write_run_file(path, {"pid": 2})

    assert json.loads(path.read_text()) == {"pid": 2}
    assert _mode(path) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["store.json"]


def test_processes_that_need_a_secret_at_once_get_the_same(tmp_path: Path, root: Path) -> None:
    data = DataDir(root=tmp_path)
    data.create()
    code = (
        "import sys; from pathlib import Path; from cli.launcher.data_dir import DataDir\n"
        "sys.stdin.readline(); print(DataDir(root=Path(sys.argv[1])).secret('store'))"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()

    answers = {child.communicate(timeout=60)[0] for child in children}

    assert len(answers) == 1
    assert [path.name for path in data.run.iterdir()] == ["store.secret"]
