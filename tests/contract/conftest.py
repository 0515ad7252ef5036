"""The job stores that pass one suite: in memory, on the imitation and on a real server."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import fakeredis
import pytest
import redis
from pydantic import SecretStr

from tests.job_clock import let_pass
from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobRoute
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import Claim, ClaimLimits, JobStore, NewJob
from workers.settings.process import Settings

#: Of every store here.
SETTINGS = Settings(job_lease_seconds=10, job_resend_seconds=20, job_max_attempts=2)
EIGHT = ClaimLimits(jobs=8, pixels=1_000_000)
RECOGNITION = AnalyzeOptions(analyses=("recognition",))
ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")


class Advance(Protocol):
    def __call__(self, seconds: float) -> None: ...


@dataclasses.dataclass(kw_only=True)
class StoreUnderTest:
    jobs: JobStore
    #: Lets time pass: turns the clock in memory, moves the stored times back on a server.
    advance: Advance


def _on_server(client: redis.Redis) -> StoreUnderTest:
    return StoreUnderTest(
        jobs=RedisJobs(client, SETTINGS), advance=lambda seconds: let_pass(client, seconds)
    )


@pytest.fixture(params=["memory", "fake", pytest.param("real", marks=pytest.mark.redis)])
def store(request: pytest.FixtureRequest) -> Iterator[StoreUnderTest]:
    if request.param == "memory":
        now = [time.time()]

        def advance(seconds: float) -> None:
            now[0] += seconds

        yield StoreUnderTest(jobs=MemoryJobs(SETTINGS, clock=lambda: now[0]), advance=advance)
    elif request.param == "fake":
        server = fakeredis.FakeServer(version=(7, 2))
        with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
            yield _on_server(client)
    else:
        port = request.getfixturevalue("valkey_port")
        settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
        with connect(settings, role="test") as client:
            client.flushall()
            yield _on_server(client)


@pytest.fixture
def jobs(store: StoreUnderTest) -> JobStore:
    return store.jobs


@pytest.fixture
def submit(jobs: JobStore) -> Callable[[str], str]:
    def _submit(job_id: str = "job_1") -> str:
        jobs.submit(
            NewJob(
                id=job_id,
                options=AnalyzeOptions(max_faces=7),
                route=ROUTE,
                blob_keys=(f"blob-of-{job_id}",),
            )
        )
        return job_id

    return _submit


@pytest.fixture
def advance(store: StoreUnderTest) -> Advance:
    """Lets time pass for the store."""
    return store.advance


@pytest.fixture
def claimed(jobs: JobStore) -> Callable[..., Claim]:
    """Claims a job and insists on getting it."""

    def _claimed(job_id: str, claim_id: str = "c1") -> Claim:
        claim = jobs.claim(job_id, claim_id=claim_id)
        assert isinstance(claim, Claim)
        return claim

    return _claimed


@pytest.fixture
def job_settings() -> Settings:
    """What the stores under test were built with."""
    return SETTINGS


@pytest.fixture
def put(jobs: JobStore) -> Callable[..., str]:
    """Submits a job by its id."""

    def _put(
        job_id: str,
        options: AnalyzeOptions = RECOGNITION,
        *,
        queue: str = "gpu.box1/cuda:0.interactive",
        pixels: int = 10,
    ) -> str:
        route = JobRoute(queue=queue, reason="access_existing", device="box1/cuda:0")
        jobs.submit(
            NewJob(id=job_id, options=options, route=route, blob_keys=(job_id,), pixels=pixels)
        )
        return job_id

    return _put


@pytest.fixture
def take(jobs: JobStore) -> Callable[..., Sequence[Claim]]:
    """Claims a batch and insists on getting it."""

    def _take(job_id: str, claim_id: str = "c", limits: ClaimLimits = EIGHT) -> Sequence[Claim]:
        claims = jobs.claim_batch(job_id, claim_id=claim_id, limits=limits)
        assert not isinstance(claims, str)
        return claims

    return _take
