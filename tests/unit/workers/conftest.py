"""Jobs and images in memory, with a clock."""

from collections.abc import Callable, Iterator

import fakeredis
import pytest
import redis

from models.catalogue import load_catalogue
from vram.fleet import Fleet
from vram.redis_fleet import RedisFleet
from workers.batches.redis_chunks import RedisChunks
from workers.batches.redis_store import RedisBatches
from workers.blobs.store import MemoryBlobs
from workers.chunks.feed import ChunkFeeder
from workers.contract import AnalyzeOptions, JobRoute
from workers.dispatch import MemoryJobQueue
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import NewJob
from workers.router import JobRouter
from workers.settings.process import Settings
from workers.stores import Stores


@pytest.fixture
def settings() -> Settings:
    return Settings(job_lease_seconds=10, job_resend_seconds=20, job_max_attempts=2)


@pytest.fixture
def now() -> list[float]:
    """The clock of `jobs` and `blobs`, in seconds; tests turn it."""
    return [1_000_000.0]


@pytest.fixture
def jobs(settings: Settings, now: list[float]) -> MemoryJobs:
    return MemoryJobs(settings, clock=lambda: now[0])


@pytest.fixture
def blobs(now: list[float]) -> MemoryBlobs:
    return MemoryBlobs(clock=lambda: now[0])


@pytest.fixture
def submit(jobs: MemoryJobs, blobs: MemoryBlobs) -> Callable[[str], str]:
    def _submit(job_id: str = "job_1") -> str:
        blobs.put(job_id, b"image of " + job_id.encode())
        route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
        jobs.submit(NewJob(id=job_id, options=AnalyzeOptions(), route=route, blob_keys=(job_id,)))
        return job_id

    return _submit


@pytest.fixture
def text_redis() -> Iterator[redis.Redis]:
    """Answers are texts, as a worker's own client gives them."""
    server = fakeredis.FakeServer(version=(7, 2))
    with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
        yield client


@pytest.fixture
def fleet(text_redis: redis.Redis) -> Fleet:
    return RedisFleet(text_redis)


@pytest.fixture
def queue() -> MemoryJobQueue:
    return MemoryJobQueue()


@pytest.fixture
def stores(
    jobs: MemoryJobs,
    blobs: MemoryBlobs,
    queue: MemoryJobQueue,
    fleet: Fleet,
    settings: Settings,
    text_redis: redis.Redis,
) -> Stores:
    router = JobRouter(fleet, jobs, load_catalogue(), settings)
    chunks = RedisChunks(text_redis, settings)
    return Stores(
        jobs=jobs,
        batches=RedisBatches(text_redis, settings),
        chunks=chunks,
        blobs=blobs,
        queue=queue,
        fleet=fleet,
        router=router,
        feeder=ChunkFeeder(chunks=chunks, jobs=jobs, queue=queue, router=router, settings=settings),
    )
