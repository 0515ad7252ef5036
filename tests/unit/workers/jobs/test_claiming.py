"""A worker claims whole batches, waits when that pays, and lets bulk have its turn."""

from collections.abc import Callable

import pytest

from workers.batching import BatchPlan
from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import StoreUnavailable
from workers.jobs.claiming import HISTORIES_KEPT, Claimer
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim, ClaimLimits, Job, NewJob
from workers.settings.process import Settings

LIVE, BULK = "gpu.box1/cuda:0.interactive", "gpu.box1/cuda:0.bulk"
PLAN = BatchPlan(
    jobs=4,
    pixels=1_000,
    interactive_wait_seconds=0.005,
    bulk_wait_seconds=0.05,
    interactive_batches=2,
)
Put = Callable[..., str]


@pytest.fixture
def put(jobs: MemoryJobs) -> Put:
    def _put(job_id: str, *, queue: str = LIVE, pixels: int = 10, faces: int = 5) -> str:
        route = JobRoute(queue=queue, reason="access_existing")
        options = AnalyzeOptions(max_faces=faces)
        jobs.submit(
            NewJob(id=job_id, options=options, route=route, blob_keys=(job_id,), pixels=pixels)
        )
        return job_id

    return _put


class Sleeps:
    """Instead of sleeping: notes for how long, lets something happen, turns the clock."""

    def __init__(self, now: list[float], meanwhile: Callable[[], object] = lambda: None) -> None:
        self.seconds: list[float] = []
        self._now = now
        self._meanwhile = meanwhile

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._now[0] += seconds
        self._meanwhile()


def _ids(claims: object) -> list[str]:
    assert isinstance(claims, tuple)
    return [claim.job.id for claim in claims]


def _busy_history(claimer: Claimer, put: Put, now: list[float], *, queue: str) -> None:
    """As if many jobs had come, 10 ms apart, in batches that took a second."""
    for number in range(12):
        claims = claimer.claim(put(f"before {queue} {number}", queue=queue))
        assert not isinstance(claims, str)
        claimer.ran(claims, 1.0)
        now[0] += 0.01


def test_the_first_job_is_never_waited_with(jobs: MemoryJobs, put: Put, now: list[float]) -> None:
    sleeps = Sleeps(now)

    assert _ids(Claimer(jobs, PLAN, sleep=sleeps).claim(put("job"))) == ["job"]
    assert sleeps.seconds == []


def test_a_bulk_batch_is_filled_with_what_comes_while_that_pays(
    jobs: MemoryJobs, put: Put, now: list[float]
) -> None:
    arrivals: list[str] = []

    def meanwhile() -> None:
        while arrivals:
            put(arrivals.pop(0), queue=BULK)

    filling = Sleeps(now, meanwhile)
    claimer = Claimer(jobs, PLAN, sleep=filling)
    _busy_history(claimer, put, now, queue=BULK)
    filling.seconds.clear()
    arrivals += ["late 1", "late 2"]

    assert _ids(claimer.claim(put("named", queue=BULK))) == ["named", "late 1", "late 2"]
    assert len(filling.seconds) == 1
    assert 0 < filling.seconds[0] <= 0.05


def test_interactive_jobs_are_waited_for_a_few_milliseconds_at_most(
    jobs: MemoryJobs, put: Put, now: list[float]
) -> None:
    sleeps = Sleeps(now)
    claimer = Claimer(jobs, PLAN, sleep=sleeps)
    for number in range(12):
        claims = claimer.claim(put(f"before {number}"))
        assert not isinstance(claims, str)
        claimer.ran(claims, 1.0)
        now[0] += 0.001
    sleeps.seconds.clear()

    claimer.claim(put("named"))

    assert all(seconds <= 0.005 for seconds in sleeps.seconds)
    assert sleeps.seconds


def test_a_worker_that_makes_no_batches_waits_for_nobody(
    jobs: MemoryJobs, put: Put, now: list[float]
) -> None:
    sleeps = Sleeps(now)
    claimer = Claimer(jobs, BatchPlan(), sleep=sleeps)

    _busy_history(claimer, put, now, queue=BULK)

    assert sleeps.seconds == []


def test_a_job_that_lost_a_worker_is_waited_with_by_nobody(
    jobs: MemoryJobs, put: Put, now: list[float]
) -> None:
    sleeps = Sleeps(now)
    claimer = Claimer(jobs, PLAN, sleep=sleeps)
    _busy_history(claimer, put, now, queue=BULK)
    claim = jobs.claim(put("suspect", queue=BULK), claim_id="dead worker")
    assert isinstance(claim, Claim)
    jobs.give_back(claim, counted=True)
    sleeps.seconds.clear()

    assert _ids(claimer.claim("suspect")) == ["suspect"]
    assert sleeps.seconds == []


def test_why_there_is_nothing_to_do_is_passed_on(jobs: MemoryJobs) -> None:
    assert Claimer(jobs, PLAN).claim("job_x") == "missing"


def test_bulk_that_has_waited_too_long_follows_every_second_interactive_batch(
    jobs: MemoryJobs, put: Put, now: list[float]
) -> None:
    claimer = Claimer(jobs, PLAN)
    for number in range(6):
        put(f"bulk {number}", queue=BULK)
    now[0] += 31

    turns = [_ids(tuple(claimer.bulk_turn(LIVE))) for _ in range(4)]

    assert turns == [
        [],
        ["bulk 0", "bulk 1", "bulk 2", "bulk 3"],
        [],
        ["bulk 4", "bulk 5"],
    ]


def test_bulk_that_has_not_waited_long_waits_on(jobs: MemoryJobs, put: Put) -> None:
    claimer = Claimer(jobs, PLAN)
    put("bulk", queue=BULK)

    assert [claimer.bulk_turn(LIVE) for _ in range(4)] == [()] * 4
    assert jobs.get("bulk").state is JobState.QUEUED


def test_without_the_store_the_batch_is_run_as_it_is_and_bulk_waits(
    settings: Settings, now: list[float]
) -> None:
    class AwayJobs(MemoryJobs):
        def claim_more(self, like: Job, *, claim_id: str, limits: ClaimLimits) -> tuple[Claim, ...]:
            raise StoreUnavailable(f"{like.id} {claim_id} {limits}")

        def claim_oldest(
            self, queue: str, *, claim_id: str, limits: ClaimLimits, waited_seconds: float
        ) -> tuple[Claim, ...]:
            raise StoreUnavailable(f"{queue} {claim_id} {limits} {waited_seconds}")

    jobs = AwayJobs(settings, clock=lambda: now[0])
    sleeps = Sleeps(now)
    claimer = Claimer(jobs, PLAN, sleep=sleeps)

    def put(job_id: str, *, queue: str) -> str:
        route = JobRoute(queue=queue, reason="access_existing")
        job = NewJob(id=job_id, options=AnalyzeOptions(), route=route, blob_keys=(job_id,))
        return jobs.submit(job).job.id

    _busy_history(claimer, put, now, queue=BULK)
    sleeps.seconds.clear()

    assert _ids(claimer.claim(put("named", queue=BULK))) == ["named"]
    assert len(sleeps.seconds) == 1
    assert [claimer.bulk_turn(LIVE) for _ in range(2)] == [(), ()]


def test_only_so_many_histories_are_kept(jobs: MemoryJobs, put: Put) -> None:
    claimer = Claimer(jobs, PLAN)

    for number in range(HISTORIES_KEPT + 5):
        claimer.claim(put(f"job {number}", queue=f"gpu.box{number}/cuda:0.bulk"))

    assert len(claimer._histories) == HISTORIES_KEPT
