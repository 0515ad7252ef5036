"""Other ways into a batch: forms, lists, earlier uploads, a batch that is open, a few in JSON."""

import base64
import gzip
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from tests.unit.api.batches.forged import honest_tar, honest_zip
from tests.unit.api.batches.told import Json, blobs, counts, errors, upload

Tiny = Callable[[int], bytes]
Send = Callable[..., TestResponse]
ZIP = "application/zip"


def test_a_form_takes_options_first_and_then_files(client: FlaskClient, tiny: Tiny) -> None:
    files = [(io.BytesIO(tiny(number)), f"{number}.jpg") for number in range(3)]

    answer = client.post(
        "/api/v1/batch/submit",
        data={"analyses": "detection", "tags": "a,b", "max_faces": "3", "files": files},
    )

    body = answer.get_json()
    assert answer.status_code == 202
    assert body["options"]["analyses"] == ["detection"]
    assert (body["options"]["max_faces"], body["tags"]) == (3, ["a", "b"])
    assert counts(body) == (3, 0)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("colour=red", "unknown_option"),
        ("max_faces=0", "validation_error"),
        ("analyses=horoscope", "unknown_analysis"),
        ("engine=nonesuch", "unknown_model"),
        ("open=perhaps", "validation_error"),
        ("incomplete=drop", "validation_error"),
        ("tags=a%20b", "validation_error"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_read(
    send: Send, query: str, code: str
) -> None:
    answer = send(b"no archive at all", query=query)

    assert (answer.status_code, answer.get_json()["code"]) == (422, code)


@pytest.mark.parametrize("kind", ["image/jpeg", "application/x-7z-compressed", ""])
def test_another_type_is_refused(send: Send, kind: str) -> None:
    assert send(b"x", kind).status_code == 415


def test_uploads_are_named_one_by_one_in_a_list(
    send: Send, client: FlaskClient, tiny: Tiny
) -> None:
    whole, half = upload(client, tiny(1)), upload(client, tiny(2), announced=10_000)
    lines = f'{{"id": "a", "upload": "{whole}"}}\n{{"id": "b", "upload": "{half}"}}\n'
    lines += '{"id": "c", "upload": "upload_none"}\n{"id": "d", "url": "http://127.0.0.1/"}\nx'

    body = send(lines.encode(), "application/x-ndjson").get_json()

    assert counts(body) == (5, 4)
    assert errors(client, body) == {
        "b": "upload_unfinished",
        "c": "unknown_upload",
        "d": "url_refused",
        "entry-5": "invalid_line",
    }


@pytest.mark.parametrize(
    "pack", [honest_zip, honest_tar, lambda files: gzip.compress(honest_tar(files))]
)
def test_an_archive_that_was_uploaded_is_taken_and_deleted(
    client: FlaskClient, tiny: Tiny, parts: Services, pack: Callable[[Any], bytes]
) -> None:
    name = upload(client, pack({f"{number}.jpg": tiny(number) for number in range(4)}))
    ask = {"upload": name, "analyses": ["detection"]}
    key = {"Idempotency-Key": "k"}

    answer = client.post("/api/v1/batch/submit", json=ask, headers=key)
    again = client.post("/api/v1/batch/submit", json=ask, headers=key)

    assert (answer.status_code, counts(answer.get_json())) == (202, (4, 0))
    assert (again.status_code, again.get_json()["id"]) == (202, answer.get_json()["id"])
    assert not any(blob.startswith("upload_") for blob in blobs(parts))
    assert client.post("/api/v1/batch/submit", json=ask).get_json()["code"] == "unknown_upload"


def test_an_open_batch_takes_more_until_it_is_closed(
    client: FlaskClient, tiny: Tiny, work: Callable[..., None]
) -> None:
    made = client.post("/api/v1/batch/submit", json={"open": True}).get_json()
    more = made["links"]["items"]

    first = client.post(more, data=honest_tar({"a": tiny(1)}), content_type="application/x-tar")
    same = client.post(more, data=honest_zip({"a": tiny(1)}), content_type=ZIP)
    other = client.post(more, data=honest_zip({"a": tiny(2), "b": tiny(3)}), content_type=ZIP)
    option = client.post(
        more, data={"analyses": "detection", "files": [(io.BytesIO(tiny(1)), "c")]}
    )
    closed = client.post(made["links"]["close"])
    late = client.post(more, data=honest_zip({"z": tiny(9)}), content_type=ZIP)
    work()

    assert (made["state"], counts(made)) == ("open", (0, 0))
    assert first.get_json()["receipt"]["added"] == 1
    assert same.get_json()["receipt"] | {"conflicts": []} == same.get_json()["receipt"]
    assert (same.get_json()["receipt"]["added"], same.get_json()["receipt"]["known"]) == (0, 1)
    assert (other.get_json()["receipt"]["added"], other.get_json()["receipt"]["conflicts"]) == (
        1,
        ["a"],
    )
    assert option.get_json()["code"] == "unknown_option"
    assert closed.get_json()["state"] == "running"
    assert (late.status_code, late.get_json()["code"]) == (409, "batch_closed")
    assert client.get(made["links"]["self"]).get_json()["state"] == "succeeded"


def test_a_few_photos_in_json_are_a_batch_too(client: FlaskClient, tiny: Tiny) -> None:
    images = [{"id": "a", "data": encoded(tiny(1))}, encoded(tiny(2)), encoded(b"no photo")]

    answer = client.post(
        "/api/v1/face/batch-analyze",
        json={"images": images, "options": {"parallel_processing": True, "max_concurrent": 3}},
    )

    assert answer.status_code == 202
    assert counts(answer.get_json()) == (3, 1)
    assert errors(client, answer.get_json()) == {"3": "invalid_image_format"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({"images": []}, "missing_field"),
        ({"images": [{"id": "a"}]}, "missing_field"),
        ({"images": [{"id": "../a", "data": "QQ=="}]}, "validation_error"),
        ({"images": [{"data": "QQ==", "more": 1}]}, "validation_error"),
        ({"images": ["***"]}, "invalid_request"),
        ({"images": ["QQ=="] * 21}, "batch_too_large"),
        ({"images": ["QQ=="], "open": True}, "unknown_option"),
        ({"images": ["QQ=="], "max_concurrent": 21}, "option_unsupported"),
    ],
)
def test_a_small_batch_that_can_t_be_read_is_refused(
    client: FlaskClient, body: Json, code: str
) -> None:
    answer = client.post("/api/v1/face/batch-analyze", json=body)

    assert answer.status_code < 500
    assert answer.get_json()["code"] == code
    assert client.get("/api/v1/batch/list").get_json()["items"] == []


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
