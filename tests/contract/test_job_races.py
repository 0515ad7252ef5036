"""What holds when many ask at once: one job for one name, and no end that turns into another."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import IdempotencyConflict, JobExpired, LeaseLost
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import Claim, JobStore, NewJob
from workers.settings.process import Settings

ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
NEW = NewJob(
    id="job_1", options=AnalyzeOptions(), route=ROUTE, blob_keys=("job_1",), fingerprint="f1"
)
ASKERS = 50
#: Of two who race; each has a job of its own.
RACES = 60


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.redis)])
def jobs(request: pytest.FixtureRequest) -> Iterator[JobStore]:
    if request.param == "memory":
        yield MemoryJobs(Settings())
        return
    port = request.getfixturevalue("valkey_port")
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
    with connect(settings, role="test") as client:
        client.flushall()
        yield RedisJobs(client, settings)


def at_once(*calls: Callable[[], str]) -> list[str]:
    """What each call answers, all of them started together."""
    start = threading.Barrier(len(calls))
    answers: list[str] = [""] * len(calls)

    def run(place: int, call: Callable[[], str]) -> None:
        start.wait(20)
        answers[place] = call()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def submitted(jobs: JobStore, new: NewJob) -> str:
    """What a submission meets."""
    try:
        return "new" if jobs.submit(new, durable=False).is_new else "known"
    except IdempotencyConflict:
        return "conflict"
    except JobExpired:
        return "expired"


def test_of_many_requests_of_one_name_one_makes_the_job(jobs: JobStore) -> None:
    answers = at_once(*[lambda: submitted(jobs, NEW)] * ASKERS)

    assert Counter(answers) == {"new": 1, "known": ASKERS - 1}
    assert jobs.waiting() == 1
    assert [job.id for job in jobs.list("local", limit=10).jobs] == ["job_1"]


def test_of_two_requests_of_one_name_all_of_one_are_refused(jobs: JobStore) -> None:
    other = replace(NEW, fingerprint="f2")
    half = ASKERS // 2

    answers = at_once(
        *[lambda: submitted(jobs, NEW)] * half, *[lambda: submitted(jobs, other)] * half
    )

    first, second = Counter(answers[:half]), Counter(answers[half:])
    won, lost = (first, second) if first["new"] else (second, first)
    assert won == {"new": 1, "known": half - 1}
    assert lost == {"conflict": half}
    assert jobs.get("job_1").fingerprint == ("f1" if won is first else "f2")


def test_a_job_told_cancelled_never_turns_into_another_end(jobs: JobStore) -> None:
    outcomes = Counter[tuple[str, ...]]()
    for number in range(RACES):
        id_ = f"job_{number}"
        jobs.submit(replace(NEW, id=id_), durable=False)
        claim = jobs.claim(id_, claim_id="c") if number % 2 else None

        def finish(id_: str = id_, held: object = claim) -> str:
            claim = held if isinstance(held, Claim) else jobs.claim(id_, claim_id="late")
            if not isinstance(claim, Claim):
                return "not claimed"
            try:
                jobs.succeed(claim, "{}")
            except LeaseLost:
                return "refused"
            return "succeeded"

        def cancel(id_: str = id_) -> str:
            return jobs.cancel(id_)

        ended, asked = at_once(finish, cancel)
        state = jobs.get(id_).state
        outcomes[ended, asked, str(state)] += 1
        if asked == "cancelled":
            assert state is JobState.CANCELLED
        if ended == "succeeded":
            assert state is JobState.SUCCEEDED

    assert set(outcomes) <= {
        # Asked while it ran: whoever writes the end first.
        ("succeeded", "asked", "succeeded"),
        ("succeeded", "finished", "succeeded"),
        ("not claimed", "cancelled", "cancelled"),
    }
    assert sum(outcomes.values()) == RACES


def test_a_job_that_is_deleted_while_it_ends_is_gone(jobs: JobStore) -> None:
    for number in range(RACES // 2):
        id_ = f"job_{number}"
        jobs.submit(replace(NEW, id=id_, cache_key=f"k{number}"), durable=False)
        held = jobs.claim(id_, claim_id="c")
        assert isinstance(held, Claim)

        def finish(claim: Claim = held) -> str:
            try:
                jobs.succeed(claim, "{}")
            except LeaseLost:
                return "refused"
            return "succeeded"

        def delete(id_: str = id_) -> str:
            return str(len(jobs.delete(id_).blob_keys))

        assert at_once(finish, delete)[1] == "1"
        with pytest.raises(JobExpired):
            jobs.get(id_)
        assert jobs.recall("another", fingerprint="", cache_key=f"k{number}") is None
    assert jobs.list("local", limit=10).jobs in ([], ())
