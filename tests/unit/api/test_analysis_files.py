"""Endpoints that take other files than one photo: two, several, a video."""

import base64
import dataclasses
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.limits.rules import Rules
from api.services import Services
from workers.jobs.options import CompareOptions, JobOptions, LivenessOptions, VideoOptions
from workers.settings.process import Settings

API = "/api/v1"
MP4 = b"\0\0\0\x18ftypmp42" + bytes(500)


@pytest.fixture
def settings() -> Settings:
    return Settings(auth="off")


def _options(parts: Services, response: TestResponse) -> JobOptions:
    assert response.status_code == 202, response.get_json()
    return parts.jobs.get(response.get_json()["id"]).options


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "names", [("image1", "image2"), ("source", "target"), ("image1", "target")]
)
def test_two_photos_make_one_job_that_compares_them(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes], names: tuple[str, str]
) -> None:
    first, second = photo(size=(20, 10)), photo("PNG", size=(30, 10))
    form = {names[0]: (io.BytesIO(first), "a"), names[1]: (io.BytesIO(second), "b"), "far": "1e-4"}

    made = client.post(f"{API}/face/verify", data=form).get_json()
    body = {names[0]: _text(first), names[1]: _text(second), "threshold": 0.5, "model": "sface"}
    as_json = client.post(f"{API}/face/verify", json=body)

    job = parts.jobs.get(made["id"])
    assert job.options == CompareOptions(far=1e-4)
    assert job.blob_keys == (job.id, f"{job.id}.1")
    assert [parts.blobs.get(key) for key in job.blob_keys] == [first, second]
    assert job.pixels == 500
    assert _options(parts, as_json) == CompareOptions(threshold=0.5, model="sface")


def test_photos_of_a_sequence_keep_their_order(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    contents = [photo(size=(10 + number, 10)) for number in range(5)]
    for path in ("face/liveness", "anti-spoofing/detect-liveness-sequence"):
        for name in ("images", "images[]"):
            form = {name: [(io.BytesIO(content), "a.jpg") for content in contents]}

            made = client.post(f"{API}/{path}", data=form).get_json()

            job = parts.jobs.get(made["id"])
            assert job.options == LivenessOptions()
            assert [parts.blobs.get(key) for key in job.blob_keys] == contents


@pytest.mark.parametrize("count", [1, 6])
def test_too_few_or_too_many_photos_are_refused(
    client: FlaskClient, photo: Callable[..., bytes], count: int
) -> None:
    body = {"images": [_text(photo())] * count}

    response = client.post(f"{API}/face/liveness", json=body)

    assert (response.status_code, response.get_json()["field"]) == (422, "images")
    assert "2 to 5" in response.get_json()["detail"]


@pytest.mark.parametrize(
    "content",
    [MP4, b"\x1a\x45\xdf\xa3" + bytes(99), b"RIFF\1\2\3\4AVI LIST", b"\0\0\0\x08wide\0\0\1\0mdat"],
)
@pytest.mark.parametrize("path", ["face/analyze-video", "video/deepfake"])
def test_a_video_makes_a_job(
    client: FlaskClient, parts: Services, content: bytes, path: str
) -> None:
    options = json.dumps({"frame_sampling": "auto", "max_frames": 30, "tracking": True})
    form = {"video": (io.BytesIO(content), "a.mp4"), "options": options}

    made = client.post(f"{API}/{path}", data=form)
    as_json = client.post(f"{API}/{path}", json={"video": _text(content), "until_seconds": 5})

    job = parts.jobs.get(made.get_json()["id"])
    assert job.options == VideoOptions(max_frames=30)
    assert parts.blobs.get(job.id) == content
    assert _options(parts, as_json) == VideoOptions(until_seconds=5)


@pytest.mark.parametrize(
    ("content", "members", "status", "code"),
    [
        (b"", {}, 400, "video_empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), {}, 415, "invalid_video_format"),
        (b"#EXTM3U\nhttp://10.0.0.1/a.ts\n", {}, 415, "invalid_video_format"),
        (MP4 + bytes(2000), {}, 413, "file_too_large"),
        (MP4, {"analyses": "demographics"}, 422, "option_unsupported"),
        (MP4, {"tracking": False}, 422, "option_unsupported"),
        (MP4, {"max_frames": 1}, 422, "validation_error"),
        (MP4, {"model": "sface"}, 422, "unknown_model"),
    ],
)
def test_what_is_no_video_we_take_is_told_so(
    parts: Services,
    content: bytes,
    members: dict[str, Any],
    status: int,
    code: str,
) -> None:
    settings = parts.settings.model_copy(update={"max_video_bytes": 1024})
    client = create_app(dataclasses.replace(parts, settings=settings)).test_client()

    response = client.post(f"{API}/face/analyze-video", json={"video": _text(content), **members})

    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert parts.jobs.waiting() == 0


def test_json_beyond_what_is_held_in_memory_is_to_be_sent_as_a_form(
    parts: Services,
) -> None:
    settings = parts.settings.model_copy(update={"max_json_bytes": 70_000})
    client = create_app(dataclasses.replace(parts, settings=settings)).test_client()

    refused = client.post(f"{API}/face/analyze-video", json={"video": _text(MP4 + bytes(90_000))})
    form = {"video": (io.BytesIO(MP4 + bytes(90_000)), "a.mp4")}
    accepted = client.post(f"{API}/face/analyze-video", data=form)

    assert (refused.status_code, refused.get_json()["code"]) == (413, "file_too_large")
    assert "form" in refused.get_json()["detail"]
    assert accepted.status_code == 202


@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"image1": "aaaa"}, "missing_field", "image2"),
        ({"image1": "aaaa", "source": "aaaa", "image2": "aaaa"}, "missing_field", "image1"),
        ({"image1": "!", "image2": "aaaa"}, "invalid_request", "image1"),
        ({"image1": 5, "image2": "aaaa"}, "missing_field", "image1"),
        ({"image1": ["aaaa"], "image2": "aaaa"}, "missing_field", "image1"),
        ({"image1_url": ["http://a.test/"]}, "validation_error", "image1_url"),
        ({"image1": {"uri": "x"}, "image2": "aaaa"}, "missing_field", "image1"),
        ({"image1": {"url": 5}, "image2": "aaaa"}, "validation_error", "image1.url"),
        ({"image1": {"url": "http://a.test/"}, "image2": "aaaa"}, "url_refused", "image1.url"),
        ({"image1_url": "http://a.test/", "target": "aaaa"}, "url_refused", "image1_url"),
    ],
)
def test_a_wrong_file_is_told_by_its_place(
    client: FlaskClient, members: dict[str, object], code: str, field: str
) -> None:
    body = client.post(f"{API}/face/verify", json=members).get_json()

    assert (body["code"], body["field"]) == (code, field)


def test_a_bad_photo_among_several_is_told_by_its_place_and_nothing_is_kept(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    body = {"images": [_text(photo()), _text(b"no photo"), _text(photo())]}

    response = client.post(f"{API}/face/liveness", json=body)

    assert response.get_json()["code"] == "invalid_image_format"
    assert response.get_json()["field"] == "images.1"
    assert list(parts.blobs.older_than(-1)) == []


def test_the_same_request_of_one_name_makes_one_job_with_its_files(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes]
) -> None:
    body = {"image1": _text(photo()), "image2": _text(photo("PNG")), "tags": "a,b"}
    headers = {"Idempotency-Key": "mine"}

    first = client.post(f"{API}/face/verify", json=body, headers=headers)
    again = client.post(f"{API}/face/verify", json=body, headers=headers)
    other = client.post(f"{API}/face/verify", json={**body, "far": 1e-2}, headers=headers)

    assert first.get_json()["id"] == again.get_json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")
    assert len(list(parts.blobs.older_than(-1))) == 2
    assert parts.jobs.get(first.get_json()["id"]).tags == ("a", "b")


def test_several_photos_and_the_frames_of_a_video_count_towards_the_limit(
    parts: Services, photo: Callable[..., bytes]
) -> None:
    settings = parts.settings.model_copy(
        update={"limit_roles": ("admin",), "limit_images_per_hour": 11}
    )
    limited = dataclasses.replace(parts, settings=settings, limit_rules=Rules(settings))
    client = create_app(limited).test_client()
    three = {"images": [_text(photo())] * 3}
    video = {"video": _text(MP4), "max_frames": 6}

    statuses = [
        client.post(f"{API}/{path}", json=body).status_code
        for path, body in (
            ("face/liveness", three),
            ("face/analyze-video", video),
            ("face/liveness", three),
            ("face/analyze", {"image": _text(photo())}),
        )
    ]

    assert statuses == [202, 202, 429, 202]
