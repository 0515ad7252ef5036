import csv
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from api.services import Services
from tests.unit.api.batches.forged import honest_tar

Work = Callable[..., None]
Submitted = Callable[..., str]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_results_come_in_parts_by_number(
    client: FlaskClient, submitted: Submitted, work: Work
) -> None:
    batch = submitted(7)
    work(3)

    found: list[dict[str, Any]] = []
    address = f"/api/v1/batch/results/{batch}?limit=3"
    parts = 0
    while address:
        answer = client.get(address)
        found += answer.get_json()["items"]
        parts += 1
        cursor = answer.get_json()["next_cursor"]
        link = answer.headers.get("Link", "")
        assert (cursor is None) == (not link)
        address = link.partition(">")[0].removeprefix("<")

    assert parts == 3
    assert [item["number"] for item in found] == list(range(1, 8))
    assert [item["id"] for item in found] == [f"{number}.jpg" for number in range(7)]
    assert [item["state"] for item in found].count("succeeded") == 6
    assert found[2]["result"] is None
    assert found[2]["error"]["code"] == "image_unreadable"
    assert found[0]["result"]["faces"][0]["confidence"] == 0.9


@pytest.mark.parametrize("count", [0, 1, 401])
def test_an_export_is_complete_whatever_the_number_of_pages(
    client: FlaskClient, count: int
) -> None:
    made = client.post("/api/v1/batch/submit", json={"open": True}).get_json()
    noise = {f"{number:03}": b"no photo" for number in range(count)}
    if noise:
        client.post(
            made["links"]["items"], data=honest_tar(noise), content_type="application/x-tar"
        )

    whole = client.get(made["links"]["results"] + "?format=ndjson").text
    table = client.get(made["links"]["results"] + "?format=csv").text
    archive = client.get(made["links"]["results"] + "?format=zip").data

    assert [item["id"] for item in lines(whole)] == sorted(noise)
    assert [row["id"] for row in rows(table)] == sorted(noise)
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    assert len(names) == count + 1


def test_the_accept_header_chooses_a_file(
    client: FlaskClient, submitted: Submitted, work: Work
) -> None:
    batch = submitted(2)
    work()
    address = f"/api/v1/batch/results/{batch}"

    def accepting(kind: str) -> TestResponse:
        return client.get(address, headers={"Accept": kind})

    assert len(lines(accepting("application/x-ndjson").text)) == 2
    assert len(rows(accepting("text/csv").text)) == 2
    assert zipfile.is_zipfile(io.BytesIO(accepting("application/zip").data))
    assert len(accepting("*/*").get_json()["items"]) == 2
    assert accepting("text/csv").headers["Content-Disposition"] == (
        f'attachment; filename="{batch}.csv"'
    )


def test_a_table_has_a_row_for_each_face_and_one_for_items_without(
    client: FlaskClient, submitted: Submitted, work: Work
) -> None:
    batch = submitted(3)
    work(2, faces=2)

    table = rows(client.get(f"/api/v1/batch/results/{batch}?format=csv").text)

    assert [(row["id"], row["face"], row["faces"]) for row in table] == [
        ("0.jpg", "1", "2"),
        ("0.jpg", "2", "2"),
        ("1.jpg", "", ""),
        ("2.jpg", "1", "2"),
        ("2.jpg", "2", "2"),
    ]
    assert (table[0]["x"], table[0]["age"], table[0]["gender"]) == ("1", "30.2", "female")
    assert table[2]["error_code"] == "image_unreadable"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum"])
def test_no_id_is_a_formula_in_a_table(client: FlaskClient, name: str) -> None:
    answer = client.post(
        "/api/v1/batch/submit", data=honest_tar({name: b"x"}), content_type="application/x-tar"
    )
    address = answer.get_json()["links"]["results"]

    [row] = rows(client.get(address + "?format=csv").text)

    assert row["id"] == "'" + name
    assert lines(client.get(address + "?format=ndjson").text)[0]["id"] == name


def test_pictures_are_drawn_of_photos_that_were_kept(
    client: FlaskClient, submitted: Submitted, work: Work
) -> None:
    batch = submitted(3, "keep_photos=true")
    work(2)

    answer = client.get(f"/api/v1/batch/results/{batch}?format=zip&pictures=true")

    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    index = rows(archive.read("index.csv").decode())
    assert [row["picture"] for row in index] == ["pictures/000001.jpg", "", "pictures/000003.jpg"]
    assert index[1]["picture_missing"] == "the photo was not analysed"
    with Image.open(io.BytesIO(archive.read("pictures/000001.jpg"))) as picture:
        assert picture.size == (16, 12)
        # The frame around the face that was found.
        red, green, blue = picture.convert("RGB").tobytes()[3 * (4 * 16 + 2) :][:3]
        assert green > red
        assert green > blue
    assert json.loads(archive.read("items/000001.json"))["id"] == "0.jpg"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("pictures=true", "keep_photos=true"),
        ("pictures=false", "not asked for"),
    ],
)
def test_an_archive_says_why_there_is_no_picture(
    client: FlaskClient, submitted: Submitted, work: Work, query: str, reason: str
) -> None:
    batch = submitted(1)
    work()

    answer = client.get(f"/api/v1/batch/results/{batch}?format=zip&{query}")

    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    [row] = rows(archive.read("index.csv").decode())
    assert row["picture"] == ""
    assert reason in row["picture_missing"]


def test_a_photo_that_is_gone_is_named_in_the_archive(
    client: FlaskClient, parts: Services, submitted: Submitted, work: Work
) -> None:
    batch = submitted(1, "keep_photos=true")
    work()
    for key in list(parts.blobs.older_than(-1000)):
        parts.blobs.delete(key)

    answer = client.get(f"/api/v1/batch/results/{batch}?format=zip&pictures=true")

    [row] = rows(zipfile.ZipFile(io.BytesIO(answer.data)).read("index.csv").decode())
    assert row["picture_missing"] == "the photo is not stored any more"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "after=x", "state=done", "format=xml", "colour=red", "after=-1"],
)
def test_a_wrong_parameter_is_refused(
    client: FlaskClient, submitted: Submitted, query: str
) -> None:
    answer = client.get(f"/api/v1/batch/results/{submitted(1)}?{query}")

    assert answer.status_code == 422


def test_a_batch_is_watched_until_it_has_ended(
    client: FlaskClient, submitted: Submitted, work: Work
) -> None:
    batch = submitted(2)
    before = client.get(f"/api/v1/batch/status/{batch}")
    etag = {"If-None-Match": before.headers["ETag"]}
    unchanged = client.get(f"/api/v1/batch/{batch}", headers=etag)
    soon = client.get(f"/api/v1/batch/status/{batch}?wait=0.05")
    work(2)
    after = client.get(f"/api/v1/batch/status/{batch}", headers={**etag, "Prefer": "wait=9"})

    assert before.get_json()["state"] == soon.get_json()["state"] == "running"
    assert int(before.headers["Retry-After"]) >= 1
    assert unchanged.status_code == 304
    assert (after.status_code, after.get_json()["state"]) == (200, "partial")
    assert after.headers["Preference-Applied"] == "wait=9"
    assert after.get_json()["counts"]["succeeded"] == after.get_json()["counts"]["failed"] == 1


def test_events_end_with_the_batch(client: FlaskClient, submitted: Submitted, work: Work) -> None:
    batch = submitted(2)
    work()

    answer = client.get(f"/api/v1/batch/{batch}/events")

    [event] = [part for part in answer.text.split("\n\n") if part.startswith("event:")]
    name, number, data = event.splitlines()
    assert name == "event: batch"
    assert json.loads(data.removeprefix("data: "))["state"] == "succeeded"
    seen = {"Last-Event-ID": number.removeprefix("id: ")}
    assert client.get(f"/api/v1/batch/{batch}/events", headers=seen).status_code == 204


def test_failed_items_are_tried_again(
    client: FlaskClient, submitted: Submitted, work: Work
) -> None:
    batch = submitted(4)
    work(2, 3)

    retried = client.post(f"/api/v1/batch/{batch}/retry")
    work()

    assert (retried.status_code, retried.get_json()["retried"]) == (202, 2)
    assert client.get(f"/api/v1/batch/{batch}").get_json()["counts"]["succeeded"] == 4


def test_what_is_cancelled_stays_readable_and_what_is_deleted_does_not(
    client: FlaskClient, submitted: Submitted
) -> None:
    batch = submitted(3)
    unended = client.delete(f"/api/v1/batch/{batch}")
    cancelled = client.delete(f"/api/v1/batch/cancel/{batch}")
    again = client.post(f"/api/v1/batch/{batch}/cancel")
    listed = client.get(f"/api/v1/batch/result/{batch}").get_json()["items"]
    deleted = [client.delete(f"/api/v1/batch/{batch}").status_code for _ in range(2)]
    gone = client.get(f"/api/v1/batch/{batch}")

    assert (unended.status_code, unended.get_json()["code"]) == (409, "batch_not_ended")
    assert cancelled.status_code == again.status_code == 200
    assert cancelled.get_json()["state"] == again.get_json()["state"] == "cancelled"
    assert [item["state"] for item in listed] == ["cancelled"] * 3
    assert deleted == [204, 204]
    assert (gone.status_code, gone.get_json()["code"]) == (410, "batch_expired")


def test_batches_are_listed_latest_first_with_their_tags(
    client: FlaskClient, submitted: Submitted
) -> None:
    first, second, third = (submitted(1, query) for query in ("tags=a", "tags=b", "tags=a"))

    part = client.get("/api/v1/batch/list?limit=2")
    rest = client.get(f"/api/v1/batch/list?after={part.get_json()['next_cursor']}")
    tagged = client.get("/api/v1/batch/list?tag=a")

    assert [one["id"] for one in part.get_json()["items"]] == [third, second]
    assert [one["id"] for one in rest.get_json()["items"]] == [first]
    assert [one["id"] for one in tagged.get_json()["items"]] == [third, first]


@pytest.mark.parametrize("name", ["batch_" + "0" * 32, "y" * 38])
def test_an_unknown_batch_is_not_there(client: FlaskClient, name: str) -> None:
    for answer in (
        client.get(f"/api/v1/batch/{name}"),
        client.get(f"/api/v1/batch/results/{name}"),
        client.delete(f"/api/v1/batch/cancel/{name}"),
        client.post(f"/api/v1/batch/{name}/retry"),
        client.post(f"/api/v1/batch/{name}/items", data=b"", content_type="application/zip"),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "batch_not_found")
