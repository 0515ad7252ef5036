"""A store that hangs holds nobody up for long, and a crowd of requests is no hanging store."""

import asyncio
import io
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import redis
import uuid_utils
from PIL import Image

from tests.integration.gateway_process import Gateway, running_gateway

pytestmark = [pytest.mark.fleet, pytest.mark.redis]

#: Above what the gateway uses of connections to the store, and to the broker.
CROWD = 80
#: Method, path, and a photo to post.
Request = tuple[str, str, bytes | None]
#: Every route answers within this, beyond what a crowd takes of this machine anyway.
LONGEST_SECONDS = 6.0


@pytest.fixture
def gateway(
    real_redis: redis.Redis, pick_port: Callable[[], int], root: Path, tmp_path: Path
) -> Iterator[Gateway]:
    with running_gateway(
        tmp_path,
        root=root,
        port=pick_port(),
        redis_port=real_redis.get_connection_kwargs()["port"],
    ) as gateway:
        yield gateway


@pytest.fixture
def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 120, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


@contextmanager
def stopped(process_id: int) -> Iterator[None]:
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


async def sent_together(gateway: Gateway, requests: Sequence[Request]) -> list[tuple[int, float]]:
    """Status and seconds of each, all sent at once."""

    async def one(method: str, path: str, photo: bytes | None) -> tuple[int, float]:
        files = {"image": photo} if photo else None
        began = time.monotonic()
        answer = await client.request(method, path, files=files)
        return answer.status_code, time.monotonic() - began

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30, limits=limits) as client:
        return list(await asyncio.gather(*[one(*request) for request in requests]))


def test_a_crowd_is_accepted_and_each_job_has_one_wake_up(
    gateway: Gateway, photo: bytes, real_redis: redis.Redis
) -> None:
    posts: list[Request] = [("POST", "/api/v1/face/analyze", photo)] * CROWD

    answers = asyncio.run(sent_together(gateway, posts))

    assert Counter(status for status, _ in answers) == {202: CROWD}
    assert real_redis.llen("fq:cpu.interactive") == CROWD
    names = Counter(client["name"] for client in real_redis.client_list())
    assert names["facesocial-gateway"] <= 32
    assert names["facesocial-gateway-broker"] <= 2 * 16


def test_while_the_store_hangs_every_request_ends_soon_and_the_process_answers(
    gateway: Gateway, photo: bytes, real_redis: redis.Redis
) -> None:
    posts: list[Request] = [("POST", "/api/v1/face/analyze", photo)] * CROWD
    job = f"/api/v1/jobs/job_{uuid_utils.uuid7().hex}"
    others: list[Request] = [("GET", "/health/ready", None), ("GET", job, None)] * 10
    # Readiness is not asked for yet: what was found is told for a second.
    usual = max(seconds for _, seconds in asyncio.run(sent_together(gateway, posts + others[1::2])))
    store_pid = int(real_redis.info("server")["process_id"])

    async def during() -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        asked = asyncio.create_task(sent_together(gateway, posts + others))
        alive = []
        while not asked.done():
            alive += await sent_together(gateway, [("GET", "/health/live", None)])
            await asyncio.sleep(0.1)
        return await asked, alive

    with stopped(store_pid):
        answers, alive = asyncio.run(during())

    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < LONGEST_SECONDS + 2 * usual
    assert {status for status, _ in alive} == {200}
    assert max(seconds for _, seconds in alive) < 3 + usual
    again = asyncio.run(sent_together(gateway, posts[:5]))
    assert [status for status, _ in again] == [202] * 5
