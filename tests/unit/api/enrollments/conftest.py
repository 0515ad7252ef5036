"""A gateway with a collection, and a hand that enrols as workers do."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from tests.unit.api.enrollments.people_archive import LIST
from workers.batches.records import ChunkItem, ItemEnd
from workers.batches.redis_chunks import RedisChunks
from workers.contract import JobError
from workers.jobs.options import ChunkOptions
from workers.jobs.redis_store import RedisJobs
from workers.settings.process import Settings

COLLECTION = "/api/v1/collections/friends"
REFUSED = JobError(code="face_not_found", message="There is no face in the photo.")


@pytest.fixture
def settings() -> Settings:
    return Settings(auth="off", max_waiting_jobs=1, batch_max_items=50)


@pytest.fixture
def tiny() -> Callable[[int], bytes]:
    """A photo of one colour, another one for each number."""

    def _tiny(number: int) -> bytes:
        written = io.BytesIO()
        Image.new("RGB", (16, 12), (number % 256, 0, 90)).save(written, "JPEG")
        return written.getvalue()

    return _tiny


@pytest.fixture
def files(tiny: Callable[[int], bytes]) -> dict[str, bytes]:
    """Photos of two people, with a list that comes last in a ZIP."""
    photos = {name: tiny(number) for number, name in enumerate(("a/1.jpg", "a/2.jpg", "ben.jpg"))}
    return {**photos, "manifest.csv": LIST.encode()}


@pytest.fixture
def collection(client: FlaskClient) -> str:
    """The address of a new collection."""
    made = client.post("/api/v1/collections", json={"id": "friends"})
    assert made.status_code == 201, made.get_json()
    return COLLECTION


@pytest.fixture
def enroll(client: FlaskClient, collection: str) -> Callable[..., TestResponse]:
    """Sends an archive of people."""

    def _enroll(
        content: bytes, kind: str = "application/zip", *, key: str = "", query: str = ""
    ) -> TestResponse:
        headers = {"Idempotency-Key": key} if key else {}
        return client.post(
            f"{collection}/enrollments?{query}", data=content, content_type=kind, headers=headers
        )

    return _enroll


@pytest.fixture
def work(settings: Settings, fake_redis: redis.Redis) -> Callable[..., None]:
    """Ends all items that wait, as workers do; those of the given numbers as refused."""

    def _work(*refused: int) -> None:
        jobs, chunks = RedisJobs(fake_redis, settings), RedisChunks(fake_redis, settings)
        for queue in jobs.waiting_queues():
            for due in jobs.waiting_in(queue, 100):
                claim = jobs.claim(due.id, claim_id=due.id)
                assert not isinstance(claim, str)
                assert isinstance(claim.job.options, ChunkOptions)
                numbers = chunks.begin(claim, claim.job.options.items, step=due.id)
                ends = [_end(number, is_refused=number in refused) for number in numbers]
                chunks.end_items(claim, ends, busy_ms=10)
                jobs.succeed(claim, "{}")

    return _work


@pytest.fixture
def taken(settings: Settings, fake_redis: redis.Redis) -> Callable[[], list[ChunkItem]]:
    """Takes all items that wait, as workers do; what these are told of them."""

    def _taken() -> list[ChunkItem]:
        jobs, chunks = RedisJobs(fake_redis, settings), RedisChunks(fake_redis, settings)
        found: list[ChunkItem] = []
        for queue in jobs.waiting_queues():
            for due in jobs.waiting_in(queue, 100):
                claim = jobs.claim(due.id, claim_id=due.id)
                assert not isinstance(claim, str)
                found += chunks.unfinished(claim)
        return found

    return _taken


def _end(number: int, *, is_refused: bool) -> ItemEnd:
    found: dict[str, Any] = {
        "outcome": "refused" if is_refused else "added",
        "face_id": None if is_refused else f"face_{number:032x}",
        "warnings": [],
        "message": "",
        "quality_score": None if is_refused else 0.9,
        "similar_to": None,
    }
    error = REFUSED if is_refused else None
    return ItemEnd(number=number, result_json=json.dumps(found), error=error)
