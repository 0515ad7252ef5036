"""One wake-up from claim to end, faults included."""

import json
from collections.abc import Callable, Sequence

import pytest

from models.errors import InferenceFailed, WeightsMissing
from workers.answers.analysis import AnalysisAnswer, DetectionAnswer, ImageAnswer
from workers.blobs.store import MemoryBlobs
from workers.contract import AnalyzeOptions, JobRoute, JobState
from workers.errors import BlobMissing, BlobStoreFailed, ImageRejected, StoreUnavailable
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim, NewJob
from workers.photos.attempts import Ends
from workers.photos.photo import Order
from workers.runner import JobRunner
from workers.settings.process import Settings

ANSWER = AnalysisAnswer(
    image=ImageAnswer(width=4, height=3, format="png", exif_orientation=1),
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
    device="cpu",
    simulated=False,
    timings_ms={"total": 1.0},
)


class OutOfTimeError(Exception):
    """What this runner's tasks get when they run too long."""


class ScriptedPipeline:
    """Answers, or raises what it was given; tells what it saw."""

    def __init__(self, act: Callable[[], AnalysisAnswer] = lambda: ANSWER) -> None:
        self.act = act
        self.seen: list[tuple[bytes, AnalyzeOptions]] = []

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        return [self._analyze(order, ends) for order in orders]

    def _analyze(self, order: Order, ends: Ends) -> AnalysisAnswer | Exception | None:
        try:
            self.seen.append((order.read(), order.options))
            return self.act()
        except ends:
            raise
        except Exception as error:  # noqa: BLE001 - as the pipeline does
            return error


def _raises(error: Exception) -> Callable[[], AnalysisAnswer]:
    def act() -> AnalysisAnswer:
        raise error

    return act


def _runner(
    jobs: MemoryJobs, blobs: MemoryBlobs, pipeline: ScriptedPipeline, *, lease: float = 10
) -> JobRunner:
    return JobRunner(
        jobs=jobs,
        blobs=blobs,
        pipeline=pipeline,
        lease_seconds=lease,
        time_limit_error=OutOfTimeError,
    )


def test_a_job_is_analysed_once_and_its_image_deleted(
    jobs: MemoryJobs, blobs: MemoryBlobs, submit: Callable[[str], str]
) -> None:
    pipeline = ScriptedPipeline()
    runner = _runner(jobs, blobs, pipeline)

    assert runner.run(submit("job_1")) == "succeeded"
    assert runner.run("job_1") == "finished"

    assert pipeline.seen == [(b"image of job_1", AnalyzeOptions())]
    result = jobs.get("job_1").result_json
    assert result is not None
    answer = json.loads(result)
    assert answer["image"]["width"] == 4
    # Null is an answer; what was not asked for is left out.
    assert answer["detection"]["fallback"] is None
    assert "deepfake" not in answer
    with pytest.raises(BlobMissing):
        blobs.get("job_1")


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (ImageRejected("image_truncated", "The image ends too early."), "image_truncated", False),
        (InferenceFailed("shape"), "inference_failed", True),
        (WeightsMissing("no weights"), "model_not_installed", False),
        (OutOfTimeError(), "timed_out", False),
        (ZeroDivisionError("inside"), "internal_error", False),
    ],
)
def test_a_fault_ends_the_job_with_its_code(
    jobs: MemoryJobs,
    blobs: MemoryBlobs,
    submit: Callable[[str], str],
    error: Exception,
    code: str,
    retryable: bool,
) -> None:
    outcome = _runner(jobs, blobs, ScriptedPipeline(_raises(error))).run(submit("job_1"))

    job = jobs.get("job_1")
    assert outcome == "failed"
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert (job.error.code, job.error.retryable) == (code, retryable)
    assert "inside" not in job.error.message
    with pytest.raises(BlobMissing):
        blobs.get("job_1")


def test_a_lost_image_is_told_as_retryable(
    jobs: MemoryJobs, blobs: MemoryBlobs, submit: Callable[[str], str]
) -> None:
    blobs.delete(submit("job_1"))

    assert _runner(jobs, blobs, ScriptedPipeline()).run("job_1") == "failed"

    error = jobs.get("job_1").error
    assert error is not None
    assert (error.code, error.retryable) == ("image_lost", True)


def test_nothing_is_done_for_unknown_or_busy_jobs(
    jobs: MemoryJobs, blobs: MemoryBlobs, submit: Callable[[str], str]
) -> None:
    pipeline = ScriptedPipeline()
    jobs.claim(submit("job_1"), claim_id="another worker")

    assert _runner(jobs, blobs, pipeline).run("job_x") == "missing"
    assert _runner(jobs, blobs, pipeline).run("job_1") == "busy"
    assert pipeline.seen == []


def test_a_worker_that_lost_its_job_writes_nothing_and_keeps_the_image(
    jobs: MemoryJobs, blobs: MemoryBlobs, submit: Callable[[str], str], now: list[float]
) -> None:
    def lose() -> AnalysisAnswer:
        now[0] += 11
        assert isinstance(jobs.claim("job_1", claim_id="another worker"), Claim)
        return ANSWER

    outcome = _runner(jobs, blobs, ScriptedPipeline(lose)).run(submit("job_1"))

    assert outcome == "lease_lost"
    assert jobs.get("job_1").state is JobState.RUNNING
    assert blobs.get("job_1") == b"image of job_1"


def test_a_poisoned_job_s_image_is_deleted(
    jobs: MemoryJobs,
    blobs: MemoryBlobs,
    submit: Callable[[str], str],
    now: list[float],
    settings: Settings,
) -> None:
    submit("job_1")
    for number in range(settings.job_max_attempts):
        jobs.claim("job_1", claim_id=str(number))
        now[0] += 11

    assert _runner(jobs, blobs, ScriptedPipeline()).run("job_1") == "poisoned"

    with pytest.raises(BlobMissing):
        blobs.get("job_1")


def test_an_end_is_written_through_a_short_absence_of_the_store(
    settings: Settings, blobs: MemoryBlobs
) -> None:
    class FlakyJobs(MemoryJobs):
        absences = 2

        def succeed(self, claim: Claim, result_json: str) -> None:
            if self.absences:
                self.absences -= 1
                raise StoreUnavailable
            super().succeed(claim, result_json)

    jobs = FlakyJobs(settings)
    _submit_to(jobs, blobs)

    assert _runner(jobs, blobs, ScriptedPipeline()).run("job_1") == "succeeded"
    assert jobs.get("job_1").state is JobState.SUCCEEDED


def test_a_store_that_stays_away_leaves_the_job_to_its_lease(
    settings: Settings, blobs: MemoryBlobs
) -> None:
    class AwayJobs(MemoryJobs):
        def succeed(self, claim: Claim, result_json: str) -> None:
            raise StoreUnavailable(f"{claim.job.id} {len(result_json)}")

    jobs = AwayJobs(settings)
    _submit_to(jobs, blobs)

    with pytest.raises(StoreUnavailable):
        _runner(jobs, blobs, ScriptedPipeline(), lease=0.3).run("job_1")

    assert jobs.get("job_1").state is JobState.RUNNING
    assert blobs.get("job_1")


def test_an_image_that_can_t_be_deleted_does_not_undo_the_answer(
    jobs: MemoryJobs, submit: Callable[[str], str]
) -> None:
    class StickyBlobs(MemoryBlobs):
        def delete(self, key: str) -> None:
            raise BlobStoreFailed(key)

    sticky = StickyBlobs()
    sticky.put(submit("job_1"), b"image")

    assert _runner(jobs, sticky, ScriptedPipeline()).run("job_1") == "succeeded"


def _submit_to(jobs: MemoryJobs, blobs: MemoryBlobs) -> None:
    blobs.put("job_1", b"image")
    route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
    jobs.submit(NewJob(id="job_1", options=AnalyzeOptions(), route=route, blob_keys=("job_1",)))
