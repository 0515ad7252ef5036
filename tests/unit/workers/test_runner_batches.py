"""Several jobs in one wake-up: each ends for itself, and none is lost with the others."""

import time
from collections.abc import Callable, Sequence

import pytest

from models.errors import DeviceFault
from workers.answers.analysis import AnalysisAnswer, DetectionAnswer, ImageAnswer
from workers.batching import BatchPlan
from workers.blobs.store import MemoryBlobs
from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import BlobMissing, ImageRejected, StoreUnavailable
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim, NewJob
from workers.photos.attempts import Ends
from workers.photos.photo import Order
from workers.runner import JobRunner
from workers.settings.process import Settings

PLAN = BatchPlan(jobs=4, pixels=1_000, interactive_batches=1)


def _answer(width: int) -> AnalysisAnswer:
    return AnalysisAnswer(
        image=ImageAnswer(width=width, height=3, format="png", exif_orientation=1),
        detection=DetectionAnswer(
            engine="yunet",
            requested="auto",
            reason="default engine",
            min_confidence=0.5,
            landmarks=("yunet",),
            looks=(),
            fallback=None,
        ),
        faces=(),
        unavailable={},
        models={},
        device="sim:700",
        simulated=True,
        timings_ms={"total": 1.0},
    )


class OutOfTimeError(Exception):
    """What this runner's tasks get when they run too long."""


class Script:
    """A pipeline that does what it is told with a batch; notes the images it saw."""

    def __init__(
        self,
        act: Callable[[Sequence[Order]], list[AnalysisAnswer | Exception | None]] | None = None,
    ) -> None:
        self.batches: list[list[bytes]] = []
        self._act = act

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        assert ends == (OutOfTimeError,)
        self.batches.append([order.read() for order in orders])
        if self._act is not None:
            return self._act(orders)
        return [_answer(len(order.read())) for order in orders]


def _runner(
    jobs: MemoryJobs, blobs: MemoryBlobs, pipeline: Script, *, lease: float = 0.06
) -> JobRunner:
    return JobRunner(
        jobs=jobs,
        blobs=blobs,
        pipeline=pipeline,
        lease_seconds=lease,
        time_limit_error=OutOfTimeError,
        plan=PLAN,
    )


def _states(jobs: MemoryJobs, *names: str) -> list[JobState]:
    return [jobs.get(name).state for name in names]


@pytest.fixture
def three(submit: Callable[[str], str]) -> list[str]:
    return [submit(name) for name in ("one", "two", "three")]


def test_jobs_that_wait_are_done_with_the_named_one_and_their_messages_end_cheaply(
    jobs: MemoryJobs, blobs: MemoryBlobs, three: list[str]
) -> None:
    pipeline = Script()
    runner = _runner(jobs, blobs, pipeline)

    assert runner.run("one") == "succeeded"
    assert [runner.run(name) for name in three] == ["finished"] * 3

    [batch] = pipeline.batches
    assert sorted(batch) == sorted(b"image of " + name.encode() for name in three)
    for name in three:
        result = jobs.get(name).result_json
        assert result is not None
        assert f'"width":{len(b"image of " + name.encode())}' in result
        with pytest.raises(BlobMissing):
            blobs.get(name)


def test_each_job_of_a_batch_gets_its_own_end(
    jobs: MemoryJobs, blobs: MemoryBlobs, three: list[str]
) -> None:
    def act(orders: Sequence[Order]) -> list[AnalysisAnswer | Exception | None]:
        ends: dict[bytes, AnalysisAnswer | Exception | None] = {
            b"image of one": _answer(1),
            b"image of two": ImageRejected("image_truncated", "It ends too early."),
            b"image of three": ZeroDivisionError("inside"),
        }
        return [ends[order.read()] for order in orders]

    assert _runner(jobs, blobs, Script(act)).run("one") == "succeeded"

    assert _states(jobs, *three) == [JobState.SUCCEEDED, JobState.FAILED, JobState.FAILED]
    codes = [error.code for error in (jobs.get("two").error, jobs.get("three").error) if error]
    assert codes == ["image_truncated", "internal_error"]


def test_a_job_that_is_cancelled_in_mid_batch_is_dropped_and_the_others_go_on(
    jobs: MemoryJobs, blobs: MemoryBlobs, three: list[str]
) -> None:
    def act(orders: Sequence[Order]) -> list[AnalysisAnswer | Exception | None]:
        jobs.cancel("two")
        by_image = {order.read(): order for order in orders}
        unwanted = by_image[b"image of two"]
        for _ in range(1_000):
            if not unwanted.is_wanted():
                break
            time.sleep(0.005)  # the lease keeper's thread needs some
        assert by_image[b"image of one"].is_wanted()
        return [None if order is unwanted else _answer(1) for order in orders]

    _runner(jobs, blobs, Script(act)).run("one")

    assert _states(jobs, *three) == [
        JobState.SUCCEEDED,
        JobState.CANCELLED,
        JobState.SUCCEEDED,
    ]
    with pytest.raises(BlobMissing):
        blobs.get("two")


def test_a_job_that_another_worker_has_by_then_is_not_written(
    jobs: MemoryJobs, blobs: MemoryBlobs, three: list[str], now: list[float]
) -> None:
    def act(orders: Sequence[Order]) -> list[AnalysisAnswer | Exception | None]:
        now[0] += 11
        assert isinstance(jobs.claim("two", claim_id="another worker"), Claim)
        return [_answer(1) for _ in orders]

    # The keeper comes too late to notice.
    assert _runner(jobs, blobs, Script(act), lease=100).run("one") == "succeeded"

    assert _states(jobs, *three) == [
        JobState.SUCCEEDED,
        JobState.RUNNING,
        JobState.SUCCEEDED,
    ]
    assert blobs.get("two") == b"image of two"


def test_a_worker_that_is_told_to_stop_gives_all_jobs_back_without_counting_the_attempt(
    jobs: MemoryJobs, blobs: MemoryBlobs, three: list[str], settings: Settings
) -> None:
    def act(_orders: Sequence[Order]) -> list[AnalysisAnswer | Exception | None]:
        raise SystemExit(-241)

    for _ in range(settings.job_max_attempts + 1):
        with pytest.raises(SystemExit):
            _runner(jobs, blobs, Script(act)).run("one")
        assert _states(jobs, *three) == [JobState.QUEUED] * 3
        assert [jobs.get(name).attempt for name in three] == [0, 0, 0]
    assert len(jobs.due(10)) == 3

    assert _runner(jobs, blobs, Script()).run("one") == "succeeded"


@pytest.mark.parametrize("error", [OutOfTimeError(), ZeroDivisionError()])
def test_a_batch_that_is_broken_off_is_queued_again_and_each_job_runs_alone(
    jobs: MemoryJobs, blobs: MemoryBlobs, three: list[str], error: Exception
) -> None:
    def act(orders: Sequence[Order]) -> list[AnalysisAnswer | Exception | None]:
        if b"image of two" in [order.read() for order in orders]:
            raise error
        return [_answer(1) for _ in orders]

    pipeline = Script(act)
    runner = _runner(jobs, blobs, pipeline)

    assert runner.run("one") == "given_back"
    outcomes = [runner.run(name) for name in three]

    assert outcomes == ["succeeded", "failed", "succeeded"]
    assert [len(batch) for batch in pipeline.batches] == [3, 1, 1, 1]
    told = jobs.get("two").error
    assert told is not None
    assert told.code == ("timed_out" if isinstance(error, OutOfTimeError) else "internal_error")


def test_jobs_of_a_device_that_broke_are_given_to_others(
    jobs: MemoryJobs, blobs: MemoryBlobs, submit: Callable[[str], str]
) -> None:
    def act(_orders: Sequence[Order]) -> list[AnalysisAnswer | Exception | None]:
        raise DeviceFault

    assert _runner(jobs, blobs, Script(act)).run(submit("job")) == "given_back"

    job = jobs.get("job")
    assert (job.state, job.attempt) == (JobState.QUEUED, 1)
    assert blobs.get("job")


def test_jobs_that_can_t_be_given_back_are_left_to_their_leases(
    settings: Settings, blobs: MemoryBlobs
) -> None:
    class AwayJobs(MemoryJobs):
        def give_back(self, claim: Claim, *, counted: bool = False) -> None:
            raise StoreUnavailable(f"{claim.job.id} {counted}")

    def act(_orders: Sequence[Order]) -> list[AnalysisAnswer | Exception | None]:
        raise SystemExit(-241)

    jobs = AwayJobs(settings)
    blobs.put("job", b"image")
    route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
    jobs.submit(NewJob(id="job", options=AnalyzeOptions(), route=route, blob_keys=("job",)))

    with pytest.raises(SystemExit):
        _runner(jobs, blobs, Script(act)).run("job")

    assert jobs.get("job").state is JobState.RUNNING


def test_bulk_jobs_that_have_waited_too_long_are_done_after_an_interactive_batch(
    jobs: MemoryJobs, blobs: MemoryBlobs, submit: Callable[[str], str], now: list[float]
) -> None:
    for name in ("bulk 1", "bulk 2"):
        blobs.put(name, b"image of " + name.encode())
        route = JobRoute(queue="cpu.bulk", reason="no_gpu_device")
        options = AnalyzeOptions(priority="batch")
        jobs.submit(NewJob(id=name, options=options, route=route, blob_keys=(name,)))
    now[0] += 31
    pipeline = Script()

    _runner(jobs, blobs, pipeline).run(submit("live"))

    assert pipeline.batches == [[b"image of live"], [b"image of bulk 1", b"image of bulk 2"]]
    assert _states(jobs, "live", "bulk 1", "bulk 2") == [JobState.SUCCEEDED] * 3
