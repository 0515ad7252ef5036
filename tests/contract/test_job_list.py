"""Every job store keeps the same promises: an owner's jobs, listed in parts, and deleted."""

from collections.abc import Callable, Sequence

import pytest
import redis

from tests.job_clock import let_pass
from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import JobExpired, JobNotFound, LeaseLost
from workers.jobs.redis_store import LOOKS, RedisJobs
from workers.jobs.scripts import EXPIRING, OWNED_PREFIX
from workers.jobs.store import Claim, JobStore, NewJob, Place
from workers.settings.process import Settings

ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")

Give = Callable[..., str]


@pytest.fixture
def give(jobs: JobStore) -> Give:
    """Submits a job of an owner's."""

    def _give(
        job_id: str, owner: str = "ann", *, tags: tuple[str, ...] = (), is_listed: bool = True
    ) -> str:
        jobs.submit(
            NewJob(
                id=job_id,
                options=AnalyzeOptions(),
                route=ROUTE,
                blob_keys=(job_id, f"{job_id}.1"),
                owner=owner,
                tags=tags,
                is_listed=is_listed,
            )
        )
        return job_id

    return _give


def all_of(jobs: JobStore, owner: str = "ann", *, limit: int = 2) -> list[str]:
    """Ids of all parts of a list, in order."""
    found: list[str] = []
    after: Place | None = None
    for _ in range(100):
        page = jobs.list(owner, limit=limit, after=after)
        assert len(page.jobs) <= limit
        found += [job.id for job in page.jobs]
        after = page.after
        if after is None:
            return found
    pytest.fail("the list does not end")


def test_a_list_holds_one_owner_s_jobs_the_latest_first(
    jobs: JobStore, give: Give, advance: Callable[[float], None]
) -> None:
    for number in range(5):
        give(f"job_{number}")
        advance(1)
    give("job_strange", owner="bob")
    give("job_chunk", is_listed=False)

    assert all_of(jobs) == ["job_4", "job_3", "job_2", "job_1", "job_0"]
    assert all_of(jobs, "bob") == ["job_strange"]
    assert all_of(jobs, "nobody") == []


def test_jobs_of_one_moment_are_told_once_each(jobs: JobStore, give: Give) -> None:
    given = {give(f"job_{number:03}") for number in range(60)}

    found = all_of(jobs, limit=7)

    assert len(found) == 60
    assert set(found) == given


def test_a_list_goes_on_after_a_job_that_is_gone(
    jobs: JobStore, give: Give, advance: Callable[[float], None]
) -> None:
    for number in range(4):
        give(f"job_{number}")
        advance(1)
    page = jobs.list("ann", limit=2)
    assert page.after is not None

    for job in page.jobs:
        jobs.delete(job.id)
    give("job_new")

    rest = jobs.list("ann", limit=2, after=page.after)
    assert [job.id for job in rest.jobs] == ["job_1", "job_0"]


def test_a_list_leaves_results_out_and_tells_all_else(
    jobs: JobStore, give: Give, claimed: Callable[..., Claim]
) -> None:
    jobs.succeed(claimed(give("job_1", tags=("a", "b"))), '{"faces": []}')

    [listed] = jobs.list("ann", limit=10).jobs

    whole = jobs.get("job_1")
    assert whole.result_json == '{"faces": []}'
    assert listed.result_json is None
    assert (listed.id, listed.state, listed.tags) == ("job_1", JobState.SUCCEEDED, ("a", "b"))
    assert listed.expires_ms == whole.expires_ms


def test_a_list_is_filtered_by_state_and_tag(
    jobs: JobStore, give: Give, claimed: Callable[..., Claim]
) -> None:
    give("job_1", tags=("holiday",))
    give("job_2", tags=("holiday", "sea"))
    give("job_3", tags=("holidays",))
    jobs.succeed(claimed("job_2"), "{}")
    claimed("job_3")

    def ids(**asked: str) -> Sequence[str]:
        state = JobState(asked["state"]) if "state" in asked else None
        page = jobs.list("ann", limit=10, state=state, tag=asked.get("tag"))
        return sorted(job.id for job in page.jobs)

    assert ids(tag="holiday") == ["job_1", "job_2"]
    assert ids(tag="sea", state="succeeded") == ["job_2"]
    assert ids(tag="sea", state="queued") == []
    assert ids(state="running") == ["job_3"]
    assert ids() == ["job_1", "job_2", "job_3"]


def test_an_expired_job_is_told_as_such_and_in_no_list(
    jobs: JobStore,
    give: Give,
    claimed: Callable[..., Claim],
    advance: Callable[[float], None],
    job_settings: Settings,
) -> None:
    jobs.succeed(claimed(give("job_1")), "{}")
    give("job_2")

    advance(job_settings.result_ttl_seconds + 1)

    with pytest.raises(JobExpired) as told:
        jobs.get("job_1")
    assert told.value.owner == "ann"
    assert all_of(jobs) == ["job_2"]
    advance(job_settings.expired_jobs_known_seconds)
    with pytest.raises(JobNotFound) as forgotten:
        jobs.get("job_1")
    assert type(forgotten.value) is JobNotFound


def test_a_job_with_a_time_of_its_own_expires_then(
    jobs: JobStore, claimed: Callable[..., Claim], advance: Callable[[float], None]
) -> None:
    new = NewJob(
        id="frame",
        options=AnalyzeOptions(),
        route=ROUTE,
        blob_keys=("frame",),
        is_listed=False,
        ttl_seconds=30,
    )
    assert jobs.submit(new, durable=False).durability == "memory"
    jobs.succeed(claimed("frame"), "{}")

    advance(29)
    assert jobs.get("frame").result_json == "{}"
    advance(2)
    with pytest.raises(JobNotFound) as told:
        jobs.get("frame")
    # Frames come many a second: nothing of them is kept.
    assert type(told.value) is JobNotFound


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_a_deleted_job_is_gone_from_everywhere(
    jobs: JobStore,
    give: Give,
    claimed: Callable[..., Claim],
    advance: Callable[[float], None],
    state: str,
) -> None:
    give("job_1")
    claim = claimed("job_1") if state != "queued" else None
    if claim and state == "succeeded":
        jobs.succeed(claim, "{}")

    assert jobs.delete("job_1").blob_keys == ("job_1", "job_1.1")

    with pytest.raises(JobExpired) as told:
        jobs.get("job_1")
    assert told.value.owner == "ann"
    with pytest.raises(JobExpired):
        jobs.delete("job_1")
    assert all_of(jobs) == []
    assert jobs.waiting() == 0
    assert jobs.waiting_queues() == {}
    assert jobs.claim("job_1", claim_id="late") == "missing"
    if claim:
        assert list(jobs.renew_many([claim])) == ["lost"]
        with pytest.raises(LeaseLost):
            jobs.succeed(claim, "{}")
    advance(3600)
    assert jobs.reap(10) == ()
    assert jobs.due(10) == ()


def test_an_unknown_job_is_not_deleted(jobs: JobStore) -> None:
    with pytest.raises(JobNotFound) as told:
        jobs.delete("job_x")
    assert type(told.value) is JobNotFound


def test_what_has_expired_leaves_the_lists_of_all_owners_by_and_by(
    fake_redis: redis.Redis, job_settings: Settings
) -> None:
    # Nobody reads these lists: later submissions, anybody's, clear them.
    fake_redis.connection_pool.connection_kwargs["decode_responses"] = True
    jobs = RedisJobs(fake_redis, job_settings)
    for number in range(40):
        _submit(jobs, f"job_{number}", owner=f"user_{number % 4}")
        jobs.cancel(f"job_{number}")
    let_pass(fake_redis, job_settings.result_ttl_seconds + 1)
    assert fake_redis.zcard(EXPIRING) == 40

    for number in range(3):
        _submit(jobs, f"new_{number}", owner="somebody")

    assert fake_redis.zcard(EXPIRING) == 0
    assert fake_redis.keys(OWNED_PREFIX + "*") == [OWNED_PREFIX + "somebody"]


def test_a_list_looks_at_a_bounded_number_of_jobs(
    fake_redis: redis.Redis, job_settings: Settings
) -> None:
    fake_redis.connection_pool.connection_kwargs["decode_responses"] = True
    jobs = RedisJobs(fake_redis, job_settings)
    _submit(jobs, "job_1", owner="ann")
    index = OWNED_PREFIX + "ann"
    fake_redis.zadd(index, {f"gone_{number}": 1000 + number for number in range(LOOKS + 100)})

    found: list[str] = []
    pages, after = 0, None
    while pages == 0 or after is not None:
        page = jobs.list("ann", limit=10, after=after)
        found += [job.id for job in page.jobs]
        pages, after = pages + 1, page.after

    assert (pages, found) == (2, ["job_1"])
    assert fake_redis.zcard(index) == 1


def _submit(jobs: JobStore, job_id: str, *, owner: str) -> None:
    new = NewJob(id=job_id, options=AnalyzeOptions(), route=ROUTE, blob_keys=(job_id,), owner=owner)
    jobs.submit(new, durable=False)
