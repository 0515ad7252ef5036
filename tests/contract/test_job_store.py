"""Every job store keeps the same promises: in memory, on the imitation and on a real server."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Protocol, cast

import fakeredis
import pytest
import redis
from pydantic import SecretStr

from workers.contract import AnalyzeOptions, JobError, JobRoute, JobState
from workers.errors import JobNotFound, LeaseLost
from workers.jobs import POISONED, Claim, JobStore, NewJob
from workers.memory_jobs import MemoryJobs
from workers.redis_client import connect
from workers.redis_jobs import DUE, EVENTS, JOB_PREFIX, LEASES, RedisJobs
from workers.settings import Settings

SETTINGS = Settings(job_lease_seconds=10, job_resend_seconds=20, job_max_attempts=2)
ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")


class Advance(Protocol):
    def __call__(self, seconds: float) -> None: ...


@dataclasses.dataclass(kw_only=True)
class Subject:
    jobs: JobStore
    #: Lets time pass: turns the clock in memory, moves the stored times back on a server.
    advance: Advance


def _on_server(client: redis.Redis) -> Subject:
    def advance(seconds: float) -> None:
        delta_ms = int(seconds * 1000)
        for key in (DUE, LEASES):
            scores = cast("list[tuple[str, float]]", client.zrange(key, 0, -1, withscores=True))
            for member, score in scores:
                client.zadd(key, {member: score - delta_ms})
        for key in client.scan_iter(JOB_PREFIX + "*"):
            if client.hexists(key, "lease_ms"):
                client.hincrby(key, "lease_ms", -delta_ms)

    return Subject(jobs=RedisJobs(client, SETTINGS), advance=advance)


@pytest.fixture(params=["memory", "fake", pytest.param("real", marks=pytest.mark.redis)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "memory":
        now = [time.time()]

        def advance(seconds: float) -> None:
            now[0] += seconds

        yield Subject(jobs=MemoryJobs(SETTINGS, clock=lambda: now[0]), advance=advance)
    elif request.param == "fake":
        server = fakeredis.FakeServer(version=(7, 2))
        with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
            yield _on_server(client)
    else:
        port = request.getfixturevalue("valkey_port")
        settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
        with connect(settings, role="test") as client:
            client.flushall()
            yield _on_server(client)


@pytest.fixture
def jobs(subject: Subject) -> JobStore:
    return subject.jobs


@pytest.fixture
def submit(jobs: JobStore) -> Callable[[str], str]:
    def _submit(job_id: str = "job_1") -> str:
        jobs.submit(
            NewJob(
                id=job_id,
                options=AnalyzeOptions(max_faces=7),
                route=ROUTE,
                blob_key=f"blob-of-{job_id}",
            )
        )
        return job_id

    return _submit


def _claimed(jobs: JobStore, job_id: str, claim_id: str = "c1") -> Claim:
    claim = jobs.claim(job_id, claim_id=claim_id)
    assert isinstance(claim, Claim)
    return claim


def test_a_submitted_job_is_read_back_as_it_was(
    jobs: JobStore, submit: Callable[[str], str]
) -> None:
    job = jobs.get(submit("job_1"))

    assert job.state is JobState.QUEUED
    assert job.options == AnalyzeOptions(max_faces=7)
    assert job.route == ROUTE
    assert job.blob_key == "blob-of-job_1"
    assert (job.attempt, job.version) == (0, 1)
    assert abs(job.created_ms / 1000 - time.time()) < 60
    assert (job.started_ms, job.finished_ms, job.result_json, job.error) == (None,) * 4


def test_submitting_an_id_again_changes_nothing(
    jobs: JobStore, submit: Callable[[str], str]
) -> None:
    claim = _claimed(jobs, submit("job_1"))
    jobs.succeed(claim, "{}")

    submit("job_1")

    assert jobs.get("job_1").state is JobState.SUCCEEDED
    assert jobs.waiting() == 0


def test_an_unknown_job_is_not_found(jobs: JobStore) -> None:
    with pytest.raises(JobNotFound, match="job_x"):
        jobs.get("job_x")


def test_waiting_counts_queued_jobs_only(jobs: JobStore, submit: Callable[[str], str]) -> None:
    submit("job_1")
    submit("job_2")
    _claimed(jobs, "job_1")

    assert jobs.waiting() == 1


def test_a_claim_makes_the_job_running_and_counts_the_attempt(
    jobs: JobStore, submit: Callable[[str], str]
) -> None:
    claim = _claimed(jobs, submit("job_1"))

    assert claim.job.state is JobState.RUNNING
    assert claim.job.attempt == 1
    assert jobs.get("job_1") == claim.job


def test_a_job_with_a_live_lease_is_busy_for_others(
    jobs: JobStore, submit: Callable[[str], str]
) -> None:
    _claimed(jobs, submit("job_1"))

    assert jobs.claim("job_1", claim_id="other") == "busy"
    assert jobs.get("job_1").attempt == 1


def test_repeating_a_claim_gives_the_same_claim(
    jobs: JobStore, submit: Callable[[str], str]
) -> None:
    first = _claimed(jobs, submit("job_1"), "same")

    assert _claimed(jobs, "job_1", "same").fence == first.fence
    assert jobs.get("job_1").attempt == 1


def test_claiming_an_unknown_or_ended_job_finds_nothing_to_do(
    jobs: JobStore, submit: Callable[[str], str]
) -> None:
    jobs.succeed(_claimed(jobs, submit("job_1")), "{}")

    assert jobs.claim("job_1", claim_id="late") == "finished"
    assert jobs.claim("job_x", claim_id="late") == "missing"


def test_a_lease_that_ended_can_be_claimed_and_the_first_owner_is_fenced_off(
    jobs: JobStore, subject: Subject, submit: Callable[[str], str]
) -> None:
    zombie = _claimed(jobs, submit("job_1"), "zombie")
    subject.advance(11)

    second = _claimed(jobs, "job_1", "second")

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
    jobs: JobStore, subject: Subject, submit: Callable[[str], str]
) -> None:
    claim = _claimed(jobs, submit("job_1"))
    subject.advance(8)

    jobs.renew(claim)
    subject.advance(8)

    assert jobs.claim("job_1", claim_id="other") == "busy"
    assert jobs.reap(10) == ()


def test_an_end_may_be_written_twice_but_not_changed(
    jobs: JobStore, submit: Callable[[str], str]
) -> None:
    claim = _claimed(jobs, submit("job_1"))

    jobs.succeed(claim, '{"n": 1}')
    jobs.succeed(claim, '{"n": 2}')

    assert jobs.get("job_1").result_json == '{"n": 1}'
    with pytest.raises(LeaseLost):
        jobs.fail(claim, POISONED)
    with pytest.raises(LeaseLost):
        jobs.renew(claim)
    assert jobs.get("job_1").state is JobState.SUCCEEDED


def test_a_failed_job_keeps_its_error(jobs: JobStore, submit: Callable[[str], str]) -> None:
    error = JobError(code="image_truncated", message="Größe stimmt nicht: “cut”", retryable=False)

    jobs.fail(_claimed(jobs, submit("job_1")), error)

    job = jobs.get("job_1")
    assert job.state is JobState.FAILED
    assert job.error == error
    assert job.finished_ms is not None


def test_every_change_raises_the_version(jobs: JobStore, submit: Callable[[str], str]) -> None:
    versions = [jobs.get(submit("job_1")).version]
    claim = _claimed(jobs, "job_1")
    versions.append(jobs.get("job_1").version)
    jobs.succeed(claim, "{}")
    versions.append(jobs.get("job_1").version)

    assert versions == sorted(set(versions))


def test_a_job_of_a_silent_worker_is_queued_again_and_due_at_once(
    jobs: JobStore, subject: Subject, submit: Callable[[str], str]
) -> None:
    _claimed(jobs, submit("job_1"))
    assert jobs.reap(10) == ()
    subject.advance(11)

    reaped = jobs.reap(10)

    assert [(r.id, r.state) for r in reaped] == [("job_1", JobState.QUEUED)]
    assert [due.id for due in jobs.due(10)] == ["job_1"]
    assert jobs.waiting() == 1


@pytest.mark.parametrize("found_by", ["reaper", "claim"])
def test_a_job_without_attempts_left_fails_as_poisoned(
    jobs: JobStore, subject: Subject, submit: Callable[[str], str], found_by: str
) -> None:
    submit("job_1")
    for number in range(SETTINGS.job_max_attempts):
        _claimed(jobs, "job_1", f"c{number}")
        subject.advance(11)

    if found_by == "reaper":
        assert [(r.blob_key, r.state) for r in jobs.reap(10)] == [
            ("blob-of-job_1", JobState.FAILED)
        ]
    else:
        assert jobs.claim("job_1", claim_id="last") == "poisoned"

    job = jobs.get("job_1")
    assert job.state is JobState.FAILED
    assert job.error == POISONED
    assert jobs.waiting() == 0
    assert jobs.claim("job_1", claim_id="later") == "finished"


def test_a_wake_up_falls_due_after_the_resend_time_and_then_twice_as_late(
    jobs: JobStore, subject: Subject, submit: Callable[[str], str]
) -> None:
    submit("job_1")
    assert jobs.due(10) == ()
    subject.advance(21)
    due = jobs.due(10)
    assert [(d.id, d.route, d.options.max_faces) for d in due] == [("job_1", ROUTE, 7)]

    assert jobs.due(10) == ()
    subject.advance(21)
    assert jobs.due(10) == ()
    subject.advance(20)
    assert [d.id for d in jobs.due(10)] == ["job_1"]


def test_an_expedited_wake_up_is_due_now(jobs: JobStore, submit: Callable[[str], str]) -> None:
    jobs.expedite(submit("job_1"))
    jobs.expedite("job_x")

    assert [d.id for d in jobs.due(10)] == ["job_1"]


def test_due_and_reap_keep_to_their_limit(
    jobs: JobStore, subject: Subject, submit: Callable[[str], str]
) -> None:
    for number in range(5):
        submit(f"job_{number}")
    subject.advance(21)
    assert len(jobs.due(2)) == 2
    for number in range(5):
        _claimed(jobs, f"job_{number}")
    subject.advance(11)

    assert [len(jobs.reap(2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_claimed_job_is_not_due(
    jobs: JobStore, subject: Subject, submit: Callable[[str], str]
) -> None:
    _claimed(jobs, submit("job_1"))
    subject.advance(3600)

    assert jobs.due(10) == ()


def test_only_a_queued_job_can_be_rerouted(jobs: JobStore, submit: Callable[[str], str]) -> None:
    submit("job_1")
    route = JobRoute(queue="gpu.interactive", reason="resident", device="sim:0")

    assert jobs.reroute("job_1", route)
    assert jobs.get("job_1").route == route
    _claimed(jobs, "job_1")
    assert not jobs.reroute("job_1", ROUTE)
    assert not jobs.reroute("job_x", ROUTE)
    assert jobs.get("job_1").route == route


def test_an_ended_job_expires_and_a_queued_one_does_not() -> None:
    now = [1_000_000.0]
    jobs = MemoryJobs(SETTINGS, clock=lambda: now[0])
    for job_id in ("ended", "queued"):
        jobs.submit(NewJob(id=job_id, options=AnalyzeOptions(), route=ROUTE, blob_key=job_id))
    jobs.succeed(_claimed(jobs, "ended"), "{}")

    now[0] += SETTINGS.result_ttl_seconds + 1

    with pytest.raises(JobNotFound):
        jobs.get("ended")
    assert jobs.get("queued").state is JobState.QUEUED


@pytest.mark.redis
def test_on_a_server_only_ended_jobs_have_a_time_to_live(valkey_port: int) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with connect(settings, role="test") as client:
        client.flushall()
        jobs = RedisJobs(client, SETTINGS)
        for job_id in ("ended", "queued"):
            jobs.submit(NewJob(id=job_id, options=AnalyzeOptions(), route=ROUTE, blob_key=job_id))
        jobs.succeed(_claimed(jobs, "ended"), "{}")

        assert client.ttl(JOB_PREFIX + "queued") == -1
        ttl = cast("int", client.ttl(JOB_PREFIX + "ended"))
        assert SETTINGS.result_ttl_seconds - 5 <= ttl <= SETTINGS.result_ttl_seconds
        events = client.xrange(EVENTS)
        assert [fields["why"] for _, fields in events] == [
            "submitted",
            "submitted",
            "claimed",
            "succeeded",
        ]


@pytest.mark.redis
def test_a_submit_is_confirmed_on_disk_by_a_server_with_an_aof(valkey_port: int) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with connect(settings, role="test") as client:
        job = NewJob(id="d", options=AnalyzeOptions(), route=ROUTE, blob_key="d")

        assert RedisJobs(client, SETTINGS).submit(job) == "fsynced"
