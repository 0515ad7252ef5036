"""Jobs other than photos: done one by one by their work, with the same leases, fences, attempts."""

import time
from collections.abc import Callable, Sequence

import pytest
from pydantic import BaseModel

from models.errors import DeviceFault
from workers.answers.analysis import AnalysisAnswer
from workers.answers.work import WorkAnswer
from workers.batching import BatchPlan
from workers.blobs.store import MemoryBlobs
from workers.contract import AnalyzeOptions, JobRoute, JobState, served_queues
from workers.errors import BlobMissing, NoFace, StoreUnavailable
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.options import CompareOptions, JobKind, VideoOptions
from workers.jobs.records import blob_keys
from workers.jobs.store import Claim, ClaimLimits, NewJob
from workers.photos.attempts import Ends
from workers.photos.photo import Order
from workers.runner import JobRunner
from workers.settings.process import Settings
from workers.work import Work

PLAN = BatchPlan(jobs=4, pixels=1_000, queues=served_queues(None))


class Told(WorkAnswer):
    word: str


class Script:
    """A work that does what it is told; notes the jobs it saw."""

    def __init__(self, act: Callable[[Callable[[], bool]], BaseModel | None]) -> None:
        self.seen: list[str] = []
        self._act = act

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> BaseModel | None:
        self.seen.append(claim.job.id)
        return self._act(is_wanted)


class Photos:
    """A pipeline that notes how many photos it got at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        assert ends == (TimeoutError,)
        self.sizes.append(len(orders))
        return [None for _ in orders]


def _tell(word: str) -> Callable[[object], BaseModel]:
    return lambda _: Told(word=word)


def _raise(error: BaseException) -> Callable[[object], BaseModel]:
    def act(_: object) -> BaseModel:
        raise error

    return act


@pytest.fixture
def runner(jobs: MemoryJobs, blobs: MemoryBlobs) -> Callable[..., JobRunner]:
    def _runner(*, pipeline: Photos | None = None, lease: float = 0.06, **works: Work) -> JobRunner:
        kinds: dict[JobKind, Work] = {}
        kinds |= works  # type: ignore[arg-type]  # of keywords
        return JobRunner(
            jobs=jobs,
            blobs=blobs,
            pipeline=pipeline or Photos(),
            works=kinds,
            lease_seconds=lease,
            plan=PLAN,
        )

    return _runner


@pytest.fixture
def put(jobs: MemoryJobs, blobs: MemoryBlobs) -> Callable[..., str]:
    def _put(
        job_id: str,
        options: CompareOptions | VideoOptions | AnalyzeOptions | None = None,
        *,
        lane: str = "interactive",
    ) -> str:
        keys = blob_keys(job_id, 2)
        for key in keys:
            blobs.put(key, b"photo")
        route = JobRoute(queue=f"cpu.{lane}", reason="no_gpu_device")
        jobs.submit(
            NewJob(id=job_id, options=options or CompareOptions(), route=route, blob_keys=keys)
        )
        return job_id

    return _put


def test_a_job_s_kind_says_who_does_it_and_all_its_files_are_deleted(
    jobs: MemoryJobs,
    blobs: MemoryBlobs,
    runner: Callable[..., JobRunner],
    put: Callable[..., str],
) -> None:
    work, other = Script(_tell("same")), Script(_tell("never"))

    assert runner(compare=work, video=other).run(put("job_1")) == "succeeded"

    assert (work.seen, other.seen) == (["job_1"], [])
    assert jobs.get("job_1").result_json == '{"word":"same"}'
    assert list(blobs.older_than(-1)) == []


def test_such_jobs_are_never_claimed_together(
    jobs: MemoryJobs, runner: Callable[..., JobRunner], put: Callable[..., str]
) -> None:
    work = Script(_tell("done"))
    names = [put(name) for name in ("job_1", "job_2", "job_3")]

    runner(compare=work).run("job_1")

    assert work.seen == ["job_1"]
    assert [jobs.get(name).state for name in names[1:]] == [JobState.QUEUED] * 2


def test_what_a_work_raises_fails_its_job_with_a_code(
    jobs: MemoryJobs, runner: Callable[..., JobRunner], put: Callable[..., str]
) -> None:
    table: list[tuple[BaseException, str]] = [
        (NoFace("The second photo shows no face."), "no_face_detected"),
        (BlobMissing("It is gone."), "image_lost"),
        (TimeoutError(), "timed_out"),
        (KeyError("inside"), "internal_error"),
    ]
    for number, (error, code) in enumerate(table):
        name = put(f"job_{number}")

        assert runner(compare=Script(_raise(error))).run(name) == "failed"

        told = jobs.get(name).error
        assert told is not None
        assert told.code == code


def test_a_work_whose_job_is_cancelled_hears_of_it_and_stops(
    jobs: MemoryJobs, runner: Callable[..., JobRunner], put: Callable[..., str]
) -> None:
    def act(is_wanted: Callable[[], bool]) -> BaseModel | None:
        assert is_wanted()
        jobs.cancel("job_1")
        for _ in range(1_000):
            if not is_wanted():
                return None
            time.sleep(0.005)  # the lease keeper's thread needs some
        return Told(word="too late")

    assert runner(compare=Script(act)).run(put("job_1")) == "cancelled"
    assert jobs.get("job_1").state is JobState.CANCELLED


def test_a_work_that_lost_its_job_writes_nothing(
    jobs: MemoryJobs,
    blobs: MemoryBlobs,
    now: list[float],
    runner: Callable[..., JobRunner],
    put: Callable[..., str],
) -> None:
    def act(_: object) -> BaseModel:
        now[0] += 11
        assert isinstance(jobs.claim("job_1", claim_id="another worker"), Claim)
        return Told(word="late")

    assert runner(compare=Script(act), lease=10).run(put("job_1")) == "lease_lost"
    assert jobs.get("job_1").state is JobState.RUNNING
    assert blobs.get("job_1.1") == b"photo"


@pytest.mark.parametrize(("error", "attempt"), [(DeviceFault(), 1), (SystemExit(), 0)])
def test_a_work_broken_off_by_the_device_or_a_stop_is_queued_again(
    jobs: MemoryJobs,
    runner: Callable[..., JobRunner],
    put: Callable[..., str],
    error: BaseException,
    attempt: int,
) -> None:
    runs = runner(compare=Script(_raise(error)))
    put("job_1")

    if isinstance(error, SystemExit):
        with pytest.raises(SystemExit):
            runs.run("job_1")
    else:
        assert runs.run("job_1") == "given_back"

    job = jobs.get("job_1")
    # Being told to stop is no attempt.
    assert (job.state, job.attempt) == (JobState.QUEUED, attempt)


def test_a_work_that_takes_long_serves_interactive_jobs_between_its_steps(
    jobs: MemoryJobs, runner: Callable[..., JobRunner], put: Callable[..., str]
) -> None:
    photos = Photos()
    order: list[str] = []

    def act(_: object) -> BaseModel:
        put("job_live", AnalyzeOptions())
        put("job_pair", CompareOptions())
        put("job_later", AnalyzeOptions(priority="batch"), lane="bulk")
        runs.serve_interactive()
        order.append("video")
        return Told(word="done")

    def compare(_: object) -> BaseModel:
        order.append("compare")
        return Told(word="pair")

    runs = runner(pipeline=photos, video=Script(act), compare=Script(compare))
    assert runs.run(put("job_1", VideoOptions(priority="batch"), lane="bulk")) == "succeeded"

    assert photos.sizes == [1]
    assert order == ["compare", "video"]
    assert jobs.get("job_live").state is JobState.CANCELLED
    assert jobs.get("job_later").state is JobState.QUEUED


def test_serving_others_ends_in_time_and_survives_a_store_that_is_away(
    settings: Settings, blobs: MemoryBlobs
) -> None:
    class AwayJobs(MemoryJobs):
        def claim_oldest(
            self, queue: str, *, claim_id: str, limits: ClaimLimits, waited_seconds: float
        ) -> Sequence[Claim]:
            raise StoreUnavailable(f"{queue} {claim_id} {limits} {waited_seconds}")

    runs = JobRunner(
        jobs=AwayJobs(settings), blobs=blobs, pipeline=Photos(), lease_seconds=1, plan=PLAN
    )

    runs.serve_interactive()
    runs.serve_interactive(0)
