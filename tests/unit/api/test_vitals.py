"""However many ask how the fleet does, the store is looked at once a second."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.services import Services
from api.vitals import Vitals
from vram.fleet import DeviceSummary
from workers.contract import AnalyzeOptions, JobRoute, queue_of
from workers.errors import StoreRefused, StoreUnavailable
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import NewJob
from workers.settings.process import Settings


class CountingJobs(MemoryJobs):
    """Counts how often it is asked, and is away when told so."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.looks = 0
        self.is_away = False
        self.is_full = False

    def require_writes(self) -> None:
        if self.is_full:
            raise StoreRefused("full")

    def waiting_queues(self) -> Mapping[str, int]:
        self.looks += 1
        if self.is_away:
            raise StoreUnavailable("gone")
        return super().waiting_queues()


@pytest.fixture
def jobs(settings: Settings) -> CountingJobs:
    return CountingJobs(settings)


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def vitals(jobs: CountingJobs, parts: Services, now: list[float]) -> Vitals:
    return Vitals(jobs, parts.fleet, require_writes=jobs.require_writes, clock=lambda: now[0])


def test_what_was_found_is_told_for_a_second(
    vitals: Vitals, jobs: CountingJobs, now: list[float]
) -> None:
    for _ in range(10):
        vitals.pulse()
    assert jobs.looks == 1

    now[0] += 1.0

    vitals.pulse()
    assert jobs.looks == 2


def test_that_the_store_is_away_is_told_for_a_second_too(
    vitals: Vitals, jobs: CountingJobs, now: list[float]
) -> None:
    jobs.is_away = True
    for _ in range(10):
        with pytest.raises(StoreUnavailable):
            vitals.pulse()
    assert jobs.looks == 1
    jobs.is_away = False

    now[0] += 1.0

    assert vitals.pulse().live_devices == 0


def test_jobs_are_counted_by_lane_wherever_they_wait(vitals: Vitals, jobs: CountingJobs) -> None:
    routes = [(None, "interactive"), ("box/cuda:0", "interactive"), ("box/cuda:0", "bulk")]
    for number, (device, lane) in enumerate(routes):
        queue = queue_of("bulk" if lane == "bulk" else "interactive", device=device)
        route = JobRoute(queue=queue, reason="test", device=device)
        job_id = f"job_{number:032x}"
        jobs.submit(NewJob(id=job_id, options=AnalyzeOptions(), route=route, blob_keys=(job_id,)))

    assert dict(vitals.pulse().waiting) == {"interactive": 2, "bulk": 1}


def test_the_status_tells_the_process_and_the_fleet(
    client: FlaskClient, parts: Services, summary: DeviceSummary
) -> None:
    parts.fleet.publish(summary, live_seconds=60)

    body = client.get("/api/v1/system/status").get_json()

    assert (body["status"], body["live_devices"], body["cpu_processes"]) == ("ok", 1, 0)
    assert body["waiting_jobs"] == {"interactive": 0, "bulk": 0}
    assert body["uptime_seconds"] >= 0


def test_a_process_that_leaves_is_not_ready_and_says_so(
    client: FlaskClient, parts: Services
) -> None:
    parts.drain.announce()

    for path in ("/health", "/health/ready", "/api/v1/system/health"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "draining")
    assert client.get("/health/live").status_code == 200
    assert client.get("/api/v1/system/status").get_json()["status"] == "draining"


def test_without_the_store_the_process_lives_and_is_not_ready(
    parts: Services, jobs: CountingJobs, vitals: Vitals
) -> None:
    jobs.is_away = True
    client = create_app(replace(parts, vitals=vitals)).test_client()

    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "store_unavailable")


def test_a_store_that_can_only_be_read_is_not_ready(
    parts: Services, jobs: CountingJobs, vitals: Vitals
) -> None:
    jobs.is_full = True
    client = create_app(replace(parts, vitals=vitals)).test_client()

    for path in ("/health/ready", "/api/v1/system/status"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "store_unavailable")
