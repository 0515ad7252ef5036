"""From boxes to crops to points of the image, on a network that answers what it is told."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.contract import Tensors
from models.errors import CatalogueError, InferenceFailed
from models.landmarks import FaceLandmarks, five_of
from models.network import Network
from models.results import Box
from models.spec import ModelSpec
from models.testing import ScriptedSession


@pytest.fixture
def spec() -> ModelSpec:
    return load_catalogue().models["landmarks68"]


def _brightest(feeds: Tensors) -> dict[str, NDArray[np.float32]]:
    """Every point where the crop is brightest."""
    crops = feeds["input"][:, 0]
    points = []
    for crop in crops:
        row, column = np.unravel_index(int(crop.argmax()), crop.shape)
        points.append(np.tile([(column + 0.5) / 64, (row + 0.5) / 64], 68))
    return {"output": np.array(points, np.float32)}


def test_points_come_back_in_pixels_of_the_image(spec: ModelSpec) -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    image[120:124, 200:204] = 255
    image[300:304, 500:504] = 255
    boxes = [Box(x=150, y=60, width=100, height=120), Box(x=460, y=230, width=90, height=128)]
    landmarks = FaceLandmarks(Network(spec=spec, session=ScriptedSession.of(spec, _brightest)))

    points = landmarks.all68(image, boxes)

    assert points.shape == (2, 68, 2)
    assert points.dtype == np.float32
    # A pixel of the crop is 1.7 to 1.8 of the image.
    assert points[0] == pytest.approx(np.tile([202, 122], (68, 1)), abs=1.8)
    assert points[1] == pytest.approx(np.tile([502, 302], (68, 1)), abs=1.8)


def test_the_network_sees_grey_of_the_middle_of_the_box_divided_by_256(spec: ModelSpec) -> None:
    session = ScriptedSession.of(spec, _brightest)
    image = np.zeros((300, 300, 3), np.uint8)
    image[:, :, 1] = 200

    FaceLandmarks(Network(spec=spec, session=session)).five(
        image, [Box(x=100, y=100, width=100, height=100)]
    )

    # Luma of green: 0.587.
    assert np.unique(session.runs[0]["input"]) == pytest.approx([round(200 * 0.587) / 256])


def test_what_lies_outside_the_image_is_black(spec: ModelSpec) -> None:
    session = ScriptedSession.of(spec, _brightest)
    FaceLandmarks(Network(spec=spec, session=session)).five(
        np.full((100, 100, 3), 255, np.uint8), [Box(x=-60, y=0, width=100, height=100)]
    )
    crop = session.runs[0]["input"][0, 0]
    assert crop[:, :38].max() == 0
    assert crop[:50, 40:].min() > 0.9


def test_faces_are_run_in_the_allowed_batches(spec: ModelSpec) -> None:
    session = ScriptedSession.of(spec, _brightest)
    boxes = [Box(x=10.0 * n, y=0, width=50, height=50) for n in range(11)]
    found = FaceLandmarks(Network(spec=spec, session=session)).five(
        np.zeros((100, 300, 3), np.uint8), boxes
    )
    assert found.shape == (11, 5, 2)
    assert [len(run["input"]) for run in session.runs] == [8, 2, 1]


def test_without_boxes_nothing_is_run(spec: ModelSpec) -> None:
    session = ScriptedSession.of(spec, _brightest)
    landmarks = FaceLandmarks(Network(spec=spec, session=session))
    assert landmarks.five(np.zeros((10, 10, 3), np.uint8), []).shape == (0, 5, 2)
    assert session.runs == []


@pytest.mark.parametrize(
    ("number", "used"), [(0, (37, 38, 40, 41)), (1, (43, 44, 46, 47)), (2, (30,)), (4, (54, 64))]
)
def test_the_five_are_means_of_their_points(number: int, used: tuple[int, ...]) -> None:
    points = np.zeros((1, 68, 2), np.float32)
    points[0, list(used)] = (8, 4)
    assert five_of(points)[0, number].tolist() == [8, 4]
    assert np.delete(five_of(points)[0], number, axis=0).max() == 0


def test_an_entry_without_a_crop_is_refused(spec: ModelSpec) -> None:
    other = spec.model_copy(update={"crop": None})
    with pytest.raises(CatalogueError, match="crop"):
        FaceLandmarks(Network(spec=other, session=ScriptedSession.of(spec, _brightest)))


def test_points_that_are_no_numbers_are_refused(spec: ModelSpec) -> None:
    session = ScriptedSession.of(spec, {"output": np.full((1, 136), np.nan, np.float32)})
    with pytest.raises(InferenceFailed, match="no numbers"):
        FaceLandmarks(Network(spec=spec, session=session)).five(
            np.zeros((90, 90, 3), np.uint8), [Box(x=10, y=10, width=50, height=50)]
        )


@pytest.mark.parametrize("value", [11.0, -11.0, 3e38])
def test_points_far_outside_the_face_are_refused(spec: ModelSpec, value: float) -> None:
    answer = np.full((1, 136), 0.5, np.float32)
    answer[0, 7] = value
    session = ScriptedSession.of(spec, {"output": answer})
    with pytest.raises(InferenceFailed, match="far outside its face"):
        FaceLandmarks(Network(spec=spec, session=session)).five(
            np.zeros((90, 90, 3), np.uint8), [Box(x=10, y=10, width=50, height=50)]
        )
