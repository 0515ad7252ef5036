"""GET /api/v1/jobs/{id}: states, results, waiting and conditional requests."""

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import NoReturn

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.services import Services
from api.vitals import Vitals
from workers.contract import AnalyzeOptions, JobError, JobRoute
from workers.errors import StoreUnavailable
from workers.jobs.changes import JobWatch
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim, NewJob

JOB = "job_" + "1" * 32
AT = f"/api/v1/jobs/{JOB}"
ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")


@pytest.fixture
def claim(parts: Services) -> Claim:
    parts.jobs.submit(NewJob(id=JOB, options=AnalyzeOptions(), route=ROUTE, blob_keys=(JOB,)))
    claim = parts.jobs.claim(JOB, claim_id="c")
    assert isinstance(claim, Claim)
    return claim


def test_a_job_is_told_with_its_state_route_and_times(client: FlaskClient, claim: Claim) -> None:
    body = client.get(AT).get_json()

    assert claim.job.id == body["id"] == JOB
    assert body["state"] == "running"
    assert body["attempt"] == 1
    assert body["route"]["reason"] == "no_gpu_device"
    assert body["created_at"] <= body["started_at"]
    assert (body["finished_at"], body["result"], body["error"]) == (None, None, None)


def test_a_result_is_passed_through_unchanged(
    client: FlaskClient, parts: Services, claim: Claim
) -> None:
    parts.jobs.succeed(claim, '{"faces": [], "note": "ä\\"}"}')

    response = client.get(AT)

    assert response.get_json()["state"] == "succeeded"
    assert response.get_json()["result"] == {"faces": [], "note": 'ä"}'}
    assert "Retry-After" not in response.headers


def test_a_cancelled_job_is_told_as_one_and_has_neither_result_nor_error(
    client: FlaskClient, parts: Services, claim: Claim
) -> None:
    assert parts.jobs.cancel(JOB) == "asked"
    asked = client.get(AT)
    assert (asked.get_json()["state"], asked.get_json()["cancel_asked"]) == ("running", True)
    assert "Retry-After" in asked.headers

    parts.jobs.end_cancelled(claim)

    response = client.get(f"{AT}?wait=5")
    body = response.get_json()
    assert body["state"] == "cancelled"
    assert body["finished_at"] is not None
    assert (body["result"], body["error"]) == (None, None)
    assert "Retry-After" not in response.headers


def test_a_failed_job_is_a_successful_answer(
    client: FlaskClient, parts: Services, claim: Claim
) -> None:
    parts.jobs.fail(claim, JobError(code="image_truncated", message="The image ends too early."))

    response = client.get(AT)

    assert response.status_code == 200
    assert response.get_json()["error"] == {
        "code": "image_truncated",
        "message": "The image ends too early.",
        "retryable": False,
    }


def test_an_unknown_job_is_not_found(client: FlaskClient) -> None:
    for url in ("/api/v1/jobs/job_x", "/api/v1/jobs/job_x?wait=1"):
        response = client.get(url)

        assert (response.status_code, response.get_json()["code"]) == (404, "job_not_found")


def test_waiting_ends_when_the_job_does(client: FlaskClient, parts: Services, claim: Claim) -> None:
    ender = threading.Timer(0.1, parts.jobs.succeed, (claim, "{}"))
    ender.start()
    started = time.monotonic()

    body = client.get(f"{AT}?wait=20").get_json()

    ender.join()
    assert body["state"] == "succeeded"
    assert time.monotonic() - started < 10


def test_waiting_for_a_job_that_does_not_end_gives_its_state(
    client: FlaskClient, claim: Claim
) -> None:
    response = client.get(f"{AT}?wait=0.05")

    assert response.get_json()["state"] == claim.job.state == "running"
    assert response.headers["Retry-After"] == "1"


def test_without_a_free_slot_a_waiting_client_is_answered_at_once(
    parts: Services, claim: Claim
) -> None:
    slots = threading.BoundedSemaphore(1)
    slots.acquire()
    client = create_app(dataclasses.replace(parts, wait_slots=slots)).test_client()
    started = time.monotonic()

    response = client.get(f"{AT}?wait=20")

    assert response.get_json()["state"] == claim.job.state
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("wait", ["-1", "soon", "nan", "inf", ""])
def test_a_wrong_wait_is_refused(client: FlaskClient, claim: Claim, wait: str) -> None:
    response = client.get(f"/api/v1/jobs/{claim.job.id}?wait={wait}")

    assert response.status_code == 422
    assert response.get_json()["field"] == "wait"


def test_an_unknown_parameter_is_refused(client: FlaskClient, claim: Claim) -> None:
    response = client.get(f"/api/v1/jobs/{claim.job.id}?waits=3")

    assert (response.status_code, response.get_json()["code"]) == (422, "unknown_option")


def test_an_unchanged_job_is_not_sent_again(
    client: FlaskClient, parts: Services, claim: Claim
) -> None:
    tag = client.get(AT).headers["ETag"]

    assert client.get(AT, headers={"If-None-Match": tag}).status_code == 304
    parts.jobs.succeed(claim, "{}")
    assert client.get(AT, headers={"If-None-Match": tag}).status_code == 200


def test_a_store_that_is_away_is_told_as_such(parts: Services, photo: Callable[..., bytes]) -> None:
    class AwayJobs(MemoryJobs):
        def waiting(self) -> NoReturn:
            raise StoreUnavailable

        def waiting_queues(self) -> NoReturn:
            raise StoreUnavailable

        def get(self, job_id: str) -> NoReturn:
            raise StoreUnavailable(job_id)

    away = AwayJobs(parts.settings)
    client = create_app(
        dataclasses.replace(
            parts,
            jobs=away,
            watch=JobWatch(away, parts.changes),
            vitals=Vitals(away, parts.fleet, require_writes=lambda: None, kept_seconds=0),
        )
    ).test_client()

    response = client.get(AT)
    assert (response.status_code, response.get_json()["code"]) == (503, "store_unavailable")
    assert response.get_json()["retryable"] is True
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200
    assert len(photo()) > 0
    posted = client.post("/api/v1/face/analyze", data={"image": (photo(), "a.jpg")})
    assert posted.status_code == 503
    assert list(parts.blobs.older_than(-1)) == []
