"""The report of an enrolment: everything once, and what it adds up to."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from api.enrollments.report import report_csv, report_json
from api.enrollments.report_row import COLUMNS, ReportRow, report_row
from workers.batches.records import Item, ItemState
from workers.contract import JobError

LOW = JobError(code="low_quality", message="Too dark.")
ALIKE = JobError(code="identity_similarity_conflict", message="It resembles another person.")
AWAY = JobError(code="store_unavailable", message="Try again.", retryable=True)
ITEMS = [
    (
        "anna",
        ItemState.SUCCEEDED,
        {"outcome": "added", "face_id": "face_1", "warnings": ["blurred"]},
        None,
    ),
    ("anna", ItemState.SUCCEEDED, {"outcome": "duplicate", "warnings": []}, None),
    ("ben", ItemState.FAILED, {"outcome": "refused", "quality_score": 0.2}, LOW),
    (
        "carl",
        ItemState.SUCCEEDED,
        {
            "outcome": "known",
            "face_id": "face_2",
            "warnings": [],
            "similar_to": {"person_id": "ben", "similarity": 0.6},
        },
        None,
    ),
    (
        "ben",
        ItemState.FAILED,
        {"outcome": "refused", "similar_to": {"person_id": "anna", "similarity": 0.7}},
        ALIKE,
    ),
    ("dora", ItemState.FAILED, None, AWAY),
    ("dora", ItemState.PENDING, None, None),
    ("dora", ItemState.RUNNING, None, None),
    ("dora", ItemState.CANCELLED, None, None),
    ("", ItemState.FAILED, None, JobError(code="not_listed", message="No line names it.")),
]


def items() -> Sequence[Item]:
    return [
        Item(
            number=number,
            custom_id=f"{number}.jpg",
            state=state,
            tries=1,
            result_json=None if found is None else json.dumps(found),
            error=error,
            blob_key="",
            pixels=1,
            subject=subject,
        )
        for number, (subject, state, found, error) in enumerate(ITEMS, start=1)
    ]


def rows() -> list[ReportRow]:
    return [report_row(item) for item in items()]


def told(people: dict[str, bool]) -> dict[str, Any]:
    text = "".join(report_json({"batch_id": "b"}, rows, people))
    report: dict[str, Any] = json.loads(text)
    return report


def test_every_photo_is_counted_once() -> None:
    photos = told({})["photos"]

    assert photos == {
        "total": 10,
        "enrolled": 2,
        "duplicate": 1,
        "refused": 4,
        "waiting": 2,
        "cancelled": 1,
    }
    assert photos["total"] == sum(photos.values()) - photos["total"]


def test_refused_photos_are_all_listed_with_their_reasons() -> None:
    report = told({})

    assert [one["file"] for one in report["refused"]] == ["3.jpg", "5.jpg", "6.jpg", "10.jpg"]
    assert report["reasons"] == {
        "identity_similarity_conflict": 1,
        "low_quality": 1,
        "not_listed": 1,
        "store_unavailable": 1,
    }
    assert sum(report["reasons"].values()) == len(report["refused"])
    low, alike, away, _ = report["refused"]
    assert low == {
        "number": 3,
        "file": "3.jpg",
        "person_id": "ben",
        "code": "low_quality",
        "message": "Too dark.",
        "retryable": False,
        "quality": 0.2,
        "similar_to": None,
    }
    assert alike["similar_to"] == {"person_id": "anna", "similarity": 0.7}
    assert away["retryable"]


def test_photos_that_resemble_somebody_else_are_all_listed_enrolled_or_not() -> None:
    assert told({})["conflicts"] == [
        {
            "number": 4,
            "file": "4.jpg",
            "person_id": "carl",
            "outcome": "enrolled",
            "face_id": "face_2",
            "similar_to": {"person_id": "ben", "similarity": 0.6},
        },
        {
            "number": 5,
            "file": "5.jpg",
            "person_id": "ben",
            "outcome": "refused",
            "face_id": "",
            "similar_to": {"person_id": "anna", "similarity": 0.7},
        },
    ]


def test_persons_are_counted_by_what_became_of_them() -> None:
    report = told({"anna": True, "ben": True, "carl": False, "never added": True})

    assert report["persons"] == {"named": 4, "made": 2, "enrolled": 2, "without_face": 2}
    assert report["warnings"] == {"blurred": 1}


def test_an_empty_report_is_whole() -> None:
    report = json.loads("".join(report_json({"batch_id": "b"}, tuple, {})))

    assert report["batch_id"] == "b"
    assert report["refused"] == report["conflicts"] == []
    assert report["photos"]["total"] == 0


def test_the_table_has_a_line_for_each_photo() -> None:
    told_rows = list(csv.DictReader(io.StringIO("".join(report_csv(rows())))))

    assert tuple(told_rows[0]) == COLUMNS
    assert [row["number"] for row in told_rows] == [str(number) for number in range(1, 11)]
    assert [row["outcome"] for row in told_rows[:4]] == [
        "enrolled",
        "duplicate",
        "refused",
        "enrolled",
    ]
    assert (told_rows[4]["similar_person_id"], told_rows[4]["similarity"]) == ("anna", "0.7")
    assert (told_rows[0]["face_id"], told_rows[0]["warnings"], told_rows[0]["code"]) == (
        "face_1",
        "blurred",
        "",
    )


def test_nothing_in_the_table_begins_like_a_formula() -> None:
    [item] = items()[:1]
    evil = Item(
        number=1,
        custom_id="=cmd|' /C calc'!A0",
        state=ItemState.FAILED,
        tries=0,
        result_json=None,
        error=JobError(code="x", message="@SUM(1)"),
        blob_key="",
        pixels=0,
        subject=item.subject,
    )

    [row] = csv.DictReader(io.StringIO("".join(report_csv([report_row(evil)]))))

    assert row["file"] == "'=cmd|' /C calc'!A0"
    assert row["message"] == "'@SUM(1)"
