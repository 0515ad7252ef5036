"""Decoding of CenterFace's cells, against one cell after another and on one known answer."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.contract import Tensors
from models.detection.centerface import HEATMAP, LANDMARKS, OFFSETS, SIZES, CenterFace, decode
from models.errors import CatalogueError
from models.network import Network
from models.testing import ScriptedSession

Outputs = dict[str, NDArray[np.float32]]


def _silence(rows: int, columns: int) -> Outputs:
    channels = {HEATMAP: 1, SIZES: 2, OFFSETS: 2, LANDMARKS: 10}
    return {name: np.zeros((1, c, rows, columns), np.float32) for name, c in channels.items()}


def _noise(seed: int, rows: int = 6, columns: int = 9) -> Outputs:
    rng = np.random.default_rng(seed)
    outputs = {
        name: rng.normal(size=value.shape).astype(np.float32)
        for name, value in _silence(rows, columns).items()
    }
    outputs[HEATMAP] = rng.uniform(size=(1, 1, rows, columns)).astype(np.float32)
    return outputs


def _one_by_one(outputs: Outputs, min_confidence: float) -> list[list[float]]:
    """Score, box and landmarks of every cell, written out."""
    found = []
    for row in range(outputs[HEATMAP].shape[2]):
        for column in range(outputs[HEATMAP].shape[3]):
            score = float(outputs[HEATMAP][0, 0, row, column])
            if score < min_confidence:
                continue
            height, width = (4 * math.exp(outputs[SIZES][0, i, row, column]) for i in (0, 1))
            down, right = (float(outputs[OFFSETS][0, i, row, column]) for i in (0, 1))
            left = (column + right + 0.5) * 4 - width / 2
            top = (row + down + 0.5) * 4 - height / 2
            points = outputs[LANDMARKS][0, :, row, column].tolist()
            found.append([score, left, top, width, height])
            for i in range(5):
                found[-1] += [left + width * points[2 * i + 1], top + height * points[2 * i]]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_all_cells_are_read_as_one_by_one(seed: int) -> None:
    outputs = _noise(seed)

    found = decode(outputs, min_confidence=0.3)

    assert found.landmarks is not None
    rows = np.column_stack([found.scores, found.boxes, found.landmarks.reshape(-1, 10)])
    expected = _one_by_one(outputs, 0.3)
    assert 20 < len(expected) < 54
    np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-4)


def test_a_known_cell_becomes_a_face_in_the_image() -> None:
    def answer(feeds: Tensors) -> Outputs:
        outputs = _silence(*(side // 4 for side in feeds["input.1"].shape[2:]))
        outputs[HEATMAP][0, 0, 20, 30] = 0.75
        outputs[SIZES][0, :, 20, 30] = np.log([20, 10])
        outputs[LANDMARKS][0, :, 20, 30] = (0.25, 0, 0.25, 1, 0.5, 0.5, 1, 0.25, 1, 0.75)
        return outputs

    spec = load_catalogue().model("centerface")
    session = ScriptedSession.of(spec, answer)
    image = np.full((400, 1280, 3), (200, 100, 50), np.uint8)

    found = CenterFace(Network(spec=spec, session=session)).look(image, min_confidence=0.5)

    # Half size: 640x200 on a canvas of 640x224.
    [run] = session.runs
    assert run["input.1"].shape == (1, 3, 224, 640)
    assert [int(run["input.1"][0, i, 0, 0]) for i in range(3)] == [200, 100, 50]
    assert not run["input.1"][:, :, 200:].any()
    assert found.scores.tolist() == [0.75]
    np.testing.assert_allclose(found.boxes, [[204, 84, 80, 160]], rtol=1e-5)
    assert found.landmarks is not None
    np.testing.assert_allclose(
        found.landmarks[0], [(204, 124), (284, 124), (244, 164), (224, 244), (264, 244)], rtol=1e-5
    )


@pytest.mark.parametrize(("name", "value"), [(SIZES, 200), (SIZES, np.nan), (OFFSETS, np.inf)])
def test_a_box_that_is_not_finite_is_dropped(name: str, value: float) -> None:
    outputs = _silence(4, 4)
    outputs[HEATMAP][0, 0, 1:3, 1] = 0.9
    outputs[name][0, 0, 1, 1] = value

    assert decode(outputs, min_confidence=0.5).boxes.tolist() == [[4, 8, 4, 4]]


def test_a_canvas_without_faces_has_none() -> None:
    found = decode(_silence(4, 4), min_confidence=0.1)

    assert found.landmarks is not None
    assert (found.boxes.shape, found.landmarks.shape) == ((0, 4), (0, 5, 2))


def test_an_entry_without_pixels_is_refused() -> None:
    spec = load_catalogue().model("centerface").model_copy(update={"pixels": None})

    with pytest.raises(CatalogueError, match="centerface must say"):
        CenterFace(Network(spec=spec, session=ScriptedSession.of(spec, {})))
