"""A gateway whose batches are on an imitation of the server, and a hand that does workers' work."""

import io
import json
from collections.abc import Callable

import pytest
import redis
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from tests.unit.api.batches.forged import honest_tar
from workers.batches.records import ItemEnd
from workers.batches.redis_chunks import RedisChunks
from workers.contract import JobError
from workers.jobs.options import ChunkOptions
from workers.jobs.redis_store import RedisJobs
from workers.settings.process import Settings

FACE = {
    "bbox": {"x": 1, "y": 2, "width": 3, "height": 4},
    "bbox_normalized": {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4},
    "confidence": 0.9,
    "demographics": {"age": {"value": 30.2}, "gender": {"value": "female"}},
}
#: How an item whose photo a worker finds broken ends.
BROKEN = JobError(code="image_unreadable", message="The image is damaged.", retryable=False)


@pytest.fixture
def settings() -> Settings:
    return Settings(
        auth="off",
        max_image_bytes=100_000,
        max_image_pixels=1_000_000,
        archive_max_bytes=2_000_000,
        archive_max_ratio=50,
        batch_max_items=450,
        max_waiting_jobs=1,
        batch_form_files=5,
    )


@pytest.fixture
def tiny() -> Callable[[int], bytes]:
    """A photo of one colour, another one for each number."""

    def _tiny(number: int) -> bytes:
        written = io.BytesIO()
        Image.new("RGB", (16, 12), (number % 256, number // 256, 90)).save(written, "JPEG")
        return written.getvalue()

    return _tiny


@pytest.fixture
def send(client: FlaskClient) -> Callable[..., TestResponse]:
    """Submits an archive or a list."""

    def _send(
        content: bytes, kind: str = "application/x-tar", *, key: str = "", query: str = ""
    ) -> TestResponse:
        headers = {"Idempotency-Key": key} if key else {}
        return client.post(
            f"/api/v1/batch/submit?{query}", data=content, content_type=kind, headers=headers
        )

    return _send


@pytest.fixture
def submitted(
    send: Callable[..., TestResponse], tiny: Callable[[int], bytes]
) -> Callable[..., str]:
    """Submits some photos; the batch's id."""

    def _submitted(count: int, query: str = "") -> str:
        files = {f"{number}.jpg": tiny(number) for number in range(count)}
        batch_id: str = send(honest_tar(files), query=query).get_json()["id"]
        return batch_id

    return _submitted


@pytest.fixture
def work(settings: Settings, fake_redis: redis.Redis) -> Callable[..., None]:
    """Ends all items that wait, as workers do; those of the given numbers as failed."""

    def _work(*failed: int, faces: int = 1, result: str | None = None) -> None:
        jobs, chunks = RedisJobs(fake_redis, settings), RedisChunks(fake_redis, settings)
        result = result or json.dumps({"faces": [FACE] * faces})
        for queue in jobs.waiting_queues():
            for due in jobs.waiting_in(queue, 100):
                claim = jobs.claim(due.id, claim_id=due.id)
                assert not isinstance(claim, str)
                assert isinstance(claim.job.options, ChunkOptions)
                numbers = chunks.begin(claim, claim.job.options.items, step=due.id)
                ends = [
                    ItemEnd(number=number, error=BROKEN)
                    if number in failed
                    else ItemEnd(number=number, result_json=result)
                    for number in numbers
                ]
                chunks.end_items(claim, ends, busy_ms=10)
                jobs.succeed(claim, "{}")

    return _work
