"""Comparisons, liveness sequences and videos as jobs: claimed, done with real networks, ended."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import redis
from PIL import Image

from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from vram.redis_fleet import RedisFleet
from vram.redis_ledger import RedisLedger
from workers.blobs.store import MemoryBlobs
from workers.contract import JobRoute, JobState
from workers.devices.device import open_device
from workers.devices.residency import Residency
from workers.devices.setup import find_hardware
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.options import CompareOptions, JobOptions, LivenessOptions, VideoOptions
from workers.jobs.records import blob_keys
from workers.jobs.store import Job, NewJob
from workers.photos.pipeline import FacePipeline
from workers.runner import JobRunner
from workers.settings.process import Settings
from workers.work import Work
from workers.works import build_works

pytestmark = pytest.mark.weights

ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
GREY = np.full((120, 160, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def residency(weights: WeightStore) -> Residency:
    return Residency(store=weights, catalogue=load_catalogue())


class Bench:
    """Jobs, and a runner that does them."""

    def __init__(self, residency: Residency, settings: Settings) -> None:
        self.jobs, self.blobs = MemoryJobs(settings), MemoryBlobs()
        works = build_works(settings, residency, self.blobs)
        self.works: dict[Any, Work] = dict(works)
        self.runner = JobRunner(
            jobs=self.jobs,
            blobs=self.blobs,
            pipeline=FacePipeline(residency, max_pixels=1_000_000),
            works=self.works,
            lease_seconds=15,
        )

    def submit(self, options: JobOptions, contents: Sequence[bytes]) -> str:
        keys = blob_keys("job_1", len(contents))
        for key, content in zip(keys, contents, strict=True):
            self.blobs.put(key, content)
        self.jobs.submit(NewJob(id="job_1", options=options, route=ROUTE, blob_keys=keys))
        return "job_1"

    def ended(self, options: JobOptions, *contents: bytes) -> Job:
        self.runner.run(self.submit(options, contents))
        assert list(self.blobs.older_than(-1)) == []
        return self.jobs.get("job_1")


@pytest.fixture
def bench(residency: Residency) -> Callable[..., Bench]:
    return lambda **settings: Bench(residency, Settings(**settings))


@pytest.fixture
def photo(photos: dict[str, Path]) -> Callable[[str], bytes]:
    return lambda name: photos[name].read_bytes()


def _result(job: Job) -> dict[str, Any]:
    assert job.state is JobState.SUCCEEDED, job.error
    assert job.result_json is not None
    found: dict[str, Any] = json.loads(job.result_json)
    return found


def _code(job: Job) -> str:
    assert job.state is JobState.FAILED
    assert job.error is not None
    return job.error.code


def _jpeg(pixels: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()


def _turned(content: bytes) -> bytes:
    return _jpeg(
        np.asarray(Image.open(io.BytesIO(content)).convert("RGB").rotate(4))[20:-20, 20:-20]
    )


def _clip(folder: Path, pictures: Sequence[np.ndarray[Any, Any]]) -> bytes:
    """Ten pictures (RGB, of one size) a second, as AVI."""
    height, width = pictures[0].shape[:2]
    path = folder / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width, height))
    for picture in pictures:
        writer.write(picture[:, :, ::-1])
    writer.release()
    return path.read_bytes()


@pytest.fixture
def person(photo: Callable[[str], bytes]) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(photo("astronaut"))).convert("RGB"))


def test_a_person_is_the_same_in_two_photos_and_another_is_not(
    bench: Callable[..., Bench], photo: Callable[[str], bytes]
) -> None:
    astronaut = photo("astronaut")

    same = _result(bench().ended(CompareOptions(), astronaut, _turned(astronaut)))
    others = _result(bench().ended(CompareOptions(threshold=0.99), astronaut, photo("t1")))

    assert same["is_match"]
    assert same["similarity"] > 0.8 > same["threshold"]
    assert same["far"] == 1e-3
    assert [face["faces"] for face in same["faces"]] == [1, 1]
    assert all(0 < face["quality_score"] <= 1 for face in same["faces"])
    assert (same["device"], same["simulated"]) == ("cpu", False)
    assert same["timings_ms"]["total"] > 0
    assert not others["is_match"]
    # A threshold of the caller's own was measured at no rate.
    assert (others["threshold"], others["far"]) == (0.99, None)


def test_a_photo_that_can_t_be_compared_fails_its_job_by_name(
    bench: Callable[..., Bench], photo: Callable[[str], bytes]
) -> None:
    astronaut = photo("astronaut")

    empty = bench().ended(CompareOptions(), astronaut, _jpeg(GREY))
    cut = bench().ended(CompareOptions(), astronaut[: len(astronaut) // 2], astronaut)
    rate = bench().ended(CompareOptions(far=0.3), astronaut, astronaut)

    assert _code(empty) == "no_face_detected"
    assert empty.error is not None
    assert empty.error.message == "The second photo shows no face. Send one that does."
    assert _code(cut) == "image_truncated"
    assert _code(rate) == "threshold_not_measured"


def test_a_still_photo_sent_several_times_is_believed_less(
    bench: Callable[..., Bench], photo: Callable[[str], bytes]
) -> None:
    astronaut = photo("astronaut")

    result = _result(bench().ended(LivenessOptions(), *[astronaut] * 3))

    assert "no_motion" in result["reasons"]
    assert result["confidence"] == pytest.approx(0.7 * result["score"], abs=1e-3)
    assert len(result["frames"]) == 3
    assert result["motion"]["displacement"] == pytest.approx(0, abs=1e-3)
    assert {frame["device"] for frame in result["frames"]} == {"cpu"}


def test_where_anti_spoofing_may_not_run_no_sequence_is_judged(
    bench: Callable[..., Bench], photo: Callable[[str], bytes]
) -> None:
    job = bench(anti_spoofing_cpu="refuse").ended(LivenessOptions(), *[photo("astronaut")] * 2)

    assert _code(job) == "cpu_refused"


def test_a_person_in_a_video_is_followed_and_judged(
    bench: Callable[..., Bench], person: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    clip = _clip(tmp_path, [person[:340]] * 20)

    result = _result(bench().ended(VideoOptions(max_frames=5), clip))

    assert result["video"]["duration_seconds"] == pytest.approx(2)
    assert result["sampled_frames"] == 4
    [track] = result["tracks"]
    assert (track["frames"], len(track["appearances"])) == (4, 4)
    assert track["similarity"] > 0.9
    assert all(one["bbox"]["width"] > 50 for one in track["appearances"])
    assert {"yunet", "sface"} < set(result["models"])
    assert {model["device"] for model in result["models"].values()} == {"cpu"}
    assert result["device"] == "cpu"


def test_a_video_that_is_none_or_too_long_fails_its_job(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    clip = _clip(tmp_path, [GREY] * 20)

    assert (
        _code(bench().ended(VideoOptions(), b"\0\0\0\x18ftypmp42" + bytes(99)))
        == "video_undecodable"
    )
    assert _code(bench(max_video_seconds=1).ended(VideoOptions(), clip)) == "video_too_long"
    assert _code(bench(max_video_pixels=16_000).ended(VideoOptions(), clip)) == "video_too_large"


def test_a_video_nobody_wants_any_more_is_left_in_the_middle(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench_ = bench()
    job_id = bench_.submit(VideoOptions(), [_clip(tmp_path, [GREY] * 40)])
    claim = bench_.jobs.claim(job_id, claim_id="me")
    assert not isinstance(claim, str)
    asked: list[bool] = []

    def is_wanted() -> bool:
        asked.append(True)
        return len(asked) < 4

    assert bench_.works["video"].run(claim, is_wanted=is_wanted) is None
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("options", "photos_sent", "disabled"),
    [
        (CompareOptions(), 2, "recognition"),
        (LivenessOptions(), 2, "anti_spoofing"),
        (VideoOptions(), 1, "recognition"),
    ],
)
def test_an_analysis_that_is_switched_off_is_not_done_whoever_sent_the_job(
    bench: Callable[..., Bench], options: JobOptions, photos_sent: int, disabled: str
) -> None:
    job = bench(disabled_analyses=disabled).ended(options, *[_jpeg(GREY)] * photos_sent)

    assert _code(job) == "analysis_disabled"


@pytest.mark.parametrize("size_mib", [6144, 64])
def test_on_a_device_a_work_holds_its_models_there_and_says_what_had_no_room(
    weights: WeightStore,
    fake_redis: redis.Redis,
    photo: Callable[[str], bytes],
    person: np.ndarray[Any, Any],
    tmp_path: Path,
    size_mib: int,
) -> None:
    settings = Settings(device=f"sim:{size_mib}")
    hardware = find_hardware(settings)
    assert hardware is not None
    opened = open_device(
        settings,
        hardware,
        ledger=RedisLedger(fake_redis, silent_seconds=15),
        fleet=RedisFleet(fake_redis),
        store=weights,
        catalogue=load_catalogue(),
    )
    try:
        bench = Bench(opened.residency, settings)
        clip = _clip(tmp_path, [person[:340]] * 10)

        video = _result(bench.ended(VideoOptions(), clip))
        bench = Bench(opened.residency, settings)
        pair = _result(bench.ended(CompareOptions(), photo("astronaut"), photo("astronaut")))
    finally:
        opened.keeper.close()

    assert (video["device"], video["simulated"]) == (f"sim:{size_mib}", True)
    devices = {name: model["device"] for name, model in video["models"].items()}
    roomless = [name for name, device in devices.items() if device == "cpu"]
    assert {note["model"] for note in video.get("degraded", ())} == set(roomless)
    # The largest of its models takes more than 64 MiB.
    assert bool(roomless) == (size_mib == 64)
    assert pair["similarity"] == pytest.approx(1, abs=1e-3)
