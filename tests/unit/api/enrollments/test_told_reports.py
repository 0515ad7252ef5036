"""What is told over HTTP of an enrolment: its report, as JSON and as a table, and its results."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.api.batches.forged import honest_zip
from tests.unit.api.enrollments.people_archive import LIST

Tiny = Callable[[int], bytes]
Enroll = Callable[..., TestResponse]
Work = Callable[..., None]


def test_the_report_tells_of_everything_once(
    enroll: Enroll, client: FlaskClient, work: Work, tiny: Tiny, files: dict[str, bytes]
) -> None:
    lines = LIST + "gone.jpg,carl,Carl,,,,\nwrong.jpg,w w,,,,,\n"
    archive = honest_zip({**files, "manifest.csv": lines.encode(), "other.jpg": tiny(9)})
    body = enroll(archive).get_json()
    report = client.get(body["links"]["report"]).get_json()
    assert not report["complete"]
    assert report["photos"]["waiting"] == 3

    work(2)

    answer = client.get(body["links"]["report"])
    report = answer.get_json()
    assert answer.status_code == 200
    assert (report["batch_id"], report["collection_id"]) == (body["id"], "friends")
    assert (report["state"], report["complete"]) == ("partial", True)
    assert report["photos"] == {
        "total": 6,
        "enrolled": 2,
        "duplicate": 0,
        "refused": 4,
        "waiting": 0,
        "cancelled": 0,
    }
    assert report["reasons"] == {
        "face_not_found": 1,
        "file_missing": 1,
        "invalid_line": 1,
        "not_listed": 1,
    }
    refused = {one["file"]: (one["person_id"], one["code"]) for one in report["refused"]}
    assert refused == {
        "a/2.jpg": ("anna", "face_not_found"),
        "other.jpg": ("", "not_listed"),
        "gone.jpg": ("", "file_missing"),
        "wrong.jpg": ("", "invalid_line"),
    }
    assert report["persons"] == {"named": 2, "made": 2, "enrolled": 2, "without_face": 0}


@pytest.mark.parametrize(
    "way", [{"query_string": "format=csv"}, {"headers": {"Accept": "text/csv"}}]
)
def test_the_report_as_a_table(
    enroll: Enroll, client: FlaskClient, files: dict[str, bytes], way: dict[str, Any]
) -> None:
    body = enroll(honest_zip({**files, "=1+1.jpg": b"x"})).get_json()

    answer = client.get(body["links"]["report"], **way)

    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [row["outcome"] for row in rows] == ["waiting", "waiting", "waiting", "refused"]
    assert rows[3]["file"] == "'=1+1.jpg"


def test_the_report_is_that_of_the_collection_alone(
    enroll: Enroll, client: FlaskClient, files: dict[str, bytes]
) -> None:
    body = enroll(honest_zip(files)).get_json()
    client.post("/api/v1/collections", json={"id": "others"})
    plain = client.post(
        "/api/v1/batch/submit", data=honest_zip(files), content_type="application/zip"
    ).get_json()

    for collection, batch in (("others", body), ("friends", plain), ("nobody", body)):
        answer = client.get(f"/api/v1/collections/{collection}/enrollments/{batch['id']}")
        assert answer.status_code == 404
    assert plain["links"]["report"] is None


def test_results_of_an_enrolment_are_read_as_of_every_batch(
    enroll: Enroll, client: FlaskClient, work: Work, files: dict[str, bytes]
) -> None:
    body = enroll(honest_zip(files)).get_json()
    work(1)

    first, second, _ = client.get(body["links"]["results"]).get_json()["items"]
    assert first["error"]["code"] == "face_not_found"
    assert first["result"]["outcome"] == "refused"
    assert second["result"]["outcome"] == "added"
    for form in ("ndjson", "csv", "zip"):
        answer = client.get(f"{body['links']['results']}?format={form}&pictures=true")
        assert answer.status_code == 200
        assert answer.get_data()
