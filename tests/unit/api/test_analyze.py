"""POST /api/v1/face/analyze: what is taken, what is refused, and how that is told."""

import base64
import dataclasses
import io
import struct
import zlib
from collections.abc import Callable, Mapping

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from api.app import create_app
from api.services import Services
from workers.contract import ANALYSES, AnalyzeOptions, JobState
from workers.dispatch import MemoryJobQueue
from workers.errors import BlobMissing, StoreUnavailable
from workers.jobs import Claim

URL = "/api/v1/face/analyze"


def post_form(client: FlaskClient, content: bytes, **members: object) -> TestResponse:
    # Encoded here: the test client would leave the temporary file of a large body open.
    image = FileStorage(io.BytesIO(content), filename="photo.jpg")
    boundary, body = encode_multipart({"image": image, **members})
    return client.post(URL, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def png_header(width: int, height: int) -> bytes:
    """A valid PNG header for a picture of that size, without its pixels."""
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    idat = b"IDAT" + zlib.compress(b"")
    chunks = [
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (ihdr, idat)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_photo_becomes_a_queued_job_with_its_image_and_its_wake_up(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    content = photo()

    response = post_form(client, content, analyses="detection,recognition", max_faces="3")

    assert response.status_code == 202
    body = response.get_json()
    assert response.headers["Location"] == f"/api/v1/jobs/{body['id']}"
    assert body["state"] == "queued"
    assert body["durability"] == "memory"
    assert body["route"] == {
        "queue": "cpu.interactive",
        "reason": "no_gpu_device",
        "device": None,
    }
    job = parts.jobs.get(body["id"])
    assert job.options == AnalyzeOptions(analyses=("detection", "recognition"), max_faces=3)
    assert parts.blobs.get(job.blob_key) == content
    assert isinstance(parts.queue, MemoryJobQueue)
    assert parts.queue.take() == (body["id"], "cpu.interactive")


def test_json_with_base64_is_the_same_request(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    content = photo()
    text = base64.b64encode(content).decode()
    for image in (text, f"data:image/jpeg;base64,{text}"):
        body = {"image": image, "analyses": ["demographics"], "min_confidence": 0.7}

        response = client.post(URL, json=body)

        assert response.status_code == 202
        job = parts.jobs.get(response.get_json()["id"])
        assert job.options == AnalyzeOptions(analyses=("demographics",), min_confidence=0.7)
        assert parts.blobs.get(job.blob_key) == content


@pytest.mark.parametrize("options", ['{"max_faces": 2}', '{"max_faces": 9}'])
def test_options_may_come_as_one_json_member_and_single_members_win(
    client: FlaskClient, photo: Callable[..., bytes], options: str
) -> None:
    response = post_form(client, photo(), options=options, min_confidence="0.25", max_faces="2")

    assert response.get_json()["options"]["max_faces"] == 2
    assert response.get_json()["options"]["min_confidence"] == 0.25


def test_repeated_form_fields_are_a_list(client: FlaskClient, photo: Callable[..., bytes]) -> None:
    response = post_form(client, photo(), analyses=["detection", "demographics"])

    assert response.get_json()["options"]["analyses"] == ["detection", "demographics"]


def test_batch_work_goes_to_the_bulk_queue(
    client: FlaskClient, photo: Callable[..., bytes]
) -> None:
    response = post_form(client, photo(), priority="batch")

    assert response.get_json()["route"]["queue"] == "cpu.bulk"


@pytest.mark.parametrize(
    ("format_", "arguments"),
    [
        ("JPEG", {}),
        ("JPEG", {"mode": "CMYK"}),
        ("JPEG", {"mode": "L"}),
        ("JPEG", {"exif_orientation": 6}),
        ("PNG", {}),
        ("PNG", {"mode": "I;16"}),
        ("PNG", {"mode": "RGBA"}),
        ("WEBP", {}),
    ],
)
def test_every_still_image_of_the_three_formats_is_taken(
    client: FlaskClient,
    photo: Callable[..., bytes],
    format_: str,
    arguments: Mapping[str, object],
) -> None:
    assert post_form(client, photo(format_, **arguments)).status_code == 202


def test_bad_images_get_their_code_and_leave_nothing_behind(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    table = {
        "empty": (b"", 400, "image_empty"),
        "not an image": (b"hello, this is text", 415, "invalid_image_format"),
        "gif": (photo("GIF", mode="P"), 415, "invalid_image_format"),
        "bmp": (photo("BMP"), 415, "invalid_image_format"),
        "cut in the header": (photo()[:20], 415, "invalid_image_format"),
        "cut in a png header": (photo("PNG")[:20], 422, "image_unreadable"),
        "200 megapixels": (png_header(20_000, 10_000), 413, "image_too_large"),
        "4 gigapixels": (png_header(65_500, 65_500), 413, "image_too_large"),
        "11 MB": (photo() + b"\0" * 11_000_000, 413, "file_too_large"),
        "animated webp": (photo("WEBP", frames=3), 415, "animated_image"),
        "animated png": (photo("PNG", frames=3), 415, "animated_image"),
    }
    for name, (content, status, code) in table.items():
        response = post_form(client, content)

        assert (name, response.status_code, response.get_json()["code"]) == (name, status, code)
        assert response.mimetype == "application/problem+json"
        assert response.get_json()["request_id"] == response.headers["X-Request-ID"]
    assert parts.jobs.waiting() == 0
    assert list(parts.blobs.older_than(-1)) == []


@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"max_face": 1}, "unknown_option", "max_face"),
        ({"max_faces": 0}, "validation_error", "max_faces"),
        ({"max_faces": "many"}, "validation_error", "max_faces"),
        ({"max_faces": 10**30}, "validation_error", "max_faces"),
        ({"min_confidence": 1.5}, "validation_error", "min_confidence"),
        ({"min_confidence": "nan"}, "validation_error", "min_confidence"),
        ({"priority": "urgent"}, "validation_error", "priority"),
        ({"return_embeddings": "perhaps"}, "validation_error", "return_embeddings"),
        ({"analyses": "colour"}, "unknown_analysis", "analyses"),
        ({"analyses": ["detection", "colour"]}, "unknown_analysis", "analyses"),
        ({"analyses": "anti_spoofing"}, "analysis_unavailable", "analyses"),
        ({"analyses": "deepfake"}, "analysis_unavailable", "analyses"),
        ({"analyses": ""}, "validation_error", "analyses"),
        ({"options": "[1]"}, "invalid_request", "options"),
        ({"options": "{"}, "invalid_request", "options"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_options_are_told_by_name(
    client: FlaskClient,
    photo: Callable[..., bytes],
    members: dict[str, object],
    code: str,
    field: str,
    as_json: bool,
) -> None:
    if as_json:
        image = base64.b64encode(photo()).decode()
        response = client.post(URL, json={"image": image, **members})
    else:
        response = post_form(client, photo(), **members)

    body = response.get_json()
    assert body["code"] == code
    assert body["field"].split(".")[0] == field
    assert response.status_code == (400 if code == "invalid_request" else 422)


def test_requests_that_are_no_upload_are_refused(
    client: FlaskClient, photo: Callable[..., bytes]
) -> None:
    jpeg = photo()
    table: list[tuple[TestResponse, int, str]] = [
        (client.post(URL), 415, "unsupported_media_type"),
        (client.post(URL, data=jpeg, content_type="image/jpeg"), 415, "unsupported_media_type"),
        (client.post(URL, data=b"{", content_type="application/json"), 400, "invalid_request"),
        (client.post(URL, data=b"\xff", content_type="application/json"), 400, "invalid_request"),
        (client.post(URL, json=[1]), 400, "invalid_request"),
        (client.post(URL, json={}), 400, "missing_field"),
        (client.post(URL, json={"image": 7}), 400, "missing_field"),
        (client.post(URL, json={"image": "!!"}), 400, "invalid_request"),
        (client.post(URL, json={"image": ""}), 400, "image_empty"),
        (client.post(URL, data={"image": "text"}), 415, "unsupported_media_type"),
        (
            client.post(URL, data={"image": "text"}, content_type="multipart/form-data"),
            400,
            "missing_field",
        ),
        (
            client.post(
                URL,
                data={"image": [(io.BytesIO(jpeg), "a"), (io.BytesIO(jpeg), "b")]},
            ),
            400,
            "missing_field",
        ),
        (client.post(URL, data={"photo": (io.BytesIO(jpeg), "a.jpg")}), 422, "unknown_option"),
        (client.get(URL), 405, "method_not_allowed"),
        (client.post("/api/v1/face/analyse"), 404, "not_found"),
    ]
    for response, status, code in table:
        assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_a_full_queue_is_told_before_anything_is_stored(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    for _ in range(3):
        assert post_form(client, photo()).status_code == 202

    response = post_form(client, photo())

    assert response.status_code == 503
    assert response.get_json()["code"] == "queue_full"
    assert response.get_json()["retryable"] is True
    assert int(response.headers["Retry-After"]) > 0
    assert parts.jobs.waiting() == 3


def test_a_job_whose_wake_up_could_not_be_sent_is_accepted_and_due(
    parts: Services, photo: Callable[..., bytes]
) -> None:
    class BrokenQueue:
        def publish(self, job_id: str, queue: str) -> None:
            raise StoreUnavailable(f"no broker for {job_id} on {queue}")

    client = create_app(dataclasses.replace(parts, queue=BrokenQueue())).test_client()

    response = post_form(client, photo())

    assert response.status_code == 202
    assert [due.id for due in parts.jobs.due(10)] == [response.get_json()["id"]]


def test_a_client_may_name_its_request(client: FlaskClient, photo: Callable[..., bytes]) -> None:
    headers = {"X-Request-ID": "mine-1"}
    data = {"image": (io.BytesIO(photo()), "a.jpg")}

    assert client.post(URL, data=data, headers=headers).headers["X-Request-ID"] == "mine-1"
    odd = client.get("/health/live", headers={"X-Request-ID": "a b" * 40})
    assert odd.headers["X-Request-ID"].startswith("req_")


def test_default_options_ask_for_every_analysis_there_is(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    job = parts.jobs.get(post_form(client, photo()).get_json()["id"])

    assert job.options.analyses == ANALYSES
    assert job.state is JobState.QUEUED
    parts.blobs.delete(job.blob_key)
    with pytest.raises(BlobMissing):
        parts.blobs.get(job.blob_key)


def test_a_client_that_waits_gets_the_ended_job(
    parts: Services, photo: Callable[..., bytes]
) -> None:
    class InstantQueue:
        def publish(self, job_id: str, queue: str) -> None:
            claim = parts.jobs.claim(job_id, claim_id=queue)
            assert isinstance(claim, Claim)
            parts.jobs.succeed(claim, '{"faces": []}')

    client = create_app(dataclasses.replace(parts, queue=InstantQueue())).test_client()

    response = client.post(f"{URL}?wait=20", data={"image": (io.BytesIO(photo()), "a.jpg")})

    assert response.status_code == 200
    assert response.get_json()["result"] == {"faces": []}


def test_a_client_whose_wait_is_over_gets_the_address(
    client: FlaskClient, photo: Callable[..., bytes]
) -> None:
    response = client.post(f"{URL}?wait=0.01", data={"image": (io.BytesIO(photo()), "a.jpg")})

    assert response.status_code == 202
    assert response.headers["Location"].startswith("/api/v1/jobs/job_")


def test_a_wrong_wait_is_refused_before_anything_is_stored(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    response = client.post(f"{URL}?wait=soon", data={"image": (io.BytesIO(photo()), "a.jpg")})

    assert (response.status_code, response.get_json()["field"]) == (422, "wait")
    assert parts.jobs.waiting() == 0
