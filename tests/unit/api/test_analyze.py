"""POST /api/v1/face/analyze: what is taken, and what becomes of it."""

import base64
import dataclasses
import io
from collections.abc import Callable, Mapping

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import Services
from workers.contract import ANALYSES, DEFAULT_ANALYSES, AnalyzeOptions, JobState
from workers.dispatch import MemoryJobQueue
from workers.errors import BlobMissing, StoreUnavailable
from workers.jobs.store import Claim

URL = "/api/v1/face/analyze"


def test_a_photo_becomes_a_queued_job_with_its_image_and_its_wake_up(
    post_form: Callable[..., TestResponse], parts: Services, photo: Callable[..., bytes]
) -> None:
    content = photo()

    response = post_form(content, analyses="detection,recognition", max_faces="3")

    assert response.status_code == 202
    body = response.get_json()
    assert response.headers["Location"] == f"/api/v1/jobs/{body['id']}"
    assert body["state"] == "queued"
    assert body["durability"] == "memory"
    assert body["route"] == {
        "queue": "cpu.interactive",
        "reason": "no_gpu_device",
        "device": None,
        "message": "No GPU worker is running, so the CPU does the job. If one was started, look "
        "into its log.",
        "expected_ms": None,
    }
    job = parts.jobs.get(body["id"])
    assert job.options == AnalyzeOptions(analyses=("detection", "recognition"), max_faces=3)
    assert parts.blobs.get(job.blob_keys[0]) == content
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
        assert parts.blobs.get(job.blob_keys[0]) == content


@pytest.mark.parametrize("options", ['{"max_faces": 2}', '{"max_faces": 9}'])
def test_options_may_come_as_one_json_member_and_single_members_win(
    post_form: Callable[..., TestResponse], photo: Callable[..., bytes], options: str
) -> None:
    response = post_form(photo(), options=options, min_confidence="0.25", max_faces="2")

    assert response.get_json()["options"]["max_faces"] == 2
    assert response.get_json()["options"]["min_confidence"] == 0.25


def test_repeated_form_fields_are_a_list(
    post_form: Callable[..., TestResponse], photo: Callable[..., bytes]
) -> None:
    response = post_form(photo(), analyses=["detection", "demographics"])

    assert response.get_json()["options"]["analyses"] == ["detection", "demographics"]


def test_batch_work_goes_to_the_bulk_queue(
    post_form: Callable[..., TestResponse], photo: Callable[..., bytes]
) -> None:
    response = post_form(photo(), priority="batch")

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
    post_form: Callable[..., TestResponse],
    photo: Callable[..., bytes],
    format_: str,
    arguments: Mapping[str, object],
) -> None:
    assert post_form(photo(format_, **arguments)).status_code == 202


def test_a_full_queue_is_told_before_anything_is_stored(
    post_form: Callable[..., TestResponse], parts: Services, photo: Callable[..., bytes]
) -> None:
    for _ in range(3):
        assert post_form(photo()).status_code == 202

    response = post_form(photo())

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

    response = client.post(URL, data={"image": (io.BytesIO(photo()), "a.jpg")})

    assert response.status_code == 202
    assert [due.id for due in parts.jobs.due(10)] == [response.get_json()["id"]]


def test_a_client_may_name_its_request(client: FlaskClient, photo: Callable[..., bytes]) -> None:
    headers = {"X-Request-ID": "mine-1"}
    data = {"image": (io.BytesIO(photo()), "a.jpg")}

    assert client.post(URL, data=data, headers=headers).headers["X-Request-ID"] == "mine-1"
    odd = client.get("/health/live", headers={"X-Request-ID": "a b" * 40})
    assert odd.headers["X-Request-ID"].startswith("req_")


def test_default_options_ask_for_what_costs_little(
    post_form: Callable[..., TestResponse], parts: Services, photo: Callable[..., bytes]
) -> None:
    job = parts.jobs.get(post_form(photo()).get_json()["id"])

    assert job.options == AnalyzeOptions(analyses=DEFAULT_ANALYSES)
    assert job.state is JobState.QUEUED
    parts.blobs.delete(job.blob_keys[0])
    with pytest.raises(BlobMissing):
        parts.blobs.get(job.blob_keys[0])


def test_all_asks_for_every_analysis_there_is(
    post_form: Callable[..., TestResponse], parts: Services, photo: Callable[..., bytes]
) -> None:
    job = parts.jobs.get(post_form(photo(), analyses="all").get_json()["id"])

    assert job.options == AnalyzeOptions(analyses=ANALYSES)


def test_an_analysis_that_is_switched_off_is_refused_by_name_and_left_out_of_all(
    parts: Services, photo: Callable[..., bytes]
) -> None:
    settings = parts.settings.model_copy(update={"disabled_analyses": ("deepfake",)})
    client = create_app(dataclasses.replace(parts, settings=settings)).test_client()
    image = base64.b64encode(photo()).decode()

    refused = client.post(URL, json={"image": image, "analyses": ["deepfake"]})
    accepted = client.post(URL, json={"image": image, "analyses": "all"})

    assert (refused.status_code, refused.get_json()["code"]) == (403, "analysis_disabled")
    assert accepted.status_code == 202
    assert "deepfake" not in accepted.get_json()["options"]["analyses"]


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
