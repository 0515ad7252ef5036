"""Every job store keeps the same promises: what is stored, read and ended."""

import time
from collections.abc import Callable
from typing import cast

import pytest
import redis
from pydantic import SecretStr

from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobError, JobRoute, JobState
from workers.errors import JobNotFound, JobUnreadable, LeaseLost
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.redis_store import RedisJobs
from workers.jobs.scripts import EVENTS, JOB_PREFIX
from workers.jobs.store import POISONED, Claim, JobStore, NewJob
from workers.settings.process import Settings

ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")


def test_a_submitted_job_is_read_back_as_it_was(
    jobs: JobStore, submit: Callable[[str], str]
) -> None:
    job = jobs.get(submit("job_1"))

    assert job.state is JobState.QUEUED
    assert job.options == AnalyzeOptions(max_faces=7)
    assert job.route == ROUTE
    assert job.blob_keys == ("blob-of-job_1",)
    assert (job.attempt, job.version) == (0, 1)
    assert abs(job.created_ms / 1000 - time.time()) < 60
    assert (job.started_ms, job.finished_ms, job.result_json, job.error) == (None,) * 4


def test_what_need_not_wait_for_the_disk_is_done_once_the_job_is_stored(jobs: JobStore) -> None:
    seen: list[JobState] = []
    job = NewJob(id="job_1", options=AnalyzeOptions(), route=ROUTE, blob_keys=("job_1",))

    jobs.submit(job, on_stored=lambda: seen.append(jobs.get("job_1").state))

    assert seen == [JobState.QUEUED]


def test_a_fault_after_storing_is_not_told_as_one_of_storing(jobs: JobStore) -> None:
    def fail() -> None:
        raise redis.ResponseError("OOM after the job was stored")

    job = NewJob(id="job_1", options=AnalyzeOptions(), route=ROUTE, blob_keys=("job_1",))
    with pytest.raises(redis.ResponseError, match="after the job was stored"):
        jobs.submit(job, on_stored=fail)

    assert jobs.get("job_1").state is JobState.QUEUED


def test_submitting_an_id_again_changes_nothing(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    claim = claimed(submit("job_1"))
    jobs.succeed(claim, "{}")

    again = jobs.submit(
        NewJob(id="job_1", options=AnalyzeOptions(), route=ROUTE, blob_keys=("another",))
    )

    assert again.job == jobs.get("job_1")
    assert jobs.get("job_1").state is JobState.SUCCEEDED
    assert jobs.waiting() == 0


def test_an_unknown_job_is_not_found(jobs: JobStore) -> None:
    with pytest.raises(JobNotFound, match="job_x"):
        jobs.get("job_x")


def test_waiting_counts_queued_jobs_only(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    submit("job_1")
    submit("job_2")
    claimed("job_1")

    assert jobs.waiting() == 1


def test_an_end_may_be_written_twice_but_not_changed(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    claim = claimed(submit("job_1"))

    jobs.succeed(claim, '{"n": 1}')
    jobs.succeed(claim, '{"n": 2}')

    assert jobs.get("job_1").result_json == '{"n": 1}'
    with pytest.raises(LeaseLost):
        jobs.fail(claim, POISONED)
    with pytest.raises(LeaseLost):
        jobs.renew(claim)
    assert jobs.get("job_1").state is JobState.SUCCEEDED


def test_a_failed_job_keeps_its_error(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    error = JobError(code="image_truncated", message="Größe stimmt nicht: “cut”", retryable=False)

    jobs.fail(claimed(submit("job_1")), error)

    job = jobs.get("job_1")
    assert job.state is JobState.FAILED
    assert job.error == error
    assert job.finished_ms is not None


def test_every_change_raises_the_version(
    jobs: JobStore, submit: Callable[[str], str], claimed: Callable[..., Claim]
) -> None:
    versions = [jobs.get(submit("job_1")).version]
    claim = claimed("job_1")
    versions.append(jobs.get("job_1").version)
    jobs.succeed(claim, "{}")
    versions.append(jobs.get("job_1").version)

    assert versions == sorted(set(versions))


def test_an_ended_job_expires_and_a_queued_one_does_not(job_settings: Settings) -> None:
    now = [1_000_000.0]
    jobs = MemoryJobs(job_settings, clock=lambda: now[0])
    for job_id in ("ended", "queued"):
        jobs.submit(NewJob(id=job_id, options=AnalyzeOptions(), route=ROUTE, blob_keys=(job_id,)))
    ended = jobs.claim("ended", claim_id="c")
    assert isinstance(ended, Claim)
    jobs.succeed(ended, "{}")

    now[0] += job_settings.result_ttl_seconds + 1

    with pytest.raises(JobNotFound):
        jobs.get("ended")
    assert jobs.get("queued").state is JobState.QUEUED


@pytest.mark.redis
def test_on_a_server_only_ended_jobs_have_a_time_to_live(
    valkey_port: int, job_settings: Settings
) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with connect(settings, role="test") as client:
        client.flushall()
        jobs = RedisJobs(client, job_settings)
        for job_id in ("ended", "queued"):
            jobs.submit(
                NewJob(id=job_id, options=AnalyzeOptions(), route=ROUTE, blob_keys=(job_id,))
            )
        ended = jobs.claim("ended", claim_id="c")
        assert isinstance(ended, Claim)
        jobs.succeed(ended, "{}")

        assert client.ttl(JOB_PREFIX + "queued") == -1
        ttl = cast("int", client.ttl(JOB_PREFIX + "ended"))
        assert job_settings.result_ttl_seconds - 5 <= ttl <= job_settings.result_ttl_seconds
        events = client.xrange(EVENTS)
        assert [fields["why"] for _, fields in events] == [
            "submitted",
            "submitted",
            "claimed",
            "succeeded",
        ]


@pytest.mark.redis
def test_a_submit_is_confirmed_on_disk_by_a_server_with_an_aof(
    valkey_port: int, job_settings: Settings
) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with connect(settings, role="test") as client:
        job = NewJob(id="d", options=AnalyzeOptions(), route=ROUTE, blob_keys=("d",))

        assert RedisJobs(client, job_settings).submit(job).durability == "fsynced"


def test_ends_are_counted_by_kind_state_and_error_and_each_once(
    jobs: JobStore, submit: Callable[[str], str], advance: Callable[[float], None]
) -> None:
    good, bad, unwanted, killer = map(submit, ("good", "bad", "unwanted", "killer"))
    claim = jobs.claim(good, claim_id="good")
    assert isinstance(claim, Claim)
    jobs.succeed(claim, "{}")
    jobs.succeed(claim, "{}")
    claim = jobs.claim(bad, claim_id="bad")
    assert isinstance(claim, Claim)
    jobs.fail(claim, JobError(code="image_truncated", message=""))
    jobs.cancel(unwanted)
    for attempt in ("one", "two"):
        jobs.claim(killer, claim_id=attempt)
        advance(11)
        jobs.reap(10)

    assert {(how.kind, how.state, how.code): count for how, count in jobs.ended().items()} == {
        ("analyze", "succeeded", ""): 1,
        ("analyze", "failed", "image_truncated"): 1,
        ("analyze", "cancelled", ""): 1,
        ("analyze", "failed", "poisoned"): 1,
    }


@pytest.mark.redis
def test_a_connection_that_broke_before_the_disk_answered_is_not_taken_for_a_confirmation(
    valkey_port: int, job_settings: Settings
) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    job = NewJob(id="broken", options=AnalyzeOptions(), route=ROUTE, blob_keys=("broken",))
    with connect(settings, role="submitter") as client, connect(settings, role="test") as other:
        other.delete(JOB_PREFIX + "broken")

        def cut() -> None:
            for found in other.client_list(_type="normal"):
                if found["name"] == "facesocial-submitter":
                    other.execute_command("CLIENT", "KILL", "ID", found["id"])

        submitted = RedisJobs(client, job_settings).submit(job, on_stored=cut)

        assert submitted.durability == "pending"
        assert RedisJobs(client, job_settings).get("broken").state is JobState.QUEUED


@pytest.mark.redis
def test_a_record_that_can_t_be_read_holds_up_no_other_job(
    valkey_port: int, job_settings: Settings
) -> None:
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/0"))
    with connect(settings, role="test") as client:
        client.flushall()
        jobs = RedisJobs(client, job_settings)
        for job_id in ("good", "newer", "broken"):
            jobs.submit(
                NewJob(id=job_id, options=AnalyzeOptions(), route=ROUTE, blob_keys=(job_id,))
            )
            jobs.expedite(job_id)
        client.hset(JOB_PREFIX + "newer", "options", '{"max_faces": 3, "option_of_tomorrow": 1}')
        client.hset(JOB_PREFIX + "broken", "options", '{"max_faces": "many"}')

        assert sorted(due.id for due in jobs.due(10)) == ["good", "newer"]
        assert jobs.get("newer").options == AnalyzeOptions(max_faces=3)
        with pytest.raises(JobUnreadable, match="broken"):
            jobs.get("broken")
