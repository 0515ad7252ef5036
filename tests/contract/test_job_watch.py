"""Every watch keeps the same promises: waiters learn of an end, or of the time being over."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis
from pydantic import SecretStr

from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import JobNotFound
from workers.jobs.changes import Changes, JobWatch, LocalChanges
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.redis_changes import RedisChanges
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import Claim, JobStore, NewJob
from workers.settings.process import Settings

#: No test waits for as long: whoever has to look for itself comes too late.
NEVER_SECONDS = 120


@dataclass(kw_only=True)
class Subject:
    jobs: JobStore
    changes: Changes
    watch: JobWatch


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.redis)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "memory":
        local = LocalChanges()
        jobs = MemoryJobs(Settings(), changes=local)
        watch = JobWatch(jobs, local, look_seconds=NEVER_SECONDS)
        yield Subject(jobs=jobs, changes=local, watch=watch)
        return
    port = request.getfixturevalue("valkey_port")
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
    with connect(settings, role="test") as client:
        client.flushall()
        store = RedisJobs(client, settings)
        with RedisChanges(client) as changes:
            watch = JobWatch(store, changes, look_seconds=NEVER_SECONDS)
            yield Subject(jobs=store, changes=changes, watch=watch)


@pytest.fixture
def claim(subject: Subject) -> Claim:
    route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
    subject.jobs.submit(NewJob(id="job", options=AnalyzeOptions(), route=route, blob_keys=("job",)))
    claim = subject.jobs.claim("job", claim_id="c")
    assert isinstance(claim, Claim)
    return claim


def test_a_waiter_learns_of_the_end_at_once(subject: Subject, claim: Claim) -> None:
    ender = threading.Timer(0.2, subject.jobs.succeed, (claim, "{}"))
    ender.start()
    started = time.monotonic()

    job = subject.watch.wait("job", NEVER_SECONDS)

    ender.join()
    assert job.state is JobState.SUCCEEDED
    assert time.monotonic() - started < NEVER_SECONDS / 2


def test_all_waiters_of_a_job_learn_of_its_end(subject: Subject, claim: Claim) -> None:
    seen: list[JobState] = []
    waiters = [
        threading.Thread(target=lambda: seen.append(subject.watch.wait("job", NEVER_SECONDS).state))
        for _ in range(8)
    ]
    for waiter in waiters:
        waiter.start()

    subject.jobs.succeed(claim, "{}")

    for waiter in waiters:
        waiter.join(NEVER_SECONDS / 2)
    assert seen == [JobState.SUCCEEDED] * 8


def test_an_ended_job_is_not_waited_for(subject: Subject, claim: Claim) -> None:
    subject.jobs.succeed(claim, "{}")
    started = time.monotonic()

    assert subject.watch.wait("job", NEVER_SECONDS).state is JobState.SUCCEEDED
    assert time.monotonic() - started < NEVER_SECONDS / 2


def test_when_the_time_is_over_the_job_is_told_as_it_is(subject: Subject, claim: Claim) -> None:
    assert subject.watch.wait(claim.job.id, 0.05).state is JobState.RUNNING


def test_an_unknown_job_is_not_waited_for(subject: Subject) -> None:
    with pytest.raises(JobNotFound):
        subject.watch.wait("job_x", 30)


@pytest.mark.redis
def test_a_waiter_finds_an_end_whose_message_was_lost(valkey_port: int) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with connect(settings, role="test") as client:
        client.flushall()
        jobs = RedisJobs(client, settings)
        route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
        jobs.submit(NewJob(id="job", options=AnalyzeOptions(), route=route, blob_keys=("job",)))
        claim = jobs.claim("job", claim_id="c")
        assert isinstance(claim, Claim)
        # Nobody hears of what the scripts publish.
        watch = JobWatch(jobs, LocalChanges(), look_seconds=0.2)
        ender = threading.Timer(0.1, jobs.succeed, (claim, "{}"))
        ender.start()

        assert watch.wait("job", 30).state is JobState.SUCCEEDED
        ender.join()


@pytest.mark.redis
def test_a_lost_subscription_is_made_again(valkey_port: int) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with connect(settings, role="test") as client:
        client.flushall()
        with RedisChanges(client):
            before = _subscriber(client, other_than=None)
            client.execute_command("CLIENT", "KILL", "ID", before)

            assert _subscriber(client, other_than=before) != before


def _subscriber(client: redis.Redis, *, other_than: str | None) -> str:
    """Id of the connection that is subscribed, as soon as it is not that one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for found in client.client_list(_type="pubsub"):
            if found["id"] != other_than:
                return found["id"]
        time.sleep(0.02)
    pytest.fail("nobody is subscribed")
