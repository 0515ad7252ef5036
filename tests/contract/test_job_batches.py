"""Every job store keeps the same promises: what one claim takes along, and what it leaves."""

from collections.abc import Callable, Sequence

import pytest

from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import LeaseLost
from workers.jobs.store import Claim, ClaimLimits, JobStore

INTERACTIVE = "gpu.box1/cuda:0.interactive"
BULK = "gpu.box1/cuda:0.bulk"
EIGHT = ClaimLimits(jobs=8, pixels=1_000_000)
#: All analyses of one batch key, whatever the number of faces.
RECOGNITION = AnalyzeOptions(analyses=("recognition",))

#: Submits a job by its id.
Put = Callable[..., str]


def _ids(claims: Sequence[Claim]) -> list[str]:
    return [claim.job.id for claim in claims]


def test_a_claim_takes_waiting_jobs_of_its_batch_along_oldest_first(
    put: Put, advance: Callable[[float], None], take: Callable[..., Sequence[Claim]]
) -> None:
    for name in ("oldest", "older", "named", "newest"):
        put(name)
        advance(1)

    assert _ids(take("named")) == ["named", "oldest", "older", "newest"]


def test_each_job_of_a_batch_is_claimed_for_itself(
    jobs: JobStore, put: Put, take: Callable[..., Sequence[Claim]]
) -> None:
    put("first")
    put("second")

    claims = take("first")

    for claim in claims:
        assert claim.job == jobs.get(claim.job.id)
        assert claim.job.state is JobState.RUNNING
        assert claim.job.attempt == 1
        assert claim.fence == 1
    assert jobs.claim("second", claim_id="its own message") == "busy"
    jobs.succeed(claims[1], "{}")
    assert jobs.claim("second", claim_id="its own message") == "finished"
    assert jobs.get("first").state is JobState.RUNNING


def test_other_queues_and_other_batch_keys_are_left(
    put: Put, take: Callable[..., Sequence[Claim]]
) -> None:
    put("named")
    put("elsewhere", queue=BULK)
    put("otherwise", AnalyzeOptions(analyses=("deepfake",)))
    put("another model", RECOGNITION.model_copy(update={"recognition_model": "sface"}))
    put("with", RECOGNITION.model_copy(update={"max_faces": 3, "return_embeddings": True}))

    assert _ids(take("named")) == ["named", "with"]


def test_a_job_that_has_moved_is_left_to_the_queue_it_waits_in(
    jobs: JobStore, put: Put, take: Callable[..., Sequence[Claim]]
) -> None:
    put("moved")
    queue = jobs.get("moved").route.queue
    jobs.reroute("moved", JobRoute(queue="cpu.interactive", reason="cpu_faster"))

    of_old = jobs.claim_batch("moved", claim_id="a", limits=ClaimLimits(queues=("x", queue)))

    assert of_old == "moved"
    assert jobs.get("moved").state is JobState.QUEUED
    assert _ids(take("moved", "b", ClaimLimits(queues=("x", "cpu.interactive")))) == ["moved"]


def test_a_claim_keeps_to_its_number_and_its_pixels(
    put: Put, advance: Callable[[float], None], take: Callable[..., Sequence[Claim]]
) -> None:
    for number in range(4):
        put(f"small {number}", pixels=10)
    put("huge", queue=BULK, pixels=5_000)
    for number in range(4):
        advance(1)
        put(f"bulk {number}", queue=BULK, pixels=10)

    assert len(take("small 3", "c1", ClaimLimits(jobs=3, pixels=1_000))) == 3
    # The named job is taken however large it is, and then no other.
    assert _ids(take("huge", "c2", ClaimLimits(jobs=8, pixels=1_000))) == ["huge"]
    assert len(take("bulk 0", "c3", ClaimLimits(jobs=8, pixels=25))) == 2


def test_a_large_job_is_not_passed_over_for_younger_ones(
    put: Put, advance: Callable[[float], None], take: Callable[..., Sequence[Claim]]
) -> None:
    for name, pixels in (("fits", 10), ("too large", 500), ("young", 10)):
        put(name, pixels=pixels)
        advance(1)
    put("named", pixels=10)

    assert _ids(take("named", limits=ClaimLimits(jobs=8, pixels=100))) == ["named", "fits"]


def test_repeating_a_claim_gives_the_same_jobs_and_no_more(
    jobs: JobStore, put: Put, take: Callable[..., Sequence[Claim]]
) -> None:
    put("first")
    put("second")
    before = take("first", "same")
    put("third")

    assert take("first", "same") == before
    assert jobs.get("third").state is JobState.QUEUED


@pytest.mark.parametrize("lost_by", ["the worker's death", "a batch that was broken off"])
def test_a_job_that_lost_a_worker_runs_alone(
    jobs: JobStore,
    put: Put,
    advance: Callable[[float], None],
    take: Callable[..., Sequence[Claim]],
    lost_by: str,
) -> None:
    put("suspect")
    [claim] = take("suspect")
    if lost_by == "the worker's death":
        advance(11)
        jobs.reap(10)
    else:
        jobs.give_back(claim, counted=True)
    put("innocent")

    assert _ids(take("innocent", "c2")) == ["innocent"]
    put("young")
    assert _ids(take("suspect", "c3")) == ["suspect"]
    assert jobs.get("young").state is JobState.QUEUED


def test_a_dead_worker_gives_all_jobs_of_its_batch_back(
    jobs: JobStore,
    put: Put,
    advance: Callable[[float], None],
    take: Callable[..., Sequence[Claim]],
) -> None:
    put("first")
    put("second")
    zombies = take("first")
    advance(11)

    assert sorted(reaped.id for reaped in jobs.reap(10)) == ["first", "second"]
    for zombie in zombies:
        with pytest.raises(LeaseLost):
            jobs.succeed(zombie, "{}")
    assert jobs.backlog([INTERACTIVE]) == {INTERACTIVE: 2}


def test_leases_of_a_batch_are_renewed_in_one_call_that_tells_each_one_s_standing(
    jobs: JobStore,
    put: Put,
    advance: Callable[[float], None],
    take: Callable[..., Sequence[Claim]],
) -> None:
    for name in ("kept", "ended", "unwanted"):
        put(name)
    kept, *others = take("kept")
    by_id = {claim.job.id: claim for claim in others}
    jobs.succeed(by_id["ended"], "{}")
    jobs.cancel("unwanted")
    advance(8)

    claims = [kept, by_id["ended"], by_id["unwanted"]]
    assert list(jobs.renew_many(claims)) == ["held", "lost", "cancelled"]
    advance(8)
    assert jobs.reap(10) == ()


def test_more_jobs_of_a_batch_are_claimed_later(
    jobs: JobStore, put: Put, take: Callable[..., Sequence[Claim]]
) -> None:
    put("first")
    [first] = take("first")
    assert jobs.claim_more(first.job, claim_id="m1", limits=EIGHT) == ()
    for name in ("second", "third"):
        put(name)
    put("other", AnalyzeOptions(analyses=("deepfake",)))

    limits = ClaimLimits(jobs=1, pixels=1_000)
    more = jobs.claim_more(first.job, claim_id="m2", limits=limits)

    assert _ids(more) == ["second"]
    assert jobs.claim_more(first.job, claim_id="m2", limits=limits) == more
    assert _ids(jobs.claim_more(first.job, claim_id="m3", limits=EIGHT)) == ["third"]


def test_the_oldest_job_of_a_queue_is_claimed_with_its_batch_once_it_has_waited(
    jobs: JobStore, put: Put, advance: Callable[[float], None]
) -> None:
    def claim(claim_id: str) -> list[str]:
        return _ids(jobs.claim_oldest(BULK, claim_id=claim_id, limits=EIGHT, waited_seconds=30))

    assert claim("nothing there") == []
    put("old", queue=BULK)
    put("not bulk")
    advance(20)
    put("young", queue=BULK)
    put("other", AnalyzeOptions(analyses=("deepfake",)), queue=BULK)

    assert claim("too early") == []
    advance(15)
    assert claim("now") == ["old", "young"]
    assert claim("now") == ["old", "young"]
    assert claim("other is young") == []


def test_the_oldest_job_is_claimed_alone_when_it_has_lost_a_worker(
    jobs: JobStore,
    put: Put,
    advance: Callable[[float], None],
    take: Callable[..., Sequence[Claim]],
) -> None:
    put("suspect", queue=BULK)
    take("suspect")
    advance(11)
    jobs.reap(10)
    put("innocent", queue=BULK)

    claims = jobs.claim_oldest(BULK, claim_id="c", limits=EIGHT, waited_seconds=5)

    assert _ids(claims) == ["suspect"]
