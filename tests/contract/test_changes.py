"""Every adapter tells of every change to those it concerns, and of nothing else."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import redis
from pydantic import SecretStr

from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobRoute
from workers.jobs.changes import KEPT, Change, Changes, LocalChanges, Watch
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.redis_changes import RedisChanges
from workers.jobs.redis_store import RedisJobs
from workers.jobs.scripts import CHANGES_CHANNEL
from workers.jobs.store import Claim, JobStore, NewJob
from workers.settings.process import Settings

ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
NEW = NewJob(id="job", options=AnalyzeOptions(), route=ROUTE, blob_keys=("job",), owner="ann")


@dataclass(kw_only=True)
class Subject:
    jobs: JobStore
    changes: Changes


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.redis)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "memory":
        local = LocalChanges()
        yield Subject(jobs=MemoryJobs(Settings(), changes=local), changes=local)
        return
    port = request.getfixturevalue("valkey_port")
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
    with connect(settings, role="test") as client:
        client.flushall()
        with RedisChanges(client) as changes:
            _listening(client, changes)
            yield Subject(jobs=RedisJobs(client, settings), changes=changes)


def test_every_change_of_a_job_is_told_in_order(subject: Subject) -> None:
    with subject.changes.watch(ids=["job"]) as watch:
        subject.jobs.submit(NEW)
        claim = subject.jobs.claim("job", claim_id="c")
        assert isinstance(claim, Claim)
        subject.jobs.cancel("job")
        subject.jobs.end_cancelled(claim)

        told = heard(watch, 4)

    assert [(one.state, one.version) for one in told] == [
        ("queued", 1),
        ("running", 2),
        ("running", 3),
        ("cancelled", 4),
    ]
    assert {(one.id, one.owner, one.kind) for one in told} == {("job", "ann", "analyze")}


def test_a_deleted_job_is_told_as_cancelled(subject: Subject) -> None:
    subject.jobs.submit(NEW)
    with subject.changes.watch(owner="ann") as watch:
        subject.jobs.delete("job")

        # The submission may be told late.
        assert heard_of(watch, "cancelled").id == "job"


def test_only_those_concerned_are_told(subject: Subject) -> None:
    with (
        subject.changes.watch(ids=["mine", "job"]) as by_id,
        subject.changes.watch(owner="ann") as by_owner,
        subject.changes.watch(ids=["job"], owner="ann") as by_both,
        subject.changes.watch(ids=["other"], owner="bob") as stranger,
    ):
        subject.jobs.submit(NEW)

        assert [one.id for one in heard(by_id, 1)] == ["job"]
        assert [one.id for one in heard(by_owner, 1)] == ["job"]
        assert [one.id for one in heard(by_both, 1)] == ["job"]
        assert by_both.wait(0.05) == ()
        assert stranger.wait(0.05) == ()


def test_when_the_process_ends_nobody_waits_any_more(subject: Subject) -> None:
    with subject.changes.watch(owner="ann") as watch:
        ender = threading.Timer(0.1, subject.changes.interrupt)
        ender.start()
        started = time.monotonic()

        watch.wait(60)

        assert watch.is_over
        assert watch.wait(60) == ()
        ender.join()
    with subject.changes.watch(owner="ann") as late:
        assert late.is_over
        assert late.wait(60) == ()
    # None of the three waits took its time.
    assert time.monotonic() - started < 50


def test_who_does_not_come_for_changes_keeps_the_latest() -> None:
    local = LocalChanges()
    change = Change(id="job", owner="ann", kind="analyze", state="running", version=0)
    with local.watch(owner="ann") as watch:
        for version in range(KEPT + 10):
            local.publish(replace(change, version=version))

        told = watch.wait(1)

    assert [one.version for one in told] == list(range(10, KEPT + 10))


@pytest.mark.redis
def test_after_a_lost_connection_everybody_looks_and_hears_again(valkey_port: int) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with connect(settings, role="test") as client, RedisChanges(client) as changes:
        _listening(client, changes)
        with changes.watch(owner="ann") as watch:
            started = time.monotonic()
            for found in client.client_list(_type="pubsub"):
                client.execute_command("CLIENT", "KILL", "ID", found["id"])

            # Woken, with nothing told: changes may have been missed.
            assert watch.wait(60) == ()
            assert time.monotonic() - started < 50
        _listening(client, changes)


@pytest.mark.redis
def test_a_message_that_can_t_be_read_ends_no_subscription(valkey_port: int) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with connect(settings, role="test") as client, RedisChanges(client) as changes:
        _listening(client, changes)

        client.publish(CHANGES_CHANNEL, "{")

        _listening(client, changes)


def heard(watch: Watch, number: int) -> list[Change]:
    """The next changes."""
    told: list[Change] = []
    deadline = time.monotonic() + 60
    while len(told) < number and time.monotonic() < deadline:
        told += watch.wait(1)
    assert len(told) == number
    return told


def heard_of(watch: Watch, state: str) -> Change:
    """The next change to that state."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for one in watch.wait(1):
            if one.state == state:
                return one
    pytest.fail("nothing was told")


def _listening(client: redis.Redis, changes: RedisChanges) -> None:
    """Wait until what is published is heard."""
    told = {"id": "probe", "owner": "test", "kind": "analyze", "state": "queued", "version": 1}
    deadline = time.monotonic() + 60
    with changes.watch(owner="test") as watch:
        while time.monotonic() < deadline:
            client.publish(CHANGES_CHANNEL, json.dumps(told))
            if watch.wait(0.1):
                return
    pytest.fail("nobody listens")
