"""docs/how-to/use-the-api-with-curl.md, block by block, as a stranger would type it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.local_fleet import local_fleet
from models.weights.store import WeightStore
from workers.settings.process import environment_of

pytestmark = [pytest.mark.fleet, pytest.mark.weights]

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_walkthrough_does_what_it_says(
    root: Path, weights: WeightStore, tmp_path: Path, pick_port: Callable[[], int]
) -> None:
    page = (root / "docs/how-to/use-the-api-with-curl.md").read_text(encoding="utf-8")
    receiver = f"127.0.0.1:{pick_port()}"
    environment = {
        **os.environ,  # noqa: TID251 - handed to the fleet
        **environment_of(
            data_dir=tmp_path / "data",
            weights_dir=weights.root.absolute(),
            port=0,
            webhook_allowed_networks=("127.0.0.0/8",),
            webhook_allowed_hosts=(receiver,),
            webhook_plain_http=True,
        ),
    }

    with local_fleet(environment, log=tmp_path / "up.log", arguments=("--no-flower",)) as fleet:
        script = "\n".join(BLOCK.findall(page))
        script = script.replace("http://127.0.0.1:8000", fleet.url)
        script = script.replace("127.0.0.1:9000", receiver)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=root,
            env={
                **environment,
                # Its own programs, as after `. .venv/bin/activate`.
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
                "TMPDIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    told = done.stdout.splitlines()
    assert "1 face" in told
    assert "one person: True" in told
    assert "1 face is known" in told
    assert "match Eileen Collins" in told
    assert told.index("match Eileen Collins") < told.index("unknown nobody")
    assert "['succeeded']" in told
    assert {f"{number}.jpg" for number in range(1, 6)} <= {Path(line).name for line in told}
    assert any(line.startswith("last answer: 1 face; ") for line in told)
