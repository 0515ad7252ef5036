"""What beat sends is what workers know."""

import subprocess
import sys
from pathlib import Path


def test_every_task_that_comes_by_itself_is_one_that_workers_know(root: Path) -> None:
    code = (
        "from workers.app import app;"
        "sent = sorted(entry['task'] for entry in app.conf.beat_schedule.values());"
        "print(sent, sorted(set(sent) - set(app.tasks)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )

    known = ["facesocial.dispatch", "facesocial.forget", "facesocial.sweep_blobs"]
    assert (done.stdout.strip(), done.stderr) == (f"{known} []", "")
