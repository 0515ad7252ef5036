"""YOLOv10-face: rows of corners, and rows that are none."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.contract import verify_contract
from models.detection.yolov10_face import YOLOv10Face, decode
from models.errors import CatalogueError, ContractMismatch
from models.network import Network
from models.session import open_session
from models.spec import ModelSpec, TensorContract
from models.testing import ScriptedSession, tiny_detector

Values = NDArray[np.float32]


@pytest.fixture
def spec() -> ModelSpec:
    return load_catalogue().models["yolov10n_face"]


def _rows(*rows: Sequence[float]) -> Values:
    values = np.zeros((1, 300, 6), np.float32)
    values[0, : len(rows)] = np.array(rows, np.float32).reshape(-1, 6)
    return values


def _detector(spec: ModelSpec, rows: Values) -> YOLOv10Face:
    session = open_session(tiny_detector(spec, {"output0": rows}))
    verify_contract(session, spec)
    return YOLOv10Face(Network(spec=spec, session=session))


def test_decoding_equals_a_loop_over_rows() -> None:
    rng = np.random.default_rng(2)
    corner, size = rng.uniform(0, 600, (300, 2)), rng.uniform(0, 200, (300, 2))
    rest = np.column_stack([rng.random(300), rng.integers(0, 2, 300)])
    rows = np.column_stack([corner, corner + size, rest]).astype(np.float32)

    found = decode(rows, face=0, min_confidence=0.5)

    expected = [
        [left, top, right - left, bottom - top, score]
        for left, top, right, bottom, score, kind in rows.tolist()
        if score >= 0.5 and kind == 0
    ]
    assert len(expected) > 20
    assert np.column_stack([found.boxes, found.scores]) == pytest.approx(
        np.array(expected), rel=1e-3, abs=1e-3
    )
    assert found.landmarks is None


def test_the_graph_gives_the_face_it_was_built_with(spec: ModelSpec) -> None:
    detector = _detector(spec, _rows((100, 200, 150, 270, 0.9, 0), (0, 90, 10, 99, 0.1, 0)))

    # 320x240 lies on the canvas twice as large, 80 pixels below its top.
    found = detector.look(np.full((240, 320, 3), 255, np.uint8), min_confidence=0.25)

    assert found.boxes == pytest.approx(np.array([[50, 60, 25, 35]]))
    assert found.scores == pytest.approx([0.9])


def test_the_network_sees_rgb_from_0_to_1_on_a_grey_canvas(spec: ModelSpec) -> None:
    session = ScriptedSession.of(spec, {"output0": _rows()})
    image = np.full((320, 640, 3), (255, 0, 51), np.uint8)

    YOLOv10Face(Network(spec=spec, session=session)).look(image, min_confidence=0.25)

    canvas = session.runs[0]["images"]
    assert canvas[0, :, 320, 0] == pytest.approx([1, 0, 0.2])
    assert canvas[0, :, 0, 0] == pytest.approx([114 / 255] * 3)


def test_a_row_of_centre_and_size_is_refused() -> None:
    rows = _rows((400, 400, 60, 80, 0.9, 0))[0]
    with pytest.raises(ContractMismatch, match="no corners"):
        decode(rows, face=0, min_confidence=0.25)


def test_an_output_without_the_selection_is_refused(spec: ModelSpec) -> None:
    contract = TensorContract(dtype="float32", dims=(1, 5, 8400))
    other = spec.model_copy(update={"outputs": {"output0": contract}})
    session = ScriptedSession.of(other, {"output0": np.zeros((1, 5, 8400), np.float32)})
    with pytest.raises(ContractMismatch, match="with its selection inside"):
        YOLOv10Face(Network(spec=other, session=session))


def test_an_entry_that_names_no_face_class_is_refused(spec: ModelSpec) -> None:
    other = spec.model_copy(update={"labels": ("person",)})
    session = ScriptedSession.of(other, {"output0": _rows()})
    with pytest.raises(CatalogueError, match="'face'"):
        YOLOv10Face(Network(spec=other, session=session))
