"""Naming faces as the pipeline's last step, with real networks and a scripted namer."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from workers.answers.analysis import AnalysisAnswer
from workers.answers.identity import IdentificationAnswer, IdentityAnswer
from workers.contract import Analysis, AnalyzeOptions, IdentifyOptions
from workers.devices.residency import Residency
from workers.errors import StoreUnavailable
from workers.job_errors import job_error
from workers.naming import Named, NamingOrder
from workers.photos.photo import Order
from workers.photos.pipeline import FacePipeline
from workers.stages.stage import AnalysisUnavailable

pytestmark = pytest.mark.weights

UID = "col_" + "1" * 32
DISABLED: tuple[Analysis, ...] = ("recognition",)
NOBODY = IdentityAnswer(
    decision="unknown",
    person=None,
    candidates=(),
    similarity=0.1,
    margin=None,
    reasons=("below_threshold",),
)
WHOLE = IdentificationAnswer.model_construct(collection="album")


class ScriptedNamer:
    """Knows nobody; its store is away for images of the cause "away"."""

    def __init__(self) -> None:
        self.calls: list[list[NamingOrder]] = []

    def name(self, orders: Sequence[NamingOrder]) -> list[Named | Exception]:
        self.calls.append(list(orders))
        return [self._name(order) for order in orders]

    def _name(self, order: NamingOrder) -> Named | Exception:
        if order.cause == "away":
            return StoreUnavailable()
        return Named(whole=WHOLE, faces=[NOBODY for _ in order.faces])


@pytest.fixture
def residency(weights: WeightStore) -> Residency:
    return Residency(store=weights, catalogue=load_catalogue())


@pytest.fixture
def order(photos: dict[str, Path]) -> Callable[..., Order]:
    def _order(name: str = "astronaut", cause: str = "job_1", **more: object) -> Order:
        asked: dict[str, object] = {
            "analyses": ("recognition",),
            "identify": IdentifyOptions(collection=UID),
        }
        options = AnalyzeOptions.model_validate(asked | more)
        return Order(read=photos[name].read_bytes, options=options, cause=cause)

    return _order


def test_photos_that_share_a_batch_are_named_together_and_fail_alone(
    residency: Residency, order: Callable[..., Order]
) -> None:
    namer = ScriptedNamer()
    pipeline = FacePipeline(residency, max_pixels=40_000_000, namer=namer)
    unnamed = order(identify=None)

    one, away, other, plain = pipeline.analyze_many(
        [order(), order(cause="away"), order("t1", cause="job_3"), unnamed]
    )

    # The one that asks for nobody shares the batch all the same.
    [call] = namer.calls
    assert [each.cause for each in call] == ["job_1", "away", "job_3"]
    assert isinstance(away, StoreUnavailable)
    assert isinstance(one, AnalysisAnswer)
    assert isinstance(other, AnalysisAnswer)
    assert isinstance(plain, AnalysisAnswer)
    assert other.identification is WHOLE
    assert [face.identity for face in other.faces] == [NOBODY] * len(other.faces)
    assert len(call[2].faces) == len(other.faces) > 1
    assert (plain.identification, plain.faces[0].identity) == (None, None)


def test_where_nobody_is_known_nobody_is_named_and_the_job_fails(
    residency: Residency, order: Callable[..., Order]
) -> None:
    [outcome] = FacePipeline(residency, max_pixels=40_000_000).analyze_many([order()])

    assert isinstance(outcome, AnalysisUnavailable)
    told = job_error(outcome, time_limit_error=TimeoutError)
    assert told.code == "identification_unavailable"


def test_without_embeddings_nobody_is_named_and_the_job_fails(
    residency: Residency, order: Callable[..., Order]
) -> None:
    namer = ScriptedNamer()
    off = FacePipeline(residency, max_pixels=40_000_000, disabled_analyses=DISABLED, namer=namer)
    on = FacePipeline(residency, max_pixels=40_000_000, namer=namer)

    [disabled] = off.analyze_many([order()])
    [not_asked] = on.analyze_many([order(analyses=("detection",))])

    assert isinstance(disabled, AnalysisUnavailable)
    assert disabled.code == "analysis_disabled"
    assert isinstance(not_asked, AnalysisUnavailable)
    assert not_asked.code == "identification_unavailable"
    assert namer.calls == []


def test_a_gate_is_told_by_its_own_analysis(
    residency: Residency, order: Callable[..., Order]
) -> None:
    namer = ScriptedNamer()
    pipeline = FacePipeline(residency, max_pixels=40_000_000, namer=namer)
    asked = IdentifyOptions(collection=UID, require=("live", "authentic"))

    [judged] = pipeline.analyze_many(
        [order(analyses=("recognition", "anti_spoofing", "deepfake"), identify=asked)]
    )
    pipeline.analyze_many([order(analyses=("recognition",), identify=asked)])

    assert isinstance(judged, AnalysisAnswer)
    [face] = judged.faces
    assert face.anti_spoofing is not None
    assert face.deepfake is not None
    expected = {"live": (), "spoof": ("spoof_suspected",), "retake": ("liveness_uncertain",)}[
        face.anti_spoofing.outcome
    ] + {
        "authentic": (),
        "manipulated": ("manipulated_suspected",),
        "inconclusive": ("authenticity_uncertain",),
    }[face.deepfake.verdict or "inconclusive"]
    [[with_analyses], [without]] = namer.calls
    assert with_analyses.faces[0].refusals == expected
    assert without.faces[0].refusals == ("liveness_not_judged", "authenticity_not_judged")


def test_a_photo_without_faces_is_named_too_so_that_it_is_noted(
    residency: Residency, order: Callable[..., Order]
) -> None:
    namer = ScriptedNamer()
    pipeline = FacePipeline(residency, max_pixels=40_000_000, namer=namer)

    [answer] = pipeline.analyze_many([order(min_face_pixels=5000)])

    assert isinstance(answer, AnalysisAnswer)
    assert (answer.faces, answer.identification) == ((), WHOLE)
