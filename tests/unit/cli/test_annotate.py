"""A drawing shows where the faces are and what was found."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from cli.annotate import (
    BOX_COLOUR,
    DECISION_COLOURS,
    LANDMARK_COLOUR,
    annotate,
    face_label,
    picture_names,
)

FACE: dict[str, Any] = {
    "bbox": {"x": 60.0, "y": 80.0, "width": 50.0, "height": 60.0},
    "confidence": 0.943,
    "landmarks": {"nose": {"x": 85.0, "y": 110.0}},
    "demographics": {"age": {"value": 29.6}, "gender": {"value": "female"}},
}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.new("RGB", (320, 240), (20, 20, 20)).save(path)
    return path


def test_box_and_landmarks_are_drawn_where_they_are(photo: Path, tmp_path: Path) -> None:
    annotate(photo, {"faces": [FACE]}, tmp_path / "drawn.png")

    with Image.open(tmp_path / "drawn.png") as drawn:
        assert drawn.size == (320, 240)
        assert drawn.getpixel((60, 120)) == BOX_COLOUR
        assert drawn.getpixel((85, 110)) == LANDMARK_COLOUR
        assert drawn.getpixel((200, 200)) == (20, 20, 20)


def test_a_label_at_the_corner_stays_inside_the_picture(photo: Path, tmp_path: Path) -> None:
    corner = {**FACE, "bbox": {"x": 300.0, "y": 0.0, "width": 20.0, "height": 30.0}}

    annotate(photo, {"faces": [corner]}, tmp_path / "drawn.png")

    with Image.open(photo) as before, Image.open(tmp_path / "drawn.png") as drawn:
        box = ImageChops.difference(before, drawn).getbbox()
    assert box is not None
    # The label is wider than the box and moved to the left.
    assert box[0] < 250


def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (320, 240)).save(tmp_path / "turned.jpg", exif=exif)

    annotate(tmp_path / "turned.jpg", {"faces": []}, tmp_path / "drawn.png")

    with Image.open(tmp_path / "drawn.png") as drawn:
        assert drawn.size == (240, 320)


def test_the_label_says_what_there_is() -> None:
    assert face_label(FACE) == "female, 30 (0.94)"
    assert face_label({"confidence": 0.5}) == "(0.50)"


def test_copies_of_photos_of_one_name_do_not_replace_each_other() -> None:
    photos = [Path("a/me.jpg"), Path("b/me.png"), Path("c/ME.jpg"), Path("you.jpg")]
    names = ["me.faces.png", "me.faces-2.png", "ME.faces-3.png", "you.faces.png"]
    assert picture_names(photos) == names


def test_a_copy_never_replaces_a_photo_that_is_analysed() -> None:
    photos = [Path("me.png"), Path("me.faces.png")]
    assert picture_names(photos) == ["me.faces-2.png", "me.faces.faces.png"]


def _face(decision: str, name: str, person_id: str = "ada", **members: object) -> dict[str, Any]:
    person = {"id": person_id, "name": name} if decision == "match" else None
    identity = {"decision": decision, "person": person, "similarity": 0.714}
    return {**FACE, "demographics": None, "identity": identity, **members}


def test_who_it_is_is_written_with_the_similarity() -> None:
    assert face_label(_face("match", "Ada")) == "Ada 0.71"
    assert face_label(_face("match", "Ada", anti_spoofing={"outcome": "live"})) == "Ada 0.71, live"


def test_nobody_is_named_who_is_no_match() -> None:
    near = _face("uncertain", "")
    near["identity"]["person"] = {"id": "ada", "name": "Ada"}

    assert face_label(near) == "uncertain"
    assert face_label(_face("unknown", "")) == "unknown"


@pytest.mark.parametrize(
    ("name", "written"),
    [("José Ångström", "Jose Angstrom"), ("Łukasz", "ada"), ("李娜", "ada"), ("", "ada")],
)
def test_a_name_the_font_lacks_is_written_plainly_or_as_the_id(name: str, written: str) -> None:
    assert face_label(_face("match", name)) == f"{written} 0.71"


def test_boxes_tell_the_decision(photo: Path, tmp_path: Path) -> None:
    for decision in ("match", "uncertain", "unknown"):
        annotate(photo, {"faces": [_face(decision, "Ada")]}, tmp_path / "drawn.png")

        with Image.open(tmp_path / "drawn.png") as drawn:
            assert drawn.getpixel((60, 120)) == DECISION_COLOURS[decision]
