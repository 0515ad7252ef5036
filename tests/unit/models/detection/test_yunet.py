"""Decoding of YuNet's cells, on outputs with one known answer."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.contract import Tensors
from models.detection.yunet import STRIDES, YuNet, decode, preprocess
from models.geometry import fit
from models.network import Network
from models.testing import ScriptedSession

Outputs = dict[str, NDArray[np.float32]]


def _silence(width: int, height: int) -> Outputs:
    """Outputs of a canvas on which no cell sees anything."""
    outputs: Outputs = {}
    for stride in STRIDES:
        cells = (width // stride) * (height // stride)
        for name, size in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs[f"{name}_{stride}"] = np.zeros((1, cells, size), np.float32)
    return outputs


def _see(outputs: Outputs, stride: int, cell: int, *, cls: float = 0.81, obj: float = 1.0) -> None:
    """Let one cell see a face of 4x2 strides, half a cell right and below of its corner."""
    outputs[f"cls_{stride}"][0, cell] = cls
    outputs[f"obj_{stride}"][0, cell] = obj
    outputs[f"bbox_{stride}"][0, cell] = (0.5, 0.5, np.log(4), np.log(2))
    outputs[f"kps_{stride}"][0, cell] = (0, 0, 1, 0, 0.5, 0.5, 0, 1, 1, 1)


def _one_by_one(outputs: Outputs, width: int, min_confidence: float) -> list[list[float]]:
    """Score, box and landmarks of every cell, written out."""
    found = []
    for stride in STRIDES:
        for cell in range(outputs[f"cls_{stride}"].shape[1]):
            is_face, is_object = (
                min(max(float(outputs[f"{name}_{stride}"][0, cell, 0]), 0), 1)
                for name in ("cls", "obj")
            )
            score = math.sqrt(is_face * is_object)
            if score < min_confidence:
                continue
            row, column = divmod(cell, width // stride)
            right, down, wide, high = outputs[f"bbox_{stride}"][0, cell].tolist()
            box_width, box_height = math.exp(wide) * stride, math.exp(high) * stride
            left = (column + right) * stride - box_width / 2
            top = (row + down) * stride - box_height / 2
            found.append([score, left, top, box_width, box_height])
            for x, y in outputs[f"kps_{stride}"][0, cell].reshape(5, 2).tolist():
                found[-1] += [(column + x) * stride, (row + y) * stride]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_all_cells_are_read_as_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs = {
        name: rng.normal(size=value.shape).astype(np.float32)
        for name, value in _silence(160, 96).items()
    }

    found = decode(outputs, width=160, min_confidence=0.4)

    assert found.landmarks is not None
    rows = np.column_stack([found.scores, found.boxes, found.landmarks.reshape(-1, 10)])
    expected = _one_by_one(outputs, 160, 0.4)
    assert len(expected) > 30
    np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("stride", STRIDES)
def test_a_cell_becomes_a_box_in_canvas_pixels(stride: int) -> None:
    outputs = _silence(192, 96)
    column, row = 1, 2
    _see(outputs, stride, row * (192 // stride) + column)
    found = decode(outputs, width=192, min_confidence=0.5)
    assert found.landmarks is not None
    np.testing.assert_allclose(
        found.boxes, [[(1.5 - 2) * stride, (2.5 - 1) * stride, 4 * stride, 2 * stride]], rtol=1e-6
    )
    np.testing.assert_allclose(found.scores, [0.9], rtol=1e-6)
    np.testing.assert_allclose(
        found.landmarks[0] / stride, [(1, 2), (2, 2), (1.5, 2.5), (1, 3), (2, 3)]
    )


def test_confidence_is_the_geometric_mean_of_both_scores_within_bounds() -> None:
    outputs = _silence(64, 64)
    _see(outputs, 8, 0, cls=0.25, obj=1.5)
    _see(outputs, 8, 9, cls=0.9, obj=-0.1)
    found = decode(outputs, width=64, min_confidence=0.01)
    np.testing.assert_allclose(found.scores, [0.5])


def test_only_candidates_of_the_wanted_confidence_are_read() -> None:
    outputs = _silence(64, 64)
    _see(outputs, 16, 3, cls=0.81)
    assert decode(outputs, width=64, min_confidence=0.91).scores.size == 0
    assert decode(outputs, width=64, min_confidence=0.89).scores.size == 1


@pytest.mark.parametrize("value", [np.inf, np.nan, 1000])
def test_a_box_that_is_not_finite_is_dropped(value: float) -> None:
    outputs = _silence(64, 64)
    _see(outputs, 32, 0)
    outputs["bbox_32"][0, 0, 2] = value
    assert decode(outputs, width=64, min_confidence=0.5).boxes.shape == (0, 4)


def test_the_network_sees_blue_first_on_a_black_canvas() -> None:
    image = np.zeros((443, 640, 3), np.uint8)
    image[:] = (200, 100, 50)
    tensor = preprocess(image, fit(640, 443, longer_side=640, multiple=32))
    assert tensor.shape == (1, 3, 448, 640)
    assert tensor.dtype == np.float32
    assert [tensor[0, channel, :443].min() for channel in range(3)] == [50, 100, 200]
    assert not tensor[:, :, 443:].any()


def test_each_image_is_looked_at_in_its_own_shape_and_two_sizes() -> None:
    session = ScriptedSession.of(load_catalogue().model("yunet"), _one_face)
    images = [np.zeros((100, 200, 3), np.uint8), np.zeros((50, 50, 3), np.uint8)]
    detector = YuNet(Network(spec=load_catalogue().model("yunet"), session=session))
    found = [detector.look(image, min_confidence=0.5) for image in images]
    shapes = [run["input"].shape[2:] for run in session.runs]
    assert shapes == [(320, 640), (160, 320), (640, 640), (320, 320)]
    # One answer in canvas pixels means a larger face in the image the less that was enlarged.
    widths = [sorted(faces.boxes[:, 2]) for faces in found]
    assert widths[0] == pytest.approx([32 * 200 / 640, 32 * 200 / 320])
    assert widths[1] == pytest.approx([32 * 50 / 640, 32 * 50 / 320])


def test_the_second_look_counts_only_faces_large_enough_for_good_boxes() -> None:
    def answer(feeds: Tensors) -> Outputs:
        outputs = _one_face(feeds)
        outputs["bbox_8"][0, :, 2] -= 0.01
        return outputs

    session = ScriptedSession.of(load_catalogue().model("yunet"), answer)
    image = np.zeros((640, 640, 3), np.uint8)
    detector = YuNet(Network(spec=load_catalogue().model("yunet"), session=session))
    found = detector.look(image, min_confidence=0.5)
    assert found.boxes[:, 2].tolist() == pytest.approx([32 * np.exp(-0.01)])


def test_candidates_smaller_than_wanted_are_dropped() -> None:
    outputs = _silence(64, 64)
    _see(outputs, 8, 0)
    _see(outputs, 16, 9)
    found = decode(outputs, width=64, min_confidence=0.5, min_side=33)
    assert found.boxes[:, 2].tolist() == pytest.approx([64])


def _one_face(feeds: Tensors) -> Outputs:
    height, width = feeds["input"].shape[2:]
    outputs = _silence(width, height)
    _see(outputs, 8, width // 8 * 8 + 8)
    return outputs
