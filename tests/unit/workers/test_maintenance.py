"""The periodic work: lost jobs come back, unsent wake-ups go out, orphans are deleted."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import redis

from models.catalogue import load_catalogue
from vram.errors import LedgerUnavailable
from vram.fleet import DeviceSummary, Fleet
from vram.redis_fleet import RedisFleet
from workers.blobs.store import MemoryBlobs
from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.dispatch import MemoryJobQueue
from workers.errors import StoreUnavailable
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim, NewJob
from workers.maintenance import Maintenance
from workers.settings.process import Settings
from workers.stores import Stores

CARD = DeviceSummary(
    id="box1/cuda:0",
    kind="gpu",
    incarnation=1,
    version=1,
    resident=tuple(load_catalogue().models),
    coming=(),
    free_mib=0,
    evictable_mib={},
    usable_mib=5000,
    pressure=False,
)


@pytest.fixture
def maintenance(stores: Stores) -> Maintenance:
    return Maintenance(stores, orphan_seconds=900)


def test_a_wake_up_that_got_lost_is_sent_again(
    maintenance: Maintenance,
    queue: MemoryJobQueue,
    submit: Callable[[str], str],
    now: list[float],
) -> None:
    submit("job_1")
    assert maintenance.dispatch() == 0
    now[0] += 21

    assert maintenance.dispatch() == 1
    assert queue.take() == ("job_1", "cpu.interactive")
    assert maintenance.dispatch() == 0


def test_a_job_that_names_an_unknown_model_does_not_keep_the_others_waiting(
    maintenance: Maintenance,
    jobs: MemoryJobs,
    queue: MemoryJobQueue,
    submit: Callable[[str], str],
    now: list[float],
) -> None:
    # Of a version that had it: the worker that gets the job says so in its answer.
    route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
    options = AnalyzeOptions(recognition_model="of_another_version", analyses=("recognition",))
    jobs.submit(NewJob(id="job_0", options=options, route=route, blob_keys=("job_0",)))
    submit("job_1")
    now[0] += 21

    assert maintenance.dispatch() == 2

    assert {queue.take(), queue.take()} == {
        ("job_0", "cpu.interactive"),
        ("job_1", "cpu.interactive"),
    }


def test_a_silent_worker_s_job_is_sent_to_another(
    maintenance: Maintenance,
    jobs: MemoryJobs,
    queue: MemoryJobQueue,
    submit: Callable[[str], str],
    now: list[float],
) -> None:
    jobs.claim(submit("job_1"), claim_id="silent")
    now[0] += 11

    assert maintenance.dispatch() == 1

    assert queue.take() == ("job_1", "cpu.interactive")
    assert isinstance(jobs.claim("job_1", claim_id="other"), Claim)


def test_a_poisoned_job_s_image_is_deleted(
    maintenance: Maintenance,
    jobs: MemoryJobs,
    blobs: MemoryBlobs,
    submit: Callable[[str], str],
    now: list[float],
    settings: Settings,
) -> None:
    submit("job_1")
    for number in range(settings.job_max_attempts):
        jobs.claim("job_1", claim_id=str(number))
        now[0] += 11

    assert maintenance.dispatch() == 0

    assert jobs.get("job_1").state is JobState.FAILED
    assert list(blobs.older_than(-1)) == []


def test_a_waiting_job_moves_when_a_device_comes_and_at_once_when_it_goes(
    maintenance: Maintenance,
    jobs: MemoryJobs,
    queue: MemoryJobQueue,
    fleet: Fleet,
    submit: Callable[[str], str],
) -> None:
    fleet.publish(CARD, live_seconds=60)
    jobs.expedite(submit("job_1"))

    maintenance.dispatch()

    assert queue.take() == ("job_1", "gpu.box1/cuda:0.interactive")
    assert jobs.get("job_1").route.device == "box1/cuda:0"
    assert maintenance.dispatch() == 0
    fleet.withdraw(CARD.id, CARD.incarnation)
    assert maintenance.dispatch() == 1
    assert queue.take() == ("job_1", "cpu.interactive")
    assert jobs.get("job_1").route.reason == "no_gpu_device"
    assert maintenance.dispatch() == 0


def test_while_devices_are_unknown_jobs_stay_where_they_wait(
    stores: Stores,
    jobs: MemoryJobs,
    fleet: Fleet,
    text_redis: redis.Redis,
    submit: Callable[[str], str],
) -> None:
    class AwayFleet(RedisFleet):
        def live(self, device_ids: Sequence[str]) -> frozenset[str]:
            raise LedgerUnavailable(str(device_ids))

    fleet.publish(CARD, live_seconds=60)
    away = replace(stores, fleet=AwayFleet(text_redis))
    maintenance = Maintenance(away, orphan_seconds=900)
    jobs.expedite(submit("job_1"))
    maintenance.dispatch()
    fleet.withdraw(CARD.id, CARD.incarnation)

    assert maintenance.dispatch() == 0

    assert jobs.get("job_1").route.device == CARD.id


def test_a_broker_that_is_away_leaves_the_jobs_due_later(
    stores: Stores, jobs: MemoryJobs, submit: Callable[[str], str], now: list[float]
) -> None:
    class AwayQueue:
        def publish(self, job_id: str, queue: str) -> None:
            raise StoreUnavailable(f"{job_id} {queue}")

    maintenance = Maintenance(replace(stores, queue=AwayQueue()), orphan_seconds=900)
    jobs.expedite(submit("job_1"))

    submit("job_2")
    now[0] += 61

    assert maintenance.dispatch() == 0
    # Due again at once, not after the doubled resend time.
    assert sorted(due.id for due in jobs.due(10)) == ["job_1", "job_2"]
