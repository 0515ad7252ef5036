"""Residency and pipeline in one process, with the real networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.catalogue import fetchable, load_catalogue
from models.contract import Tensors
from models.errors import InferenceFailed, WeightsMissing
from models.results import Box
from models.spec import PinnedFile
from models.store import WeightStore
from models.testing import ScriptedSession
from vram.ledger import Admission, Resident
from vram.probe import SimulatedProbe
from workers.contract import ANALYSES, Analysis, AnalyzeOptions
from workers.errors import ImageRejected
from workers.pipeline import FacePipeline
from workers.residency import TASKS, LoadedModel, Residency
from workers.stages.face import clip_box

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

    assert set(answer.models) == {"yunet"}
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

    assert {"yunet", "cydral_age", "cydral_gender"} <= set(account.residents)
    assert "sface" not in account.residents
    assert answer.models["sface"].device == "cpu"
    assert answer.models["yunet"].device == "sim:1"
    assert (answer.device, answer.simulated) == ("sim:1", True)


def test_loading_twice_loads_once(weights: WeightStore) -> None:
    residency = Residency(store=weights, catalogue=load_catalogue())
    residency.load()
    networks = [residency.for_task(task).network for task in TASKS]

    residency.load()

    assert [residency.for_task(task).network for task in TASKS] == networks


def _file(name: str) -> PinnedFile:
    [file] = fetchable([load_catalogue().model(name)])
    return file


@pytest.fixture(scope="module")
def detector_only(weights: WeightStore, tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    """A store that has YuNet's file and nothing else."""
    store = WeightStore(tmp_path_factory.mktemp("few"))
    store.import_from(weights.path(_file("yunet")), load_catalogue())
    return store


def test_an_analysis_without_weights_is_null_with_a_reason_and_the_rest_is_done(
    detector_only: WeightStore, photo: Callable[[str], bytes]
) -> None:
    residency = Residency(store=detector_only, catalogue=load_catalogue())
    residency.load()
    options = AnalyzeOptions(analyses=ANALYSES)

    answer = FacePipeline(residency, max_pixels=10**7).analyze(photo("astronaut"), options)

    told = answer.model_dump(exclude_unset=True)
    assert len(told["faces"]) == 1
    for name in ("recognition", "anti_spoofing", "deepfake", "demographics"):
        assert told["faces"][0][name] is None
        assert told["unavailable"][name]["code"] == "model_not_installed"
        assert "facesocial models pull" in told["unavailable"][name]["message"]


def test_without_a_detector_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="models pull yunet"):
        Residency(store=WeightStore(tmp_path), catalogue=load_catalogue()).load()


def test_weights_that_come_later_are_found(weights: WeightStore, tmp_path: Path) -> None:
    store = WeightStore(tmp_path)
    store.import_from(weights.path(_file("yunet")), load_catalogue())
    residency = Residency(store=store, catalogue=load_catalogue())
    with pytest.raises(WeightsMissing):
        residency.for_task("gender")

    store.import_from(weights.path(_file("cydral_gender")), load_catalogue())

    assert residency.for_task("gender").network.spec.id == "cydral_gender"


def test_anti_spoofing_that_may_not_run_on_the_cpu_answers_nothing(
    weights: WeightStore, photo: Callable[[str], bytes]
) -> None:
    residency = Residency(store=weights, catalogue=load_catalogue())
    pipeline = FacePipeline(residency, max_pixels=10**7, anti_spoofing_cpu="refuse")

    answer = pipeline.analyze(photo("t1"), AnalyzeOptions(analyses=("anti_spoofing",)))

    assert len(answer.faces) == 6
    assert [face.anti_spoofing for face in answer.faces] == [None] * 6
    assert answer.unavailable["anti_spoofing"].code == "cpu_refused"


def test_an_analysis_that_is_switched_off_answers_nothing(
    weights: WeightStore, photo: Callable[[str], bytes]
) -> None:
    residency = Residency(store=weights, catalogue=load_catalogue())
    off: tuple[Analysis, ...] = ("demographics",)
    pipeline = FacePipeline(residency, max_pixels=10**7, disabled_analyses=off)

    answer = pipeline.analyze(photo("astronaut"), AnalyzeOptions())

    assert answer.unavailable["demographics"].code == "analysis_disabled"
    assert answer.faces[0].demographics is None
    assert answer.faces[0].recognition is not None
    assert set(answer.models) == {"yunet", "sface"}


def test_counted_demographics_tell_of_no_single_face(
    weights: WeightStore, photo: Callable[[str], bytes]
) -> None:
    residency = Residency(store=weights, catalogue=load_catalogue())
    pipeline = FacePipeline(residency, max_pixels=10**7, demographics_answers="aggregate_only")

    answer = pipeline.analyze(photo("t1"), AnalyzeOptions(analyses=("demographics",)))

    assert [face.demographics for face in answer.faces] == [None] * 6
    assert answer.demographics is not None
    assert answer.demographics.faces == 6
    shown = (*answer.demographics.age_groups.values(), *answer.demographics.genders.values())
    assert all(value >= answer.demographics.smallest_group for value in shown)


def _fail(_: Tensors) -> Tensors:
    raise InferenceFailed("out of memory")


class BrokenCenterFace(Residency):
    """Everything works but CenterFace."""

    def model(self, model_id: str) -> LoadedModel:
        loaded = super().model(model_id)
        if model_id != "centerface":
            return loaded
        session = ScriptedSession.of(loaded.network.spec, _fail)
        return replace(loaded, network=replace(loaded.network, session=session))


def test_an_engine_that_fails_is_replaced_and_the_answer_says_so(
    weights: WeightStore, photo: Callable[[str], bytes]
) -> None:
    residency = BrokenCenterFace(store=weights, catalogue=load_catalogue())
    pipeline = FacePipeline(residency, max_pixels=10**7)

    answer = pipeline.analyze(
        photo("astronaut"), AnalyzeOptions(analyses=("detection",), engine="centerface")
    )

    assert len(answer.faces) == 1
    assert answer.detection.engine == "yunet"
    assert answer.detection.requested == "centerface"
    assert answer.detection.fallback is not None
    assert answer.detection.fallback.engine == "centerface"
    assert "out of memory" in answer.detection.fallback.reason


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
