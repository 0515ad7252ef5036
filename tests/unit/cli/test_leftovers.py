"""What a former launcher left running is ended only when it is verifiably ours."""

import json
import os
from pathlib import Path

import psutil

from cli.launcher.processes import ProcessMark
from cli.launcher.run_files import read_run_file, write_run_file
from cli.launcher.supervisor import end_leftovers


def test_a_recorded_pid_that_is_somebody_else_by_now_is_left_alone(tmp_path: Path) -> None:
    stranger = ProcessMark.of(os.getpid())
    assert stranger is not None
    records = [
        {"name": "reused", "pid": stranger.pid, "started_at_seconds": 1.0},
        {"name": "no pid"},
        {"name": "init", "pid": 1, "started_at_seconds": psutil.Process(1).create_time()},
        "nonsense",
    ]
    (tmp_path / "children.json").write_text(json.dumps({"children": records}))

    assert end_leftovers(tmp_path / "children.json") == []


def test_a_run_file_that_can_t_be_written_or_read_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "no folder" / "children.json"
    write_run_file(path, {"children": []})
    assert read_run_file(path) == {}

    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    assert read_run_file(deep) == {}
