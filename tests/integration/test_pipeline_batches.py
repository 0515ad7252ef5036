"""Several photos through the pipeline together, with the real networks."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from workers.answers.analysis import AnalysisAnswer
from workers.contract import AnalyzeOptions
from workers.devices.residency import Residency
from workers.errors import ImageRejected
from workers.photos.photo import Order
from workers.photos.pipeline import FacePipeline

pytestmark = pytest.mark.weights

ALL = AnalyzeOptions(
    analyses=("recognition", "anti_spoofing", "demographics"), return_embeddings=True
)
RECOGNITION = AnalyzeOptions(analyses=("recognition",))


@pytest.fixture(scope="module")
def pipeline(weights: WeightStore) -> FacePipeline:
    residency = Residency(store=weights, catalogue=load_catalogue())
    return FacePipeline(residency, max_pixels=40_000_000, decode_threads=2)


@pytest.fixture
def order(photos: dict[str, Path]) -> Callable[..., Order]:
    def _order(name: str, options: AnalyzeOptions = ALL, **more: Any) -> Order:  # noqa: ANN401 - fields of Order
        return Order(read=photos[name].read_bytes, options=options, **more)

    return _order


def _answer(outcome: AnalysisAnswer | Exception | None) -> AnalysisAnswer:
    assert isinstance(outcome, AnalysisAnswer), outcome
    return outcome


def test_photos_get_the_same_answers_together_as_alone(
    pipeline: FacePipeline, order: Callable[..., Order], photos: dict[str, Path]
) -> None:
    names = ["astronaut", "t1", "astronaut"]

    together = pipeline.analyze_many([order(name) for name in names])

    for name, outcome in zip(names, together, strict=True):
        answer = _answer(outcome)
        alone = pipeline.analyze(photos[name].read_bytes(), ALL)
        assert answer.batch_size == 3
        assert alone.batch_size == 1
        assert answer.image == alone.image
        assert answer.detection == alone.detection
        assert answer.models == alone.models
        assert len(answer.faces) == len(alone.faces)
        for face, same in zip(answer.faces, alone.faces, strict=True):
            assert face.bbox == same.bbox
            assert face.landmarks == same.landmarks
            assert face.recognition is not None
            assert same.recognition is not None
            # The order of additions differs with the batch size.
            assert np.dot(
                face.recognition.embedding or (), same.recognition.embedding or ()
            ) == pytest.approx(1, abs=1e-4)
            assert face.anti_spoofing is not None
            assert same.anti_spoofing is not None
            assert face.anti_spoofing.outcome == same.anti_spoofing.outcome
            assert face.anti_spoofing.score == pytest.approx(same.anti_spoofing.score, abs=1e-3)
            assert face.demographics is not None
            assert same.demographics is not None
            assert face.demographics.gender.value == same.demographics.gender.value
            assert face.demographics.age.value == pytest.approx(
                same.demographics.age.value, abs=0.2
            )


def test_a_photo_that_can_t_be_read_fails_alone(
    pipeline: FacePipeline, order: Callable[..., Order]
) -> None:
    class BlobGoneError(Exception):
        pass

    def gone() -> bytes:
        raise BlobGoneError

    orders = [
        order("astronaut"),
        Order(read=lambda: b"no image", options=ALL),
        Order(read=gone, options=ALL),
        order("astronaut"),
    ]

    first, unreadable, lost, last = pipeline.analyze_many(orders)

    assert _answer(first).faces == _answer(last).faces
    assert isinstance(unreadable, ImageRejected)
    assert unreadable.code == "image_undecodable"
    assert isinstance(lost, BlobGoneError)


def test_when_all_fail_to_decode_nothing_is_run(pipeline: FacePipeline) -> None:
    orders = [Order(read=lambda: b"no image", options=ALL) for _ in range(3)]

    outcomes = pipeline.analyze_many(orders)

    assert [type(outcome) for outcome in outcomes] == [ImageRejected] * 3
    assert pipeline.analyze_many([]) == []


def test_photos_of_different_batch_keys_are_answered_each_with_its_own(
    pipeline: FacePipeline, order: Callable[..., Order]
) -> None:
    detection = AnalyzeOptions(analyses=("detection",))

    answers = [
        _answer(outcome)
        for outcome in pipeline.analyze_many(
            [order("astronaut", detection), order("astronaut", RECOGNITION)]
        )
    ]

    assert [set(answer.models) - {"yunet", "landmarks68"} for answer in answers] == [
        set(),
        {"sface"},
    ]
    assert [answer.batch_size for answer in answers] == [1, 1]


def test_stage_times_are_even_shares_and_the_total_is_the_batch_s(
    pipeline: FacePipeline, order: Callable[..., Order]
) -> None:
    one, other = (
        _answer(outcome) for outcome in pipeline.analyze_many([order("astronaut"), order("t1")])
    )

    for stage in ("detection", "recognition", "anti_spoofing", "demographics"):
        assert one.timings_ms[stage] == other.timings_ms[stage] > 0
    shares = [
        sum(ms for stage, ms in answer.timings_ms.items() if stage not in {"total", "decode"})
        for answer in (one, other)
    ]
    assert sum(shares) <= max(one.timings_ms["total"], other.timings_ms["total"])


def test_a_large_photo_among_small_ones_keeps_its_place(pipeline: FacePipeline) -> None:
    def png(width: int, height: int) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (width, height), (90, 120, 60)).save(file, "png")
        return file.getvalue()

    sizes = [(3000, 2000), (40, 30), (500, 400), (8, 8)]
    orders = [Order(read=partial(png, *size), options=RECOGNITION) for size in sizes]

    found = [_answer(outcome).image for outcome in pipeline.analyze_many(orders)]

    assert [(image.width, image.height) for image in found] == sizes
