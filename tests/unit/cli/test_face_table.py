"""A face in one row of a table."""

from typing import Any

from cli.face_table import FACE_HEADINGS, face_cells

BARE: dict[str, Any] = {
    "bbox": {"x": 178.6, "y": 63.4, "width": 90.5, "height": 110.4},
}


def test_what_was_not_analysed_is_a_dash() -> None:
    cells = face_cells(BARE)

    assert cells == ("179,63 90x110", "-", "-", "-")
    assert len(cells) == len(FACE_HEADINGS)


def test_what_was_found_is_told_in_words() -> None:
    face = {
        **BARE,
        "demographics": {
            "age": {"value": 29.6, "range": [24, 61]},
            "gender": {"value": "female", "uncertain": False},
        },
        "anti_spoofing": {"outcome": "retake"},
        "deepfake": {"verdict": "inconclusive"},
    }

    assert face_cells(face)[1:] == ("female, 30 (24-61)", "retake", "inconclusive")


def test_doubt_and_a_missing_range_are_told() -> None:
    age = {"value": 41.0, "range": None}
    face = {**BARE, "demographics": {"age": age, "gender": {"value": "male", "uncertain": True}}}

    assert face_cells(face)[1] == "male?, 41"


def test_an_analysis_without_an_answer_is_a_dash() -> None:
    face = {**BARE, "demographics": None, "anti_spoofing": None, "deepfake": {"verdict": None}}

    assert face_cells(face)[1:] == ("-", "-", "-")
