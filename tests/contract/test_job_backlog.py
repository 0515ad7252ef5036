"""Every job store keeps the same promises: what waits where, and what is given back."""

from collections.abc import Callable, Sequence

import pytest

from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import LeaseLost
from workers.jobs.store import Claim, ClaimLimits, JobStore
from workers.settings.process import Settings

INTERACTIVE = "gpu.box1/cuda:0.interactive"
BULK = "gpu.box1/cuda:0.bulk"
EIGHT = ClaimLimits(jobs=8, pixels=1_000_000)
#: All analyses of one batch key, whatever the number of faces.
RECOGNITION = AnalyzeOptions(analyses=("recognition",))

#: Submits a job by its id.
Put = Callable[..., str]


def _ids(claims: Sequence[Claim]) -> list[str]:
    return [claim.job.id for claim in claims]


def test_the_backlog_counts_what_waits_in_each_queue(
    jobs: JobStore, put: Put, take: Callable[..., Sequence[Claim]]
) -> None:
    for number in range(3):
        put(f"bulk {number}", queue=BULK)
    put("live")
    put("other", AnalyzeOptions(analyses=("deepfake",)))
    assert jobs.waiting_queues() == {BULK: 3, INTERACTIVE: 2}

    take("live")

    assert jobs.backlog([INTERACTIVE, BULK, "cpu.bulk"]) == {
        INTERACTIVE: 1,
        BULK: 3,
        "cpu.bulk": 0,
    }
    take("other")
    assert jobs.waiting_queues() == {BULK: 3}
    assert [due.id for due in jobs.waiting_in(BULK, 2)] == ["bulk 0", "bulk 1"]
    assert jobs.waiting_in(INTERACTIVE, 2) == ()
    assert jobs.waiting() == 3


def test_a_rerouted_job_waits_in_its_new_queue_as_long_as_it_has_waited(
    jobs: JobStore, put: Put, advance: Callable[[float], None]
) -> None:
    put("moved")
    advance(40)
    put("there before", queue="cpu.bulk")
    route = JobRoute(
        queue="cpu.bulk", reason="device_gone", message="The device is gone.", expected_ms=1200
    )

    assert jobs.reroute("moved", route)

    assert jobs.backlog([INTERACTIVE, "cpu.bulk"]) == {INTERACTIVE: 0, "cpu.bulk": 2}
    assert jobs.get("moved").route == route
    assert [due.id for due in jobs.waiting_in("cpu.bulk", 5)] == ["moved", "there before"]
    claims = jobs.claim_oldest("cpu.bulk", claim_id="c", limits=EIGHT, waited_seconds=30)
    assert _ids(claims) == ["moved", "there before"]


def test_a_job_that_is_given_back_is_queued_again_and_its_attempt_does_not_count(
    jobs: JobStore,
    put: Put,
    take: Callable[..., Sequence[Claim]],
    job_settings: Settings,
) -> None:
    put("job")
    for number in range(job_settings.job_max_attempts + 2):
        [claim] = take("job", f"stopped {number}")
        jobs.give_back(claim)
        jobs.give_back(claim)
        assert jobs.get("job").state is JobState.QUEUED
        assert jobs.get("job").attempt == 0
        assert [due.id for due in jobs.due(10)] == ["job"]
        with pytest.raises(LeaseLost):
            jobs.succeed(claim, "{}")

    [last] = take("job", "last")
    jobs.succeed(last, "{}")
    with pytest.raises(LeaseLost):
        jobs.give_back(last)
    assert jobs.get("job").state is JobState.SUCCEEDED


def test_only_the_holder_gives_a_job_back(
    jobs: JobStore,
    put: Put,
    advance: Callable[[float], None],
    take: Callable[..., Sequence[Claim]],
) -> None:
    put("job")
    [zombie] = take("job", "zombie")
    advance(11)
    take("job", "second")

    with pytest.raises(LeaseLost):
        jobs.give_back(zombie)

    assert jobs.get("job").state is JobState.RUNNING
