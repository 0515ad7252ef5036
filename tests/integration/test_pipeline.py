"""Residency and pipeline in one process, with the real networks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import redis
from PIL import Image

from models.catalogue import load_catalogue
from models.results import Box
from models.weights.store import WeightStore
from vram.redis_fleet import RedisFleet
from vram.redis_ledger import RedisLedger
from workers.answers.analysis import FaceAnswer
from workers.contract import AnalyzeOptions
from workers.devices.device import open_device
from workers.devices.residency import TASKS, Residency
from workers.devices.setup import find_hardware
from workers.errors import ImageRejected
from workers.photos.pipeline import FacePipeline
from workers.settings.process import Settings
from workers.stages.face import clip_box

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def pipeline(weights: WeightStore) -> FacePipeline:
    residency = Residency(store=weights, catalogue=load_catalogue())
    residency.load()
    return FacePipeline(residency, max_pixels=40_000_000)


@pytest.fixture
def photo(photos: dict[str, Path]) -> Callable[[str], bytes]:
    return lambda name: photos[name].read_bytes()


def test_only_what_was_asked_for_is_answered(
    pipeline: FacePipeline, photo: Callable[[str], bytes]
) -> None:
    options = AnalyzeOptions(analyses=("detection",))

    answer = pipeline.analyze(photo("astronaut"), options)

    assert set(answer.models) == {"yunet", "landmarks68"}
    assert set(answer.timings_ms) == {"decode", "detection", "quality", "total"}
    told = answer.model_dump(exclude_unset=True)
    analyses = {"recognition", "anti_spoofing", "deepfake", "demographics"}
    assert not analyses & told["faces"][0].keys()
    assert not analyses & told.keys()


def test_the_largest_faces_are_kept(pipeline: FacePipeline, photo: Callable[[str], bytes]) -> None:
    every = pipeline.analyze(photo("t1"), AnalyzeOptions(analyses=("detection",)))
    two = pipeline.analyze(photo("t1"), AnalyzeOptions(analyses=("detection",), max_faces=2))

    assert two.faces == every.faces[:2]


def test_a_picture_without_faces_is_a_good_answer(pipeline: FacePipeline, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (90, 120, 60)).save(tmp_path / "meadow.png")

    answer = pipeline.analyze((tmp_path / "meadow.png").read_bytes(), AnalyzeOptions())

    assert answer.faces == ()
    assert (answer.image.width, answer.image.height, answer.image.format) == (300, 200, "png")


def test_bytes_that_are_no_image_are_rejected(pipeline: FacePipeline) -> None:
    with pytest.raises(ImageRejected):
        pipeline.analyze(b"no image", AnalyzeOptions())


def test_a_model_that_does_not_fit_the_device_runs_on_the_cpu_and_says_so(
    weights: WeightStore, photo: Callable[[str], bytes], fake_redis: redis.Redis
) -> None:
    settings = Settings(device="sim:64")
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
        opened.residency.load()
        pipeline = FacePipeline(opened.residency, max_pixels=10**7)

        answer = pipeline.analyze(photo("astronaut"), AnalyzeOptions())
    finally:
        opened.keeper.close()

    assert answer.models["sface"].device == "cpu"
    assert answer.models["sface"].reason == "insufficient_vram"
    assert answer.models["yunet"].device == "sim:64"
    assert (answer.device, answer.simulated) == ("sim:64", True)


def test_loading_twice_loads_once(weights: WeightStore) -> None:
    residency = Residency(store=weights, catalogue=load_catalogue())
    residency.load()
    networks = [residency.for_task(task).network for task in TASKS]

    residency.load()

    assert [residency.for_task(task).network for task in TASKS] == networks


def test_a_tilted_head_is_aligned_as_an_upright_one(
    pipeline: FacePipeline, photos: dict[str, Path], tmp_path: Path
) -> None:
    options = AnalyzeOptions(analyses=("recognition",), return_embeddings=True)

    def face(content: bytes) -> FaceAnswer:
        answer = pipeline.analyze(content, options)
        assert answer.detection.landmarks == ("yunet", "landmarks68")
        [face] = answer.faces
        return face

    with Image.open(photos["astronaut"]) as photo:
        photo.convert("RGB").rotate(-35, resample=Image.Resampling.BICUBIC).save(tmp_path / "t.png")
    upright, tilted = (
        face(photos["astronaut"].read_bytes()),
        face((tmp_path / "t.png").read_bytes()),
    )

    assert upright.quality.pose_degrees.roll == pytest.approx(0, abs=6)
    assert tilted.quality.pose_degrees.roll == pytest.approx(35, abs=8)
    assert upright.recognition is not None
    assert tilted.recognition is not None
    # 0.62 on YuNet's own points.
    similarity = np.dot(upright.recognition.embedding or (), tilted.recognition.embedding or ())
    assert similarity > 0.85


def test_an_ensemble_embeds_with_every_installed_model(
    weights: WeightStore, photo: Callable[[str], bytes]
) -> None:
    residency = Residency(store=weights, catalogue=load_catalogue())
    options = AnalyzeOptions(
        analyses=("recognition",), recognition_model="ensemble", return_embeddings=True
    )

    answer = FacePipeline(residency, max_pixels=10**7).analyze(photo("astronaut"), options)

    recognition = answer.faces[0].recognition
    assert recognition is not None
    assert recognition.model == "mobilefacenet_512+sface"
    assert recognition.embedding is not None
    assert len(recognition.embedding) == recognition.embedding_size == 512 + 128
    assert np.linalg.norm(recognition.embedding) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        (Box(x=2, y=3, width=4, height=5), Box(x=2, y=3, width=4, height=5)),
        (Box(x=-2, y=-3, width=4, height=5), Box(x=0, y=0, width=2, height=2)),
        (Box(x=8, y=8, width=9, height=9), Box(x=8, y=8, width=2, height=2)),
        (Box(x=20, y=-9, width=3, height=3), Box(x=10, y=0, width=0, height=0)),
    ],
)
def test_a_box_is_cut_at_the_edges(box: Box, clipped: Box) -> None:
    assert clip_box(box, width=10, height=10) == clipped
