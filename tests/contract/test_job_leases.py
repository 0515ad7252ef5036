"""Every job store keeps the same promises: claims, leases, wake-ups and routes."""

from collections.abc import Callable

import pytest

from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import LeaseLost
from workers.jobs.store import POISONED, Claim, JobStore
from workers.settings.process import Settings

ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")


def test_a_claim_makes_the_job_running_and_counts_the_attempt(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    claim = claimed(submit("job_1"))

    assert claim.job.state is JobState.RUNNING
    assert claim.job.attempt == 1
    assert jobs.get("job_1") == claim.job


def test_a_job_with_a_live_lease_is_busy_for_others(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    claimed(submit("job_1"))

    assert jobs.claim("job_1", claim_id="other") == "busy"
    assert jobs.get("job_1").attempt == 1


def test_repeating_a_claim_gives_the_same_claim(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    first = claimed(submit("job_1"), "same")

    assert claimed("job_1", "same").fence == first.fence
    assert jobs.get("job_1").attempt == 1


def test_claiming_an_unknown_or_ended_job_finds_nothing_to_do(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    jobs.succeed(claimed(submit("job_1")), "{}")

    assert jobs.claim("job_1", claim_id="late") == "finished"
    assert jobs.claim("job_x", claim_id="late") == "missing"


def test_a_lease_that_ended_can_be_claimed_and_the_first_owner_is_fenced_off(
    jobs: JobStore,
    advance: Callable[[float], None],
    submit: Callable[[str], str],
    claimed: Callable[..., Claim],
) -> None:
    zombie = claimed(submit("job_1"), "zombie")
    advance(11)

    second = claimed("job_1", "second")

    assert second.fence > zombie.fence
    with pytest.raises(LeaseLost):
        jobs.renew(zombie)
    with pytest.raises(LeaseLost):
        jobs.succeed(zombie, '{"from": "zombie"}')
    with pytest.raises(LeaseLost):
        jobs.fail(zombie, POISONED)
    jobs.succeed(second, '{"from": "second"}')
    with pytest.raises(LeaseLost):
        jobs.succeed(zombie, '{"from": "zombie"}')
    assert jobs.get("job_1").result_json == '{"from": "second"}'


def test_a_renewed_lease_does_not_end(
    jobs: JobStore,
    advance: Callable[[float], None],
    submit: Callable[[str], str],
    claimed: Callable[..., Claim],
) -> None:
    claim = claimed(submit("job_1"))
    advance(8)

    jobs.renew(claim)
    advance(8)

    assert jobs.claim("job_1", claim_id="other") == "busy"
    assert jobs.reap(10) == ()


def test_a_job_of_a_silent_worker_is_queued_again_and_due_at_once(
    jobs: JobStore,
    advance: Callable[[float], None],
    submit: Callable[[str], str],
    claimed: Callable[..., Claim],
) -> None:
    claimed(submit("job_1"))
    assert jobs.reap(10) == ()
    advance(11)

    reaped = jobs.reap(10)

    assert [(r.id, r.state) for r in reaped] == [("job_1", JobState.QUEUED)]
    assert [due.id for due in jobs.due(10)] == ["job_1"]
    assert jobs.waiting() == 1


@pytest.mark.parametrize("found_by", ["reaper", "claim"])
def test_a_job_without_attempts_left_fails_as_poisoned(
    jobs: JobStore,
    advance: Callable[[float], None],
    submit: Callable[[str], str],
    found_by: str,
    claimed: Callable[..., Claim],
    job_settings: Settings,
) -> None:
    submit("job_1")
    for number in range(job_settings.job_max_attempts):
        claimed("job_1", f"c{number}")
        advance(11)

    if found_by == "reaper":
        assert [(r.blob_keys, r.state) for r in jobs.reap(10)] == [
            (("blob-of-job_1",), JobState.FAILED)
        ]
    else:
        assert jobs.claim("job_1", claim_id="last") == "poisoned"

    job = jobs.get("job_1")
    assert job.state is JobState.FAILED
    assert job.error == POISONED
    assert jobs.waiting() == 0
    assert jobs.claim("job_1", claim_id="later") == "finished"


def test_a_wake_up_falls_due_after_the_resend_time_and_then_twice_as_late(
    jobs: JobStore, advance: Callable[[float], None], submit: Callable[[str], str]
) -> None:
    submit("job_1")
    assert jobs.due(10) == ()
    advance(21)
    due = jobs.due(10)
    assert [(d.id, d.route, d.options) for d in due] == [
        ("job_1", ROUTE, AnalyzeOptions(max_faces=7))
    ]

    assert jobs.due(10) == ()
    advance(21)
    assert jobs.due(10) == ()
    advance(20)
    assert [d.id for d in jobs.due(10)] == ["job_1"]


def test_an_expedited_wake_up_is_due_now(jobs: JobStore, submit: Callable[[str], str]) -> None:
    jobs.expedite(submit("job_1"))
    jobs.expedite("job_x")

    assert [d.id for d in jobs.due(10)] == ["job_1"]


def test_due_and_reap_keep_to_their_limit(
    jobs: JobStore,
    advance: Callable[[float], None],
    submit: Callable[[str], str],
    claimed: Callable[..., Claim],
) -> None:
    for number in range(5):
        submit(f"job_{number}")
    advance(21)
    assert len(jobs.due(2)) == 2
    for number in range(5):
        claimed(f"job_{number}")
    advance(11)

    assert [len(jobs.reap(2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_claimed_job_is_not_due(
    jobs: JobStore,
    advance: Callable[[float], None],
    submit: Callable[[str], str],
    claimed: Callable[..., Claim],
) -> None:
    claimed(submit("job_1"))
    advance(3600)

    assert jobs.due(10) == ()


def test_only_a_queued_job_can_be_rerouted(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    submit("job_1")
    route = JobRoute(queue="gpu.interactive", reason="resident", device="sim:0")

    assert jobs.reroute("job_1", route)
    assert jobs.get("job_1").route == route
    claimed("job_1")
    assert not jobs.reroute("job_1", ROUTE)
    assert not jobs.reroute("job_x", ROUTE)
    assert jobs.get("job_1").route == route
