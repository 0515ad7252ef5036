"""The periodic work: lost jobs come back, unsent wake-ups go out, orphans are deleted."""

from collections.abc import Callable

import pytest

from models.catalogue import load_catalogue
from vram.ledger import Device, Resident
from vram.memory_ledger import MemoryLedger
from workers.blobs import MemoryBlobs
from workers.contract import JobState
from workers.dispatch import MemoryJobQueue
from workers.errors import JobUnreadable, StoreUnavailable
from workers.jobs import Claim, Job
from workers.maintenance import Maintenance
from workers.memory_jobs import MemoryJobs
from workers.router import JobRouter
from workers.settings import Settings


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def queue() -> MemoryJobQueue:
    return MemoryJobQueue()


@pytest.fixture
def maintenance(
    jobs: MemoryJobs, blobs: MemoryBlobs, queue: MemoryJobQueue, ledger: MemoryLedger
) -> Maintenance:
    return Maintenance(
        jobs=jobs,
        blobs=blobs,
        queue=queue,
        router=JobRouter(ledger, load_catalogue()),
        orphan_seconds=900,
    )


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


def test_a_waiting_job_moves_when_a_device_comes_and_back_when_it_goes(
    maintenance: Maintenance,
    jobs: MemoryJobs,
    queue: MemoryJobQueue,
    ledger: MemoryLedger,
    submit: Callable[[str], str],
) -> None:
    incarnation = ledger.next_incarnation()
    ledger.register(
        Device(
            id="d",
            kind="simulated",
            name="simulated device",
            total_bytes=100,
            reserved_bytes=0,
            incarnation=incarnation,
            host="h",
        )
    )
    for spec in load_catalogue().models:
        ledger.admit("d", incarnation, Resident(model=spec, vram_bytes=1, basis="weights_file"))
    jobs.expedite(submit("job_1"))

    maintenance.dispatch()

    assert queue.take() == ("job_1", "gpu.interactive")
    assert jobs.get("job_1").route.device == "d"
    ledger.withdraw("d", incarnation)
    jobs.expedite("job_1")
    maintenance.dispatch()
    assert queue.take() == ("job_1", "cpu.interactive")
    assert jobs.get("job_1").route.reason == "no_gpu_device"


def test_a_broker_that_is_away_leaves_the_jobs_due_later(
    jobs: MemoryJobs,
    blobs: MemoryBlobs,
    ledger: MemoryLedger,
    submit: Callable[[str], str],
    now: list[float],
) -> None:
    class AwayQueue:
        def publish(self, job_id: str, queue: str) -> None:
            raise StoreUnavailable(f"{job_id} {queue}")

    maintenance = Maintenance(
        jobs=jobs,
        blobs=blobs,
        queue=AwayQueue(),
        router=JobRouter(ledger, load_catalogue()),
        orphan_seconds=900,
    )
    jobs.expedite(submit("job_1"))

    submit("job_2")
    now[0] += 61

    assert maintenance.dispatch() == 0
    # Due again at once, not after the doubled resend time.
    assert sorted(due.id for due in jobs.due(10)) == ["job_1", "job_2"]


def test_only_old_images_that_nobody_needs_are_swept(
    maintenance: Maintenance,
    jobs: MemoryJobs,
    blobs: MemoryBlobs,
    submit: Callable[[str], str],
    now: list[float],
) -> None:
    queued, running, ended, unknown, fresh = (f"job_{number:032x}" for number in range(5))
    for job_id in (queued, running, ended):
        submit(job_id)
    jobs.claim(running, claim_id="r")
    claim = jobs.claim(ended, claim_id="e")
    assert isinstance(claim, Claim)
    jobs.succeed(claim, "{}")
    blobs.put(unknown, b"x")
    blobs.put("something else", b"x")
    assert maintenance.sweep_blobs() == 0
    now[0] += 901
    blobs.put(fresh, b"x")

    assert maintenance.sweep_blobs() == 2

    assert set(blobs.older_than(-1)) == {queued, running, fresh, "something else"}


def test_a_job_that_can_t_be_read_keeps_its_image_and_stops_no_sweep(
    settings: Settings, blobs: MemoryBlobs, ledger: MemoryLedger, now: list[float]
) -> None:
    unreadable, orphan = (f"job_{number:032x}" for number in range(2))

    class NewerJobs(MemoryJobs):
        def get(self, job_id: str) -> Job:
            if job_id == unreadable:
                raise JobUnreadable(job_id)
            return super().get(job_id)

    maintenance = Maintenance(
        jobs=NewerJobs(settings, clock=lambda: now[0]),
        blobs=blobs,
        queue=MemoryJobQueue(),
        router=JobRouter(ledger, load_catalogue()),
        orphan_seconds=900,
    )
    for key in (unreadable, orphan):
        blobs.put(key, b"x")
    now[0] += 901

    assert maintenance.sweep_blobs() == 1
    assert list(blobs.older_than(-1)) == [unreadable]
