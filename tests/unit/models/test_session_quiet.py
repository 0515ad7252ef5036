"""Nothing about this machine is collected by the inference runtime."""

import os
import subprocess
import sys
from pathlib import Path


def test_loading_the_runtime_leaves_no_trace_in_the_home_folder(root: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": ""}  # noqa: TID251
    environment.pop("ORT_DISABLE_TELEMETRY", None)

    subprocess.run(
        [sys.executable, "-c", "import models.session"], cwd=root, env=environment, check=True
    )

    assert list(tmp_path.rglob("*")) == []
