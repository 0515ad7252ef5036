"""Frames become jobs that nobody sees in a list, and their ends become answers."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Self

import pytest
import redis

from api.errors import ApiError
from api.live.analysis import LiveFrame
from api.live_desk import JobDesk
from api.principal import LOCAL, Principal, Scope
from api.services import Services
from api.testing import memory_parts
from workers.contract import AnalyzeOptions, JobError
from workers.dispatch import MemoryJobQueue
from workers.errors import StoreUnavailable
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim
from workers.settings.process import Settings

OPTIONS = AnalyzeOptions()
FACE_ID = f"face_{1:032x}"


@pytest.fixture
def settings() -> Settings:
    return Settings(auth="off", live_frame_seconds=1, max_waiting_jobs=3)


@pytest.fixture
def desk(parts: Services) -> JobDesk:
    return JobDesk(parts, LOCAL)


@pytest.fixture
def worker(parts: Services) -> Iterator["Worker"]:
    with Worker(parts) as worker:
        yield worker


class Worker:
    """Ends every job it is woken for, as it is told to, in a thread of its own."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts
        self._over = threading.Event()
        self.claims: list[Claim] = []
        self.end: Callable[[Claim], None] = self.succeed
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def succeed(self, claim: Claim) -> None:
        self._parts.jobs.succeed(claim, '{"faces": []}')

    def fail(self, claim: Claim) -> None:
        error = JobError(code="image_unreadable", message="No image.", retryable=False)
        self._parts.jobs.fail(claim, error)

    def _work(self) -> None:
        queue = self._parts.queue
        assert isinstance(queue, MemoryJobQueue)
        while not self._over.wait(0.005):
            if (woken := queue.take()) is None:
                continue
            claim = self._parts.jobs.claim(woken[0], claim_id="test")
            if isinstance(claim, Claim):
                self.claims.append(claim)
                self.end(claim)


def frame(content: bytes | None) -> LiveFrame:
    return LiveFrame(id=None, content=content, options=OPTIONS)


def test_a_frame_s_answer_is_its_job_s_result(
    desk: JobDesk, worker: Worker, photo: Callable[..., bytes]
) -> None:
    answer = desk.analyse(frame(photo()))

    assert (answer["type"], answer["result"]) == ("result", {"faces": []})
    assert set(answer["timings_ms"]) == {"queued", "run", "total"}
    [claim] = worker.claims
    assert (claim.job.is_listed, claim.job.owner) == (False, "local")
    assert claim.job.options.priority == "interactive"


def test_a_job_that_fails_is_told_in_its_words(
    desk: JobDesk, worker: Worker, photo: Callable[..., bytes]
) -> None:
    worker.end = worker.fail

    answer = desk.analyse(frame(photo()))

    assert answer == {
        "type": "error",
        "code": "image_unreadable",
        "message": "No image.",
        "retryable": False,
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "invalid_request"), (b"", "image_empty"), (b"GIF89a", "invalid_image_format")],
)
def test_what_is_no_image_makes_no_job(
    desk: JobDesk, parts: Services, content: bytes | None, code: str
) -> None:
    answer = desk.analyse(frame(content))

    assert (answer["type"], answer["code"]) == ("error", code)
    assert parts.jobs.waiting() == 0


def test_a_frame_nobody_analyses_is_given_up_and_its_job_cancelled(
    desk: JobDesk, parts: Services, photo: Callable[..., bytes]
) -> None:
    answer = desk.analyse(frame(photo()))

    assert (answer["code"], answer["retryable"]) == ("frame_expired", True)
    assert parts.jobs.waiting() == 0
    assert list(parts.blobs.older_than(-1)) == []


def test_frames_of_a_client_that_leaves_are_cancelled_at_once(
    desk: JobDesk, parts: Services, photo: Callable[..., bytes]
) -> None:
    answers: list[Any] = []
    carrier = threading.Thread(target=lambda: answers.append(desk.analyse(frame(photo()))))
    carrier.start()
    while not parts.jobs.waiting():
        pass

    desk.leave()

    carrier.join(timeout=0.9)  # sooner than a frame's time is over
    assert not carrier.is_alive()
    assert parts.jobs.waiting() == 0
    assert list(parts.blobs.older_than(-1)) == []


def test_a_fleet_with_too_much_to_do_refuses_frames(
    desk: JobDesk, parts: Services, photo: Callable[..., bytes]
) -> None:
    others = JobDesk(parts, LOCAL)
    threads = [threading.Thread(target=others.analyse, args=(frame(photo()),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    while parts.jobs.waiting() < 3:
        pass

    answer = desk.analyse(frame(photo()))

    others.leave()
    for thread in threads:
        thread.join()
    assert (answer["code"], answer["retryable"]) == ("queue_full", True)


def test_a_user_s_frames_count_as_photos(
    fake_redis: redis.Redis, photo: Callable[..., bytes]
) -> None:
    parts = memory_parts(Settings(auth="off", limit_images_per_hour=1), fake_redis)
    user = Principal(user_id="user_1", role="user", scopes=frozenset({Scope.ANALYZE}), kind="key")
    with Worker(parts):
        desk = JobDesk(parts, user)

        answers = [desk.analyse(frame(photo())) for _ in range(2)]

    assert [one.get("code") for one in answers] == [None, "rate_limit_exceeded"]


def test_a_store_that_is_away_is_an_answer_not_a_fault(
    parts: Services, photo: Callable[..., bytes]
) -> None:
    class Away(MemoryJobs):
        def submit(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - never answers
            raise StoreUnavailable("gone")

    away = replace(parts, jobs=Away(parts.settings))

    answer = JobDesk(away, LOCAL).analyse(frame(photo()))

    assert (answer["code"], answer["retryable"]) == ("store_unavailable", True)
    assert list(parts.blobs.older_than(-1)) == []


def test_the_options_are_those_of_a_photo_and_always_interactive(desk: JobDesk) -> None:
    asked = desk.options({"confidence_threshold": 0.7, "priority": "batch"}, ["detection"])

    assert (asked.min_confidence, asked.priority) == (0.7, "interactive")
    assert asked.analyses == ("detection",)


@pytest.mark.parametrize("name", ["tags", "webhook_url", "options", "nonsense"])
def test_a_frame_has_no_other_options(desk: JobDesk, name: str) -> None:
    with pytest.raises(ApiError) as refused:
        desk.options({name: "x"}, None)

    assert refused.value.code == "unknown_option"
