"""Jobs that are cancelled, deleted, expired, and those of others."""

import dataclasses
import time
from collections.abc import Callable

import pytest
import redis
from flask.testing import FlaskClient

from api.app import create_app
from api.services import Services
from api.testing import memory_parts
from tests.unit.api.jobs.conftest import CHUNK, ROUTE
from workers.contract import AnalyzeOptions
from workers.errors import BlobMissing
from workers.jobs.changes import JobWatch
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim, NewJob


def test_a_waiting_job_is_cancelled_at_once_and_its_photo_forgotten(
    client: FlaskClient, parts: Services, give: Callable[..., str]
) -> None:
    job_id = give(1)

    for _ in range(2):
        response = client.post(f"/api/v1/jobs/{job_id}/cancel")
        assert (response.status_code, response.get_json()["state"]) == (200, "cancelled")

    with pytest.raises(BlobMissing):
        parts.blobs.get(job_id)


def test_a_running_job_is_asked_to_end_and_keeps_its_photo(
    client: FlaskClient, parts: Services, give: Callable[..., str], claimed: Callable[[str], Claim]
) -> None:
    job_id = give(1)
    claim = claimed(job_id)

    response = client.post(f"/api/v1/jobs/{job_id}/cancel")

    assert response.status_code == 202
    assert (response.get_json()["state"], response.get_json()["cancel_asked"]) == ("running", True)
    assert parts.blobs.get(job_id) == b"photo"
    parts.jobs.end_cancelled(claim)
    assert client.post(f"/api/v1/jobs/{job_id}/cancel").status_code == 200


def test_an_ended_job_stays_what_it_is(
    client: FlaskClient, parts: Services, give: Callable[..., str], claimed: Callable[[str], Claim]
) -> None:
    job_id = give(1)
    parts.jobs.succeed(claimed(job_id), "{}")

    response = client.post(f"/api/v1/jobs/{job_id}/cancel")

    assert (response.status_code, response.get_json()["state"]) == (200, "succeeded")


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_of_a_deleted_job_nothing_is_left(
    client: FlaskClient,
    parts: Services,
    give: Callable[..., str],
    claimed: Callable[[str], Claim],
    state: str,
) -> None:
    job_id = give(1, tags=("sea",))
    if state != "queued":
        claim = claimed(job_id)
        if state == "succeeded":
            parts.jobs.succeed(claim, '{"faces": []}')

    for _ in range(2):
        response = client.delete(f"/api/v1/jobs/{job_id}")
        assert (response.status_code, response.data) == (204, b"")

    for url in ("", "?wait=1", "/events"):
        gone = client.get(f"/api/v1/jobs/{job_id}{url}")
        assert (gone.status_code, gone.get_json()["code"]) == (410, "job_expired")
    assert client.post(f"/api/v1/jobs/{job_id}/cancel").status_code == 410
    assert client.get("/api/v1/jobs").get_json()["items"] == []
    assert client.get("/api/v1/jobs?tag=sea").get_json()["items"] == []
    with pytest.raises(BlobMissing):
        parts.blobs.get(job_id)


def test_an_expired_job_is_told_as_such(fake_redis: redis.Redis, parts: Services) -> None:
    now = [time.time()]
    base = memory_parts(parts.settings, fake_redis)
    jobs = MemoryJobs(parts.settings, clock=lambda: now[0])
    aged = dataclasses.replace(base, jobs=jobs, watch=JobWatch(jobs, base.changes))
    client = create_app(aged).test_client()
    job_id = _done(jobs)

    now[0] += parts.settings.result_ttl_seconds + 1

    response = client.get(f"/api/v1/jobs/{job_id}")
    assert (response.status_code, response.get_json()["code"]) == (410, "job_expired")
    assert client.get("/api/v1/jobs").get_json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("is_deleted", [False, True])
def test_somebody_else_s_job_is_answered_like_none(
    client: FlaskClient, parts: Services, give: Callable[..., str], is_deleted: bool
) -> None:
    theirs, unknown = give(1, owner="somebody else"), "job_" + "0" * 32
    if is_deleted:
        parts.jobs.delete(theirs)

    for method, url in (
        ("GET", "/api/v1/jobs/{}"),
        ("GET", "/api/v1/jobs/{}?wait=20"),
        ("GET", "/api/v1/jobs/{}/events"),
        ("POST", "/api/v1/jobs/{}/cancel"),
        ("DELETE", "/api/v1/jobs/{}"),
    ):
        told = [client.open(url.format(id_), method=method) for id_ in (theirs, unknown)]
        assert [response.status_code for response in told] == [404, 404]
        bodies = [response.get_json() | {"request_id": ""} for response in told]
        assert bodies[0]["detail"].replace(theirs, unknown) == bodies[1]["detail"]
        assert bodies[0]["code"] == bodies[1]["code"] == "job_not_found"
    if not is_deleted:
        assert parts.jobs.get(theirs).state == "queued"


def test_a_chunk_of_one_s_batch_is_nobody_s_job(
    client: FlaskClient, give: Callable[..., str]
) -> None:
    chunk = give(1, options=CHUNK)

    assert client.get(f"/api/v1/jobs/{chunk}").status_code == 404
    assert client.delete(f"/api/v1/jobs/{chunk}").status_code == 404


def test_when_to_come_back_is_when_the_end_is_expected(
    client: FlaskClient, give: Callable[..., str], claimed: Callable[[str], Claim]
) -> None:
    def told(job_id: str) -> int:
        return int(client.get(f"/api/v1/jobs/{job_id}").headers["Retry-After"])

    slow = give(1, expected_ms=12_400)
    assert 10 <= told(slow) <= 13
    claimed(slow)
    assert 10 <= told(slow) <= 13
    assert told(give(2, expected_ms=600_000)) == 30
    assert told(give(3, expected_ms=1)) == 1
    assert told(give(4)) == 1


def test_head_answers_like_get_without_a_body(
    client: FlaskClient, give: Callable[..., str]
) -> None:
    job_id = give(1)

    response = client.head(f"/api/v1/jobs/{job_id}")

    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["ETag"] == client.get(f"/api/v1/jobs/{job_id}").headers["ETag"]


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=0", "wait=0"),
        ("respond-async, wait=0", "wait=0"),
        ('Wait="0"; x=1', "wait=0"),
        ("wait=soon", None),
        ("waiting=3", None),
    ],
)
def test_a_preference_that_is_honoured_is_told(
    client: FlaskClient, give: Callable[..., str], prefer: str, applied: str | None
) -> None:
    response = client.get(f"/api/v1/jobs/{give(1)}", headers={"Prefer": prefer})

    assert response.status_code == 200
    assert response.headers.get("Preference-Applied") == applied


def test_a_preference_waits_and_the_query_wins_over_it(
    client: FlaskClient, give: Callable[..., str]
) -> None:
    job_id, started = give(1), time.monotonic()

    response = client.get(f"/api/v1/jobs/{job_id}", headers={"Prefer": "wait=1"})
    assert response.headers["Preference-Applied"] == "wait=1"
    assert 0.9 < time.monotonic() - started < 10

    quick = client.get(f"/api/v1/jobs/{job_id}?wait=0", headers={"Prefer": "wait=20"})
    assert time.monotonic() - started < 10
    assert "Preference-Applied" not in quick.headers


def _done(jobs: MemoryJobs) -> str:
    """A job that has succeeded."""
    job_id = "job_" + "1" * 32
    new = NewJob(id=job_id, options=AnalyzeOptions(), route=ROUTE, blob_keys=(job_id,))
    jobs.submit(new)
    claim = jobs.claim(job_id, claim_id="c")
    assert isinstance(claim, Claim)
    jobs.succeed(claim, "{}")
    return job_id
