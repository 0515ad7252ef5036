"""`facesocial up` where it can't start: one clear line, the right exit code, nothing left."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.launcher.data_dir import DataDir

pytestmark = pytest.mark.fleet


def _up(root: Path, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-m", "cli.main", "up", "--no-flower", *options),
        cwd=root,
        env={"PATH": os.defpath, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    """The only line there is."""
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_a_second_start_names_the_first_one(root: Path, tmp_path: Path) -> None:
    data = DataDir(root=tmp_path)
    data.create()
    with data.held():
        data.announce("http://127.0.0.1:8000")

        done = _up(root, "--data-dir", str(tmp_path))

    assert done.returncode == 1
    assert f"already running on {tmp_path} (pid {os.getpid()})" in _said(done)
    assert "http://127.0.0.1:8000" in _said(done)


def test_a_misspelt_setting_is_named_with_the_likely_one(root: Path, tmp_path: Path) -> None:
    done = _up(root, "--data-dir", str(tmp_path), FACESOCIAL_PROT="1")

    assert done.returncode == 2
    assert "Did you mean FACESOCIAL_PORT?" in _said(done)


def test_a_port_out_of_range_is_refused(root: Path, tmp_path: Path) -> None:
    done = _up(root, "--data-dir", str(tmp_path), "--port", "65536")

    assert done.returncode == 2
    assert "FACESOCIAL_PORT" in _said(done)


def test_a_taken_port_is_refused_before_anything_is_started(root: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]

        done = _up(root, "--data-dir", str(tmp_path), "--port", str(port))

    assert done.returncode == 1
    assert f"Port {port}" in _said(done)
    assert list((tmp_path / "logs").iterdir()) == []


def test_a_given_store_that_is_away_is_named_without_its_password(
    root: Path, tmp_path: Path
) -> None:
    url = "redis://:hidden@127.0.0.1:1/0"

    done = _up(root, "--data-dir", str(tmp_path), FACESOCIAL_REDIS_URL=url)

    assert done.returncode == 1
    assert "127.0.0.1:1 (FACESOCIAL_REDIS_URL)" in _said(done)
    assert "hidden" not in _said(done)
