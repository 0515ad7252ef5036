"""A real worker process: what it does when it can't work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.weights.store import WeightStore
from workers.settings.process import environment_of

pytestmark = [pytest.mark.fleet, pytest.mark.redis]

#: For a busy machine: none of them ends by itself but for its reason.
END_SECONDS = 180


def _worker(root: Path, log: Path, **settings: object) -> subprocess.Popen[bytes]:
    """A worker as the launcher starts one."""
    environment = {
        **os.environ,  # noqa: TID251 - handed to the worker
        **environment_of(**settings),
        "REMAP_SIGTERM": "SIGQUIT",
        "PYTHONPATH": str(root),
    }
    argv = [sys.executable, "-m", "celery", "-A", "workers.app:app", "worker"]
    argv += ["-n", "test@%h", "--concurrency", "1"]
    argv += ["--without-gossip", "--without-mingle"]
    with log.open("wb") as output:
        return subprocess.Popen(
            argv, cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT
        )


def _await_end(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    finally:
        process.kill()
        process.wait()


@pytest.mark.weights
def test_a_worker_whose_device_is_not_there_ends_and_says_why(
    root: Path, tmp_path: Path, valkey_port: int, weights: WeightStore
) -> None:
    log = tmp_path / "worker.log"
    process = _worker(
        root,
        log,
        data_dir=tmp_path / "data",
        weights_dir=weights.root.absolute(),
        redis_url=f"redis://127.0.0.1:{valkey_port}/0",
        device="cuda:99",
        require_gpu=True,
    )

    _await_end(process, END_SECONDS)

    assert "worker.can_not_start" in log.read_text()


def test_a_worker_without_weights_ends_with_the_command_that_helps(
    root: Path, tmp_path: Path, valkey_port: int
) -> None:
    log = tmp_path / "worker.log"
    process = _worker(
        root,
        log,
        data_dir=tmp_path / "data",
        redis_url=f"redis://127.0.0.1:{valkey_port}/0",
    )

    _await_end(process, END_SECONDS)

    assert process.returncode != 0
    assert "facesocial models pull" in log.read_text()
