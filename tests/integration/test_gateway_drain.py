"""A gateway that is told to leave or to reload does so without losing or refusing anything."""

import io
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis
from PIL import Image

from api.redis_traffic import RedisTraffic
from tests.integration.gateway_process import Gateway, running_gateway, within

pytestmark = [pytest.mark.fleet, pytest.mark.redis]


#: How long a gateway serves on after it was told to leave.
DRAIN_SECONDS = 5
#: How long a client waits for its job.
WAIT_SECONDS = 25


@pytest.fixture
def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 120, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def gateway(
    real_redis: redis.Redis, pick_port: Callable[[], int], root: Path, tmp_path: Path
) -> Iterator[Gateway]:
    """A gateway that serves on for a while after it was told to leave."""
    with running_gateway(
        tmp_path,
        root=root,
        port=pick_port(),
        redis_port=real_redis.get_connection_kwargs()["port"],
        drain_seconds=DRAIN_SECONDS,
    ) as gateway:
        yield gateway


def test_a_gateway_that_leaves_says_so_serves_on_and_sends_waiters_away(
    gateway: Gateway, photo: bytes, real_redis: redis.Redis
) -> None:
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        job = client.post("/api/v1/face/analyze", files={"image": photo}).json()["id"]
        answers: list[tuple[float, httpx.Response]] = []
        waiter = threading.Thread(target=_wait_for, args=(gateway, job, answers))
        waiter.start()
        time.sleep(0.3)
        told_at = time.monotonic()

        gateway.process.send_signal(signal.SIGTERM)

        assert within(DRAIN_SECONDS, lambda: client.get("/health/ready").status_code == 503)
        assert client.get("/health/live").is_success
        late = client.post("/api/v1/face/analyze", files={"image": photo})
        assert late.status_code == 202
        assert late.headers["Connection"] == "close"
        assert not answers, "who waits is not sent away before others can take over"
        waiter.join(timeout=WAIT_SECONDS)
        [(answered_at, answer)] = answers
        assert (answer.status_code, answer.json()["state"]) == (200, "queued")
        assert DRAIN_SECONDS - 0.5 < answered_at - told_at < WAIT_SECONDS - 5
        assert gateway.process.wait(timeout=WAIT_SECONDS) == 0
    # Also who was answered last is counted.
    assert RedisTraffic(real_redis).read()["requests GET /api/v1/jobs/<job_id> 200"] == 1


def test_reloading_under_load_refuses_nothing_and_loses_no_accepted_job(
    gateway: Gateway, photo: bytes, real_redis: redis.Redis
) -> None:
    accepted: list[str] = []
    failures: list[object] = []
    over = threading.Event()
    submitters = [
        threading.Thread(target=_submit_until, args=(over, gateway, photo, accepted, failures))
        for _ in range(3)
    ]
    for submitter in submitters:
        submitter.start()
    assert within(60, lambda: len(accepted) > 10)

    gateway.process.send_signal(signal.SIGHUP)

    assert within(60, lambda: gateway.log.read_text().count("Worker exiting") == 1)
    before = len(accepted)
    assert within(60, lambda: len(accepted) > before + 10)
    over.set()
    for submitter in submitters:
        submitter.join(timeout=30)
    assert failures == []
    assert len(accepted) == len(set(accepted))
    with httpx.Client(base_url=gateway.url, timeout=10) as client:
        known = [client.get(f"/api/v1/jobs/{job}").status_code for job in accepted]
    assert set(known) == {200}
    assert real_redis.llen("fq:cpu.interactive") == len(accepted)


def _wait_for(gateway: Gateway, job: str, answers: list[tuple[float, httpx.Response]]) -> None:
    answer = httpx.get(f"{gateway.url}/api/v1/jobs/{job}?wait={WAIT_SECONDS}", timeout=60)
    answers.append((time.monotonic(), answer))


def _submit_until(
    over: threading.Event,
    gateway: Gateway,
    photo: bytes,
    accepted: list[str],
    failures: list[object],
) -> None:
    """Submit on connections of its own, as clients without a pool do."""
    while not over.is_set():
        try:
            answer = httpx.post(
                f"{gateway.url}/api/v1/face/analyze", files={"image": photo}, timeout=30
            )
        except httpx.TransportError as error:
            failures.append(error)
            continue
        if answer.status_code == 202:
            accepted.append(answer.json()["id"])
        else:
            failures.append((answer.status_code, answer.text))
        time.sleep(0.02)
