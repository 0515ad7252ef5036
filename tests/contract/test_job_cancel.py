"""Every job store keeps the same promises: jobs whose end is asked for."""

from collections.abc import Callable

import pytest

from workers.contract import JobState
from workers.errors import LeaseLost
from workers.jobs.store import Claim, ClaimLimits, JobStore

QUEUE = "cpu.interactive"


def test_a_waiting_job_ends_at_once_when_it_is_cancelled(
    jobs: JobStore, submit: Callable[[str], str], advance: Callable[[float], None]
) -> None:
    submit("job_1")
    submit("job_2")

    assert jobs.cancel("job_1") == "cancelled"
    assert jobs.cancel("job_1") == "cancelled"

    job = jobs.get("job_1")
    assert job.state is JobState.CANCELLED
    assert job.state.is_final
    assert job.finished_ms is not None
    assert (job.result_json, job.error) == (None, None)
    assert jobs.claim("job_1", claim_id="late message") == "finished"
    assert jobs.backlog([QUEUE]) == {QUEUE: 1}
    advance(60)
    assert [due.id for due in jobs.due(10)] == ["job_2"]
    claims = jobs.claim_batch("job_2", claim_id="c", limits=ClaimLimits(jobs=8, pixels=10))
    assert [claim.job.id for claim in claims if isinstance(claim, Claim)] == ["job_2"]


def test_a_running_job_ends_when_its_worker_looks(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    claim = claimed(submit("job_1"))

    assert jobs.cancel("job_1") == "asked"
    assert jobs.cancel("job_1") == "asked"

    job = jobs.get("job_1")
    assert (job.state, job.cancel_asked) == (JobState.RUNNING, True)
    assert job.version == claim.job.version + 1
    jobs.renew(claim)
    assert list(jobs.renew_many([claim])) == ["cancelled"]
    jobs.end_cancelled(claim)
    jobs.end_cancelled(claim)
    assert jobs.get("job_1").state is JobState.CANCELLED
    with pytest.raises(LeaseLost):
        jobs.succeed(claim, "{}")


def test_an_end_that_was_written_first_stands(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    claim = claimed(submit("job_1"))
    jobs.cancel("job_1")

    jobs.succeed(claim, "{}")

    assert jobs.cancel("job_1") == "finished"
    with pytest.raises(LeaseLost):
        jobs.end_cancelled(claim)
    assert jobs.get("job_1").state is JobState.SUCCEEDED


def test_an_unknown_job_can_t_be_cancelled(jobs: JobStore) -> None:
    assert jobs.cancel("job_x") == "missing"


@pytest.mark.parametrize("found_by", ["reaper", "claim", "second cancel", "worker's stop"])
def test_a_cancelled_job_is_not_begun_again(
    jobs: JobStore,
    submit: Callable[[str], str],
    claimed: Callable[..., Claim],
    advance: Callable[[float], None],
    found_by: str,
) -> None:
    claim = claimed(submit("job_1"))
    jobs.cancel("job_1")

    if found_by == "worker's stop":
        jobs.give_back(claim)
    else:
        advance(11)
    if found_by == "reaper":
        assert [(r.id, r.state) for r in jobs.reap(10)] == [("job_1", JobState.CANCELLED)]
    elif found_by == "claim":
        assert jobs.claim("job_1", claim_id="next") == "finished"
    elif found_by == "second cancel":
        assert jobs.cancel("job_1") == "cancelled"

    assert jobs.get("job_1").state is JobState.CANCELLED
    assert jobs.waiting() == 0
    assert jobs.due(10) == ()
