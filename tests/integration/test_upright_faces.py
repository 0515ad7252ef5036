"""Photos that lie on their side or stand on their head enrol nobody."""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from workers.contract import AnalyzeOptions
from workers.devices.residency import Residency
from workers.identities.quality import refusals
from workers.photos.photo import Order
from workers.photos.pipeline import FacePipeline

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def pipeline(weights: WeightStore) -> FacePipeline:
    residency = Residency(store=weights, catalogue=load_catalogue())
    return FacePipeline(residency, max_pixels=40_000_000)


@pytest.fixture
def order(photos: dict[str, Path]) -> Callable[..., Order]:
    def make(degrees: float, *, checks_upright: bool = True) -> Order:
        with Image.open(photos["astronaut"]) as photo:
            turned, file = photo.rotate(degrees, Image.Resampling.BICUBIC), BytesIO()
        turned.save(file, "PNG")
        options = AnalyzeOptions(analyses=("detection",), max_faces=1)
        return Order(read=file.getvalue, options=options, checks_upright=checks_upright)

    return make


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_photo_is_refused(
    pipeline: FacePipeline, order: Callable[..., Order], degrees: int
) -> None:
    [photo] = pipeline.look_many([order(degrees)])

    [quality] = photo.qualities
    assert "not_upright" in refusals(quality, "standard")
    assert "not_upright" in refusals(quality, "strict")
    assert refusals(quality, "off") == ()


@pytest.mark.parametrize("degrees", [0, 15, -15])
def test_an_upright_or_leaning_one_is_not(
    pipeline: FacePipeline, order: Callable[..., Order], degrees: int
) -> None:
    [photo] = pipeline.look_many([order(degrees)])

    [quality] = photo.qualities
    assert "not_upright" not in quality.reasons


def test_photos_are_told_apart_and_only_where_that_is_asked(
    pipeline: FacePipeline, order: Callable[..., Order]
) -> None:
    make = partial(order, 180)
    photos = pipeline.look_many([order(0), make(), make(checks_upright=False)])

    found = ["not_upright" in quality.reasons for photo in photos for quality in photo.qualities]
    assert found == [False, True, False]


def test_a_photo_without_a_face_is_none_that_is_turned(pipeline: FacePipeline) -> None:
    file = BytesIO()
    Image.new("RGB", (200, 200), (90, 120, 60)).save(file, "PNG")
    options = AnalyzeOptions(analyses=("detection",))

    [photo] = pipeline.look_many([Order(read=file.getvalue, options=options, checks_upright=True)])

    assert (photo.failure, list(photo.qualities)) == (None, [])
