"""`facesocial video` with the real models."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from cli.main import app
from models.catalogue import load_catalogue
from models.errors import UnknownModel
from models.weights.store import WeightStore

pytestmark = pytest.mark.weights


@pytest.fixture(autouse=True)
def _installed(weights: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["video", *arguments], catch_exceptions=False)


def write_clip(path: Path, pictures: list[NDArray[np.uint8]]) -> Path:
    """Ten pictures (BGR, of one size) a second, as AVI."""
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


def test_a_clip_without_faces_has_no_verdict_and_says_why(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "empty.avi", [np.full((240, 320, 3), 90, np.uint8)] * 20)

    told, table = run(str(clip), "--json"), run(str(clip))

    body = json.loads(told.stdout)
    assert (body["verdict"], body["probability"], body["reasons"]) == (None, None, ["no_face"])
    assert body["sampled_frames"] == 4
    assert "yunet" in body["models"]
    assert table.stdout.startswith("empty.avi: no verdict (no_face)")


def test_a_still_person_is_one_track_and_a_small_one_is_never_judged(
    weights: WeightStore, tmp_path: Path
) -> None:
    """The same photo: close, and as a face of 40 pixels, which the models were not made for."""
    sample = load_catalogue().samples["astronaut"]
    photo = np.asarray(cv2.imread(str(weights.path(sample.file))), np.uint8)
    close = photo[: photo.shape[0] * 2 // 3]
    shrunk = cv2.resize(photo, None, fx=40 / 110, fy=40 / 110, interpolation=cv2.INTER_AREA)
    small = np.asarray(shrunk, np.uint8)

    near = json.loads(run(str(write_clip(tmp_path / "a.avi", [close] * 30)), "--json").stdout)
    far = json.loads(run(str(write_clip(tmp_path / "b.avi", [small] * 30)), "--json").stdout)

    assert [track["frames"] for track in near["tracks"]] == [6]
    assert near["tracks"][0]["similarity"] > 0.9
    assert [track["usable_frames"] for track in far["tracks"]] == [0]
    assert far["verdict"] == "inconclusive"
    assert "face_too_small" in far["reasons"]


@pytest.mark.parametrize(
    ("clip", "impossible"),
    [
        ("ffpp_original_youtube/519.mp4", "manipulated"),
        ("ffpp_Deepfakes/519_515.mp4", "authentic"),
    ],
)
def test_a_known_clip_is_not_judged_wrongly(shared: Path, clip: str, impossible: str) -> None:
    path = shared / "data" / "deepfake_clips" / clip

    body = json.loads(run(str(path), "--json", "--limit-seconds", "6").stdout)

    assert body["tracks"][0]["frames"] >= 12
    assert body["verdict"] != impossible


def test_a_model_that_judges_no_deepfakes_is_refused_by_name(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "grey.avi", [np.full((64, 96, 3), 90, np.uint8)] * 5)

    with pytest.raises(UnknownModel, match="'yunet' does detection, not deepfake"):
        run(str(clip), "--model", "yunet")
