"""Jobs and images in memory, with a clock."""

from collections.abc import Callable

import pytest

from workers.blobs import MemoryBlobs
from workers.contract import AnalyzeOptions, JobRoute
from workers.jobs import NewJob
from workers.memory_jobs import MemoryJobs
from workers.settings import Settings


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
        jobs.submit(NewJob(id=job_id, options=AnalyzeOptions(), route=route, blob_key=job_id))
        return job_id

    return _submit
