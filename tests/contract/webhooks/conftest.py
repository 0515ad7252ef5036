"""Webhooks on fakeredis and on a real server, with a clock of the test's own."""

from collections.abc import Callable, Iterator

import fakeredis
import pytest
import redis
from pydantic import SecretStr

from api.webhooks.records import Webhook
from api.webhooks.redis_webhooks import RedisWebhooks
from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobError, JobRoute
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import NewJob
from workers.settings.process import Settings


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.redis)])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    if request.param == "fake":
        server = fakeredis.FakeServer(version=(7, 2))
        with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
            yield client
    else:
        port = request.getfixturevalue("valkey_port")
        settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
        with connect(settings, role="test") as client:
            client.flushall()
            yield client


class Clock:
    """Milliseconds; stands still unless moved. Ahead of the server's, whose ends are due."""

    def __init__(self, client: redis.Redis) -> None:
        seconds, _ = client.time()
        self.now_ms = int(seconds) * 1000 + 5000

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


@pytest.fixture
def clock(client: redis.Redis) -> Clock:
    return Clock(client)


@pytest.fixture
def advance(clock: Clock) -> Callable[[float], None]:
    """Lets seconds pass."""
    return clock.advance


@pytest.fixture
def webhooks(client: redis.Redis, clock: Clock) -> RedisWebhooks:
    return RedisWebhooks(client, clock_ms=clock)


@pytest.fixture
def webhook() -> Callable[..., Webhook]:
    """A webhook of "anna" that wants to know of jobs that succeeded."""

    def _webhook(**members: object) -> Webhook:
        given: dict[str, object] = {
            "id": "hook_1",
            "owner": "anna",
            "url": "https://anna.test/hook",
            "events": ("job.succeeded", "job.failed"),
            "description": "",
            "disabled": "",
            "created_ms": 0,
            "secrets": ("sealed",),
            **members,
        }
        return Webhook(**given)  # type: ignore[arg-type]  # overridden by name

    return _webhook


@pytest.fixture
def end_job(client: redis.Redis) -> Callable[..., str]:
    """Submits a job of an owner's and ends it."""
    jobs = RedisJobs(client, Settings())

    def _end_job(
        job_id: str = "job_1", *, owner: str = "anna", failed: bool = False, webhook_url: str = ""
    ) -> str:
        route = JobRoute(queue="cpu.interactive", reason="no_device")
        options = AnalyzeOptions()
        new = NewJob(
            id=job_id,
            options=options,
            route=route,
            blob_keys=("b",),
            owner=owner,
            webhook_url=webhook_url,
        )
        jobs.submit(new)
        claim = jobs.claim(job_id, claim_id=f"claim of {job_id}")
        assert not isinstance(claim, str)
        if failed:
            jobs.fail(claim, JobError(code="inference_failed", message="It failed."))
        else:
            jobs.succeed(claim, "{}")
        return job_id

    return _end_job
