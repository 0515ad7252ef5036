"""Residency and pipeline in one process, with the real networks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from models.catalogue import load_catalogue
from models.results import Box
from models.store import WeightStore
from vram.ledger import Admission, Resident
from vram.probe import SimulatedProbe
from workers.contract import AnalyzeOptions
from workers.errors import ImageRejected
from workers.pipeline import FacePipeline, clip_box
from workers.residency import TASKS, Residency

pytestmark = pytest.mark.weights


class ScriptedAccount:
    """A device's account of that many bytes."""

    def __init__(self, capacity_bytes: int) -> None:
        self.free_bytes = capacity_bytes
        self.residents: dict[str, Resident] = {}

    def admit(self, resident: Resident) -> Admission:
        fits = resident.vram_bytes <= self.free_bytes
        if fits:
            self.residents[resident.model] = resident
            self.free_bytes -= resident.vram_bytes
        return Admission(
            granted=fits,
            reason="direct_allocation" if fits else "insufficient_space",
            free_bytes=self.free_bytes,
        )

    def release(self, model: str) -> None:
        self.free_bytes += self.residents.pop(model).vram_bytes


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

    assert set(answer.models) == {"detection"}
    assert set(answer.timings_ms) == {"decode", "detection", "total"}
    assert answer.faces[0].recognition is None
    assert answer.faces[0].demographics is None


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
    weights: WeightStore, photo: Callable[[str], bytes]
) -> None:
    sface_bytes = weights.prepared(load_catalogue().model("sface")).stat().st_size
    account = ScriptedAccount(sface_bytes - 1)
    residency = Residency(
        store=weights,
        catalogue=load_catalogue(),
        device="sim:1",
        account=account,
        probe=SimulatedProbe(total_bytes=sface_bytes),
    )
    residency.load()

    answer = FacePipeline(residency, max_pixels=10**7).analyze(photo("astronaut"), AnalyzeOptions())

    assert set(account.residents) == {"yunet", "cydral_age", "cydral_gender"}
    assert answer.models["recognition"].device == "cpu"
    assert answer.models["detection"].device == "sim:1"
    assert (answer.device, answer.simulated) == ("sim:1", True)


def test_loading_twice_loads_once(weights: WeightStore) -> None:
    residency = Residency(store=weights, catalogue=load_catalogue())
    residency.load()
    sessions = [residency.model(task).network for task in TASKS]

    residency.load()

    assert [residency.model(task).network for task in TASKS] == sessions


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
