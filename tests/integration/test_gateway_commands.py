"""The commands that talk to a gateway, as a user types them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.local_fleet import LocalFleet

pytestmark = [pytest.mark.fleet, pytest.mark.weights]

Facesocial = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def facesocial(fleet: LocalFleet, root: Path) -> Facesocial:
    """Runs the command on the fleet's own data folder, so that it finds gateway and key."""

    def _facesocial(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=root,
            env={**os.environ, "FACESOCIAL_DATA_DIR": str(fleet.data.root)},  # noqa: TID251 - handed on
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == status, done.stderr
        return done

    return _facesocial


def test_photos_are_sent_drawn_and_listed(
    facesocial: Facesocial, photos: dict[str, Path], tmp_path: Path
) -> None:
    sent = facesocial(
        "submit",
        *(str(photos[name]) for name in ("astronaut", "t1")),
        "--analyses=detection",
        "--tag=commands",
        f"--pictures={tmp_path}",
        "--json",
    )

    outcomes = json.loads(sent.stdout)
    assert [len(outcome["result"]["faces"]) for outcome in outcomes] == [1, 6]
    assert len(list(tmp_path.glob("*.png"))) == 2
    listed = json.loads(facesocial("jobs", "list", "--tag=commands", "--json").stdout)
    assert {job["id"] for job in listed} == {outcome["job"] for outcome in outcomes}
    [line] = facesocial("results", outcomes[1]["job"]).stdout.splitlines()
    assert len(json.loads(line)["result"]["faces"]) == 6
    facesocial("jobs", "delete", outcomes[1]["job"])
    assert "deleted" in facesocial("jobs", "show", outcomes[1]["job"], status=1).stderr


def test_a_photo_that_is_none_is_told_and_the_others_are_done(
    facesocial: Facesocial, photos: dict[str, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")

    done = facesocial("submit", str(broken), str(photos["astronaut"]), "--json", status=1)

    first, second = json.loads(done.stdout)
    assert first["error"]["code"] == "invalid_image_format"
    assert len(second["result"]["faces"]) == 1


def test_a_folder_is_analysed_as_a_batch(
    facesocial: Facesocial, photos: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(6):
        shutil.copy(photos["astronaut"], folder / f"{number}.jpg")
    (folder / "broken.jpg").write_bytes(b"no photo")

    done = facesocial("batch", "submit", str(folder), "--analyses=detection", "--json", status=1)

    batch = json.loads(done.stdout)
    assert batch["state"] == "partial"
    assert (batch["counts"]["succeeded"], batch["counts"]["failed"]) == (6, 1)
    out = tmp_path / "results.ndjson"
    facesocial("results", batch["id"], f"--out={out}")
    items = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(item["id"] for item in items) == sorted(path.name for path in folder.iterdir())
    [failed] = [item for item in items if item["state"] == "failed"]
    assert (failed["id"], failed["error"]["code"]) == ("broken.jpg", "invalid_image_format")
    assert batch["id"] in facesocial("batch", "list").stdout
    assert "6 of 7 items succeeded" in facesocial("batch", "status", batch["id"]).stdout


def test_a_batch_is_sent_watched_and_cancelled(
    facesocial: Facesocial, photos: dict[str, Path], tmp_path: Path
) -> None:
    for number in range(3):
        shutil.copy(photos["astronaut"], tmp_path / f"{number}.jpg")
    sent = facesocial("batch", "submit", str(tmp_path), "--analyses=detection", "--no-wait")
    batch_id = sent.stdout.split()[0]

    watched = facesocial("watch", batch_id)

    assert f"{batch_id} succeeded: 3 of 3 items succeeded." in watched.stdout
    assert "3 of 3" in facesocial("batch", "cancel", batch_id).stdout


def test_a_gateway_that_is_not_there_is_told_in_one_line(facesocial: Facesocial) -> None:
    done = facesocial("jobs", "list", "--gateway=http://127.0.0.1:9", status=1)

    assert done.stderr.startswith("facesocial: The gateway at http://127.0.0.1:9 did not answer")
    assert len(done.stderr.splitlines()) == 1
