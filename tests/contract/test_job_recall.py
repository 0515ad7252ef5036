"""Every job store keeps the same promises: requests sent again, and requests for the same."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import IdempotencyConflict, JobExpired
from workers.jobs.store import POISONED, Claim, JobStore, NewJob
from workers.settings.process import Settings

ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
NEW = NewJob(
    id="job_1",
    options=AnalyzeOptions(),
    route=ROUTE,
    blob_keys=("job_1",),
    owner="ann",
    fingerprint="f1",
    cache_key="key",
)


def test_what_nobody_knows_is_not_recalled(jobs: JobStore) -> None:
    assert jobs.recall("job_1", fingerprint="f1", cache_key="key") is None
    assert jobs.recall("job_1", fingerprint="") is None


def test_the_same_request_is_answered_with_its_job(jobs: JobStore) -> None:
    woken: list[str] = []
    first = jobs.submit(NEW, on_stored=lambda: woken.append("first"))
    again = jobs.submit(NEW, on_stored=lambda: woken.append("again"))
    recalled = jobs.recall("job_1", fingerprint="f1")

    assert (first.is_new, again.is_new) == (True, False)
    assert recalled is not None
    assert again.job == recalled.job == first.job
    assert (again.is_cached, recalled.is_cached) == (False, False)
    assert woken == ["first"]
    assert jobs.waiting() == 1


def test_another_request_of_the_same_name_is_refused_and_changes_nothing(jobs: JobStore) -> None:
    jobs.submit(NEW)
    before = jobs.get("job_1")

    with pytest.raises(IdempotencyConflict):
        jobs.submit(replace(NEW, fingerprint="f2", blob_keys=("other",)))
    with pytest.raises(IdempotencyConflict):
        jobs.recall("job_1", fingerprint="f2")

    assert jobs.get("job_1") == before


@pytest.mark.parametrize("end", ["deleted", "expired"])
def test_a_request_whose_job_is_gone_is_not_done_again(
    jobs: JobStore,
    claimed: Callable[..., Claim],
    advance: Callable[[float], None],
    job_settings: Settings,
    end: str,
) -> None:
    jobs.submit(NEW)
    if end == "deleted":
        jobs.delete("job_1")
    else:
        jobs.succeed(claimed("job_1"), "{}")
        advance(job_settings.result_ttl_seconds + 1)

    with pytest.raises(JobExpired):
        jobs.submit(NEW)
    with pytest.raises(JobExpired):
        jobs.recall("job_1", fingerprint="f1")
    assert jobs.waiting() == 0


def test_a_result_is_had_from_the_job_that_made_it_for_a_while(
    jobs: JobStore,
    claimed: Callable[..., Claim],
    advance: Callable[[float], None],
    job_settings: Settings,
) -> None:
    jobs.submit(NEW)
    claim = claimed("job_1")
    assert jobs.recall("job_2", fingerprint="", cache_key="key") is None
    jobs.succeed(claim, '{"n": 1}')

    hit = jobs.recall("job_2", fingerprint="", cache_key="key")

    assert hit is not None
    assert (hit.is_cached, hit.is_new, hit.job.id) == (True, False, "job_1")
    assert hit.job.result_json == '{"n": 1}'
    assert jobs.recall("job_2", fingerprint="", cache_key="") is None
    assert jobs.recall("job_2", fingerprint="", cache_key="other") is None
    advance(job_settings.result_cache_seconds + 1)
    assert jobs.recall("job_2", fingerprint="", cache_key="key") is None


@pytest.mark.parametrize("end", ["failed", "cancelled", "deleted"])
def test_only_a_success_that_can_be_read_is_had_again(
    jobs: JobStore, claimed: Callable[..., Claim], end: str
) -> None:
    jobs.submit(NEW)
    if end == "cancelled":
        jobs.cancel("job_1")
    elif end == "failed":
        jobs.fail(claimed("job_1"), POISONED)
    else:
        jobs.succeed(claimed("job_1"), "{}")
        jobs.delete("job_1")

    assert jobs.recall("job_2", fingerprint="", cache_key="key") is None


def test_a_named_request_that_was_answered_from_the_cache_stays_answered_so(
    jobs: JobStore,
    claimed: Callable[..., Claim],
    advance: Callable[[float], None],
    job_settings: Settings,
) -> None:
    jobs.submit(NEW)
    jobs.succeed(claimed("job_1"), "{}")
    assert jobs.recall("job_2", fingerprint="f2", cache_key="key") is not None

    advance(job_settings.result_cache_seconds + 1)

    again = jobs.recall("job_2", fingerprint="f2", cache_key="key")
    submitted = jobs.submit(replace(NEW, id="job_2", fingerprint="f2"))
    assert again is not None
    assert again.job.id == submitted.job.id == "job_1"
    assert not submitted.is_new
    with pytest.raises(IdempotencyConflict):
        jobs.recall("job_2", fingerprint="f3")
    jobs.delete("job_1")
    with pytest.raises(JobExpired):
        jobs.recall("job_2", fingerprint="f2", cache_key="key")


def test_what_is_not_to_be_kept_is_not_found(jobs: JobStore, claimed: Callable[..., Claim]) -> None:
    jobs.submit(replace(NEW, cache_key=""))
    jobs.succeed(claimed("job_1"), "{}")

    assert jobs.get("job_1").state is JobState.SUCCEEDED
    assert jobs.recall("job_2", fingerprint="", cache_key="") is None
