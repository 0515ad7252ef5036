"""POST /api/v1/face/analyze: what is refused, and how that is told."""

import base64
import dataclasses
import io
import struct
import zlib
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from gunicorn.http.errors import (
    InvalidChunkSize,
)
from werkzeug.test import TestResponse

from api.app import create_app
from api.errors import ApiError
from api.inputs.body import MOST_JSON_VALUES, parse_json
from api.services import Services
from workers.errors import StoreRefused
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import NewJob, Submitted, nothing

URL = "/api/v1/face/analyze"


def png_header(width: int, height: int) -> bytes:
    """A valid PNG header for a picture of that size, without its pixels."""
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    idat = b"IDAT" + zlib.compress(b"")
    chunks = [
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (ihdr, idat)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_bad_images_get_their_code_and_leave_nothing_behind(
    post_form: Callable[..., TestResponse], parts: Services, photo: Callable[..., bytes]
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
        response = post_form(content)

        assert (name, response.status_code, response.get_json()["code"]) == (name, status, code)
        assert response.mimetype == "application/problem+json"
        assert response.get_json()["request_id"] == response.headers["X-Request-ID"]
    assert parts.jobs.waiting() == 0
    assert list(parts.blobs.older_than(-1)) == []


@pytest.mark.parametrize(
    ("brand", "named"), [(b"heic", "HEIC"), (b"mif1", "HEIF"), (b"avif", "AVIF"), (b"isom", None)]
)
def test_photos_as_phones_keep_them_are_refused_by_name(
    post_form: Callable[..., TestResponse], brand: bytes, named: str | None
) -> None:
    detail = post_form(b"\0\0\0\x18ftyp" + brand + b"\0" * 100).get_json()["detail"]

    assert ("photo in the" in detail) is (named is not None)
    assert named is None or f"the {named} format" in detail
    assert "JPEG" in detail


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
        ({"engine": "crystal_ball"}, "unknown_model", "engine"),
        ({"engine": "sface"}, "unknown_model", "engine"),
        ({"engine": "../../etc/passwd"}, "validation_error", "engine"),
        ({"recognition_model": "yunet"}, "unknown_model", "recognition_model"),
        ({"deepfake_model": "xceptionnet"}, "unknown_model", "deepfake_model"),
        ({"anti_spoofing_model": ""}, "validation_error", "anti_spoofing_model"),
        ({"min_face_pixels": -1}, "validation_error", "min_face_pixels"),
        ({"analyses": ""}, "validation_error", "analyses"),
        ({"options": "[1]"}, "invalid_request", "options"),
        ({"options": "{"}, "invalid_request", "options"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_options_are_told_by_name(
    post_form: Callable[..., TestResponse],
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
        response = post_form(photo(), **members)

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


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=b"])
def test_a_body_that_breaks_off_is_told_as_such(client: FlaskClient, content_type: str) -> None:
    response = client.post(
        URL,
        input_stream=io.BytesIO(b"{"),
        content_type=content_type,
        environ_overrides={"CONTENT_LENGTH": "999"},
    )

    assert (response.status_code, response.get_json()["code"]) == (408, "upload_incomplete")


def test_a_body_that_is_not_encoded_as_announced_is_no_fault_of_ours(
    client: FlaskClient, parts: Services
) -> None:
    class BrokenChunks(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise InvalidChunkSize(b"ZZ")

        def readinto(self, *_: object) -> int:
            raise InvalidChunkSize(b"ZZ")

    for content_type in ("application/json", "multipart/form-data; boundary=b"):
        response = client.post(
            URL,
            input_stream=BrokenChunks(),
            content_type=content_type,
            environ_overrides={"wsgi.input_terminated": True},
        )

        assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert parts.jobs.waiting() == 0


def test_a_store_that_refuses_a_job_keeps_no_image_of_it(
    parts: Services, photo: Callable[..., bytes]
) -> None:
    class FullJobs(MemoryJobs):
        def submit(
            self, job: NewJob, *, durable: bool = True, on_stored: Callable[[], None] = nothing
        ) -> Submitted:
            raise StoreRefused(f"{job.id} {durable} {on_stored}")

    client = create_app(dataclasses.replace(parts, jobs=FullJobs(parts.settings))).test_client()

    response = client.post(URL, data={"image": (io.BytesIO(photo()), "a.jpg")})

    assert (response.status_code, response.get_json()["code"]) == (503, "store_unavailable")
    assert list(parts.blobs.older_than(-1)) == []


@pytest.mark.parametrize("value", ["[" * 480 + "]" * 480, '{"a":' * 480 + "1" + "}" * 480])
def test_members_nested_too_deeply_are_no_fault_of_ours(client: FlaskClient, value: str) -> None:
    # The parser takes them, and Python's own stack doesn't.
    response = client.post(
        "/api/v1/webhooks", data=f'{{"url": {value}}}', content_type="application/json"
    )

    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("sent", [b'"\\ud800"', b'"\xed\xa0\x80"'])
def test_half_a_character_pair_is_no_text(client: FlaskClient, sent: bytes) -> None:
    body = b'{"image": "aaaa", ' + sent + b": 1}"
    response = client.post(URL, data=body, content_type="application/json")

    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")


def test_a_json_body_has_not_too_many_small_things() -> None:
    most = b'{"a": [' + b"1," * (MOST_JSON_VALUES - 2) + b"1]}"
    assert len(parse_json(most)["a"]) == MOST_JSON_VALUES - 1

    with pytest.raises(ApiError, match="more than"):
        parse_json(most.replace(b"1]", b"1,1]"))
