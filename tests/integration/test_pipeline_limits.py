"""What the pipeline says of analyses it can't or may not do."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from models.catalogue import fetchable, load_catalogue
from models.contract import Tensors
from models.errors import InferenceFailed, WeightsMissing
from models.spec import PinnedFile
from models.testing import ScriptedSession
from models.weights.store import WeightStore
from workers.contract import ANALYSES, Analysis, AnalyzeOptions
from workers.devices.loaded import LoadedModel
from workers.devices.residency import Residency
from workers.photos.pipeline import FacePipeline

pytestmark = pytest.mark.weights


@pytest.fixture
def photo(photos: dict[str, Path]) -> Callable[[str], bytes]:
    return lambda name: photos[name].read_bytes()


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
    assert told["detection"]["landmarks"] == ("yunet",)
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
    assert set(answer.models) == {"yunet", "landmarks68", "sface"}


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


class BrokenModels(Residency):
    """Everything works but these."""

    broken: frozenset[str] = frozenset({"centerface", "faceplugin_liveness"})

    @contextmanager
    def use(self, ids: Sequence[str], *, some: bool = False) -> Iterator[list[LoadedModel]]:
        with super().use(ids, some=some) as models:
            yield [self._broken(model) for model in models]

    def _broken(self, loaded: LoadedModel) -> LoadedModel:
        if loaded.network.spec.id not in self.broken:
            return loaded
        session = ScriptedSession.of(loaded.network.spec, _fail)
        return LoadedModel(network=replace(loaded.network, session=session), device=loaded.device)


def test_an_engine_that_fails_is_replaced_and_the_answer_says_so(
    weights: WeightStore, photo: Callable[[str], bytes]
) -> None:
    residency = BrokenModels(store=weights, catalogue=load_catalogue())
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


def test_a_model_that_fails_leaves_its_analysis_null_and_the_rest_done(
    weights: WeightStore, photo: Callable[[str], bytes]
) -> None:
    residency = BrokenModels(store=weights, catalogue=load_catalogue())
    options = AnalyzeOptions(analyses=("anti_spoofing", "demographics"))

    answer = FacePipeline(residency, max_pixels=10**7).analyze(photo("astronaut"), options)

    assert answer.unavailable["anti_spoofing"].code == "inference_failed"
    assert answer.faces[0].anti_spoofing is None
    assert answer.faces[0].demographics is not None
