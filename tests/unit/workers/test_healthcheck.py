"""A container is healthy while its worker's loop turns."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from workers import healthcheck
from workers.heartbeat import STALE_AFTER_SECONDS, heartbeat_path, heartbeat_step


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESOCIAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("FACESOCIAL_DEVICE", "cuda:0")
    path = heartbeat_path(tmp_path, "cuda:0")
    path.parent.mkdir()
    return path


def test_a_fresh_heartbeat_is_healthy(path: Path) -> None:
    path.touch()

    assert healthcheck.main() == 0


def test_a_missing_heartbeat_is_not(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert healthcheck.main() == 1
    assert str(path) in capsys.readouterr().err


def test_a_stale_heartbeat_is_not(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.touch()
    then = time.time() - STALE_AFTER_SECONDS - 5
    os.utime(path, (then, then))

    assert healthcheck.main() == 1
    assert "has not turned" in capsys.readouterr().err


def test_the_step_touches_the_file_with_the_worker_s_timer(tmp_path: Path) -> None:
    path = tmp_path / "run" / "heartbeat"
    calls: list[object] = []

    def call_repeatedly(_seconds: float, touch: object) -> SimpleNamespace:
        calls.append(touch)
        return SimpleNamespace(cancel=lambda: calls.append("cancelled"))

    timer = SimpleNamespace(call_repeatedly=call_repeatedly)
    worker = SimpleNamespace(timer=timer)
    step = heartbeat_step(path)(worker)

    step.start(worker)
    assert path.exists()
    path.unlink()
    touch = calls[0]
    assert callable(touch)
    touch()
    assert path.exists()
    step.stop(worker)
    assert calls[-1] == "cancelled"
