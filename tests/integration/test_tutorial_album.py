"""docs/tutorial-album.md, block by block, as a stranger would type it; then on photos of years."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cli.annotate import DECISION_COLOURS
from cli.local_fleet import LocalFleet
from models.weights.store import WeightStore
from workers.settings.process import environment_of

pytestmark = [pytest.mark.fleet, pytest.mark.weights]

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What is typed before there is a gateway; the fleet of the tests stands for it.
START = "make setup\n. .venv/bin/activate\nfacesocial up\n"

Shell = Callable[[str], str]


@pytest.fixture
def shell(fleet: LocalFleet, root: Path, weights: WeightStore, tmp_path: Path) -> Shell:
    """Runs commands in a terminal beside a fleet that is up, and gives what they print."""
    environment = {
        **os.environ,  # noqa: TID251 - handed on
        **environment_of(data_dir=fleet.data.root, weights_dir=weights.root.absolute()),
        "PYTHONPATH": str(root),
    }
    # Its own programs, as after `. .venv/bin/activate`.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"

    def _shell(script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return _shell


def _who(face: dict[str, Any]) -> str:
    """The name that is told; else the decision."""
    identity = face["identity"]
    return str(identity["person"]["name"] if identity["person"] else identity["decision"])


def _colour(picture: Path, face: dict[str, Any]) -> tuple[int, ...]:
    """Of the left edge of a face's box."""
    box = face["bbox"]
    with Image.open(picture) as drawn:
        pixel = drawn.getpixel((round(box["x"]), round(box["y"] + box["height"] / 2)))
    assert isinstance(pixel, tuple)
    return pixel


def test_the_tutorial_does_what_it_says(shell: Shell, root: Path, tmp_path: Path) -> None:
    page = (root / "docs/tutorial-album.md").read_text(encoding="utf-8")
    start, photos, enrol, refused, identify, narrower, mend, forget, end = BLOCK.findall(page)
    assert start == START

    shell(photos)
    assert "4 of 6 photos enrolled, 2 were there already.\n" in shell(enrol)
    told = shell(refused)
    for word in (
        "refused, as it should be",
        "face_too_small",
        "multiple_faces",
        "Anna A.",
        "face_",
    ):
        assert word in told

    assert "of strangers are named" in shell(identify)
    shell(narrower)
    [found] = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    faces = {_who(face): face for face in found["result"]["faces"]}
    assert set(faces) == {"Anna A.", "Ben", "Chris", "unknown"}
    picture = tmp_path / "named" / "party.faces.png"
    assert _colour(picture, faces["Ben"]) == DECISION_COLOURS["match"]
    assert _colour(picture, faces["unknown"]) == DECISION_COLOURS["unknown"]

    assert "0 faces added, 6 were there; 0 persons made, 3 were there.\n" in shell(mend)
    told = shell(forget)
    assert "not yet" not in told
    assert "Chris C." in told
    assert _colour(picture, faces["Ben"]) == DECISION_COLOURS["unknown"]
    assert _colour(picture, faces["Anna A."]) == DECISION_COLOURS["match"]
    assert "everybody of family, 4 faces" in shell(end)


def test_people_are_found_on_photos_of_other_days(
    shell: Shell, shared: Path, tmp_path: Path
) -> None:
    """Eight people of LFW by one photo each; eight strangers whom nobody may be taken for."""
    folder = shared / "data" / "lfw"
    with (folder / "pairs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = list(islice((row for row in rows if row["same"] == "1"), 0, 40, 5))
    names = [row["file_a"].rpartition("_")[0] for row in known]
    strangers = [row["file_b"] for row in rows if row["same"] == "0"][:8]
    assert not {name.rpartition("_")[0] for name in strangers} & set(names)
    (tmp_path / "album").mkdir()
    for name, row in zip(names, known, strict=True):
        (tmp_path / "people" / name).mkdir(parents=True)
        shutil.copy(folder / "images" / row["file_a"], tmp_path / "people" / name)
        shutil.copy(folder / "images" / row["file_b"], tmp_path / "album" / f"{name}.jpg")
    for place, name in enumerate(strangers):
        shutil.copy(folder / "images" / name, tmp_path / "album" / f"stranger-{place}.jpg")

    shell("facesocial collections create lfw")
    # A photo may be refused: then that person is not found, which is counted below.
    shell("facesocial people enroll people --collection lfw --face center || true")
    outcomes = json.loads(shell("facesocial people identify album --collection lfw --json"))
    shell("facesocial collections delete lfw --yes")

    told = {
        Path(outcome["file"]).stem: {_who(face) for face in outcome["result"]["faces"]}
        for outcome in outcomes
    }
    right = [name for name in names if name in told[name]]
    named = {who for answers in told.values() for who in answers} - {"unknown", "uncertain"}
    assert len(right) >= 7, told
    assert named <= set(names)
    for stem, answers in told.items():
        assert answers - {"unknown", "uncertain"} <= {stem}, told
