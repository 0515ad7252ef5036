"""BlazeFace's anchors and rows, against one after another and on known answers."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.detection.blazeface import BlazeFace, anchors, decode
from models.errors import CatalogueError
from models.network import Network
from models.spec import TensorContract
from models.testing import ScriptedSession


def _layers(side: int) -> list[tuple[float, float]]:
    """Anchors as MediaPipe lists them: layers of one stride share a grid."""
    strides = {128: [8, 16, 16, 16], 192: [4]}[side]
    each = {128: 2, 192: 1}[side]
    found = []
    for stride in sorted(set(strides)):
        for row in range(side // stride):
            for column in range(side // stride):
                middle = ((column + 0.5) * stride, (row + 0.5) * stride)
                found += [middle] * (strides.count(stride) * each)
    return found


@pytest.mark.parametrize(("side", "count"), [(128, 896), (192, 2304)])
def test_anchors_are_the_middles_of_the_cells_layer_by_layer(side: int, count: int) -> None:
    assert anchors(side).shape == (count, 2)
    assert anchors(side).tolist() == [list(middle) for middle in _layers(side)]


@pytest.mark.parametrize("side", [128, 192])
def test_all_rows_are_read_as_one_by_one(side: int) -> None:
    rng = np.random.default_rng(side)
    middles = _layers(side)
    regressors = rng.normal(scale=20, size=(1, len(middles), 16)).astype(np.float32)
    logits = rng.normal(scale=3, size=(1, len(middles), 1)).astype(np.float32)

    found = decode(regressors, logits, side=side, min_confidence=0.6)

    expected = []
    for (x, y), row, (logit,) in zip(middles, regressors[0].tolist(), logits[0], strict=True):
        score = 1 / (1 + math.exp(-logit))
        if score >= 0.6 and row[2] > 0 and row[3] > 0:
            box = [x + row[0] - row[2] / 2, y + row[1] - row[3] / 2, row[2], row[3]]
            expected.append([score, *box])
    assert len(expected) > 50
    np.testing.assert_allclose(
        np.column_stack([found.scores, found.boxes]), expected, rtol=1e-4, atol=1e-3
    )


def _outputs(cell: int, row: tuple[float, ...], logit: float) -> dict[str, NDArray[np.float32]]:
    regressors = np.zeros((1, 896, 16), np.float32)
    logits = np.full((1, 896, 1), -100, np.float32)
    regressors[0, cell, : len(row)], logits[0, cell] = row, logit
    return {"regressors": regressors, "classificators": logits}


def test_a_known_row_becomes_a_box_in_the_image() -> None:
    spec = load_catalogue().model("blazeface_short")
    # Column 2, row 5 of the fine grid: its middle is (20, 44) on the canvas.
    session = ScriptedSession.of(spec, _outputs((5 * 16 + 2) * 2 + 1, (4, -4, 16, 32), 0))
    image = np.full((64, 256, 3), (255, 0, 0), np.uint8)

    found = BlazeFace(Network(spec=spec, session=session)).look(image, min_confidence=0.5)

    # Half size, 128x32, in the middle of the canvas: 48 rows of black above and below.
    [run] = session.runs
    assert run["input"].shape == (1, 128, 128, 3)
    assert run["input"][0, 64, 64].tolist() == [1, -1, -1]
    assert (run["input"][0, [0, 47, 80, 127]] == -1).all()
    assert (run["input"][0, 48:80, :, 0] == 1).all()
    assert found.landmarks is None
    assert found.scores.tolist() == [0.5]
    assert found.boxes.tolist() == [[2 * (24 - 8), 2 * (40 - 16 - 48), 32, 64]]


@pytest.mark.parametrize(
    "row", [(0, 0, np.inf, 9), (np.nan, 0, 9, 9), (0, 0, -9, 9), (0, 0, 9, 0), (np.inf, 0, 9, 9)]
)
def test_boxes_without_area_or_not_finite_are_dropped(row: tuple[float, ...]) -> None:
    outputs = _outputs(0, row, 9)

    found = decode(outputs["regressors"], outputs["classificators"], side=128, min_confidence=0.5)

    assert found.boxes.shape == (0, 4)


@pytest.mark.parametrize(("logit", "score"), [(1e30, 1), (-1e30, 0), (0, 0.5)])
def test_scores_of_any_size_stay_within_bounds(logit: float, score: float) -> None:
    outputs = _outputs(0, (0, 0, 9, 9), logit)

    found = decode(outputs["regressors"], outputs["classificators"], side=128, min_confidence=0)

    assert found.scores[0] == score


def test_a_score_that_is_no_number_is_no_face() -> None:
    outputs = _outputs(0, (0, 0, 9, 9), np.nan)

    found = decode(outputs["regressors"], outputs["classificators"], side=128, min_confidence=0)

    assert np.isfinite(found.scores).all()


def test_a_canvas_without_known_anchors_is_refused() -> None:
    spec = load_catalogue().model("blazeface_short")
    other = TensorContract(dtype="float32", dims=(1, 256, 256, 3))
    spec = spec.model_copy(update={"inputs": {"input": other}})

    with pytest.raises(CatalogueError, match="canvas of 256"):
        BlazeFace(Network(spec=spec, session=ScriptedSession.of(spec, {})))
