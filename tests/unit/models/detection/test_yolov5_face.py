"""YOLOv5-face: both layouts against a plain loop, and files that are not what the entry says."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.contract import verify_contract
from models.detection.letterbox import letterbox
from models.detection.yolov5_face import (
    ANCHORS,
    STRIDES,
    YOLOv5Face,
    columns_of,
    decode_heads,
    has_raw_heads,
    read_rows,
)
from models.errors import CatalogueError, ContractMismatch
from models.network import Network
from models.results import Image
from models.session import open_session
from models.spec import ModelSpec, TensorContract
from models.testing import ScriptedSession, tiny_detector

Values = NDArray[np.float32]
#: centre x, centre y, width, height, objectness, ten of the landmarks, face.
ROW = (320, 240, 64, 80, 0.9, 310, 220, 340, 221, 325, 240, 312, 260, 338, 261, 0.8)
CERTAIN = 12.0


@pytest.fixture
def decoded() -> ModelSpec:
    return load_catalogue().models["yolov5s_face"]


@pytest.fixture
def raw() -> ModelSpec:
    return load_catalogue().models["yolov5n_05_face"]


def _rows(*rows: Sequence[float]) -> Values:
    values = np.zeros((1, 25200, 16), np.float32)
    values[0, : len(rows)] = rows
    return values


def _heads(seed: int) -> list[Values]:
    rng = np.random.default_rng(seed)
    sizes = [640 // stride for stride in STRIDES]
    return [rng.normal(0, 2, (1, 3, size, size, 16)).astype(np.float32) for size in sizes]


def _network(spec: ModelSpec, answers: dict[str, Values]) -> Network:
    session = open_session(tiny_detector(spec, answers))
    verify_contract(session, spec)
    return Network(spec=spec, session=session)


def _white(height: int, width: int) -> Image:
    return np.full((height, width, 3), 255, np.uint8)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def _naive(heads: list[Values], minimum: float) -> list[list[float]]:
    rows = []
    for head, stride, anchors in zip(heads, STRIDES, ANCHORS, strict=True):
        _, count, height, width, _ = head.shape
        for anchor in range(count):
            for y in range(height):
                for x in range(width):
                    v = [float(value) for value in head[0, anchor, y, x]]
                    if _sigmoid(v[4]) * _sigmoid(v[15]) < minimum:
                        continue
                    across, down = (float(size) for size in anchors[anchor])
                    box = [
                        (2 * _sigmoid(v[0]) - 0.5 + x) * stride,
                        (2 * _sigmoid(v[1]) - 0.5 + y) * stride,
                        (2 * _sigmoid(v[2])) ** 2 * across,
                        (2 * _sigmoid(v[3])) ** 2 * down,
                    ]
                    marks = [
                        v[5 + i] * (across, down)[i % 2] + (x, y)[i % 2] * stride for i in range(10)
                    ]
                    rows.append([*box, _sigmoid(v[4]), *marks, _sigmoid(v[15])])
    return rows


def test_raw_heads_are_decoded_as_a_loop_over_cells_does(raw: ModelSpec) -> None:
    heads = _heads(5)
    rows = decode_heads(heads, columns_of(raw), min_confidence=0.93)
    expected = np.array(_naive(heads, 0.93))
    assert len(expected) > 20
    assert rows == pytest.approx(expected, rel=1e-4, abs=1e-3)


def test_rows_become_boxes_by_corner_with_the_product_of_both_probabilities(
    decoded: ModelSpec,
) -> None:
    found = read_rows(_rows(ROW)[0], columns_of(decoded), min_confidence=0.5)
    assert found.boxes.tolist() == [[288, 200, 64, 80]]
    assert found.scores == pytest.approx([0.72])
    assert found.landmarks is not None
    assert found.landmarks.tolist() == [
        [[310, 220], [340, 221], [325, 240], [312, 260], [338, 261]]
    ]


def test_the_decoding_export_gives_the_face_it_was_built_with(decoded: ModelSpec) -> None:
    detector = YOLOv5Face(_network(decoded, {"output": _rows(ROW)}))

    # 1280x960 lies on the canvas at half size, 80 pixels below its top.
    found = detector.look(_white(960, 1280), min_confidence=0.5)

    assert found.boxes == pytest.approx(np.array([[576, 240, 128, 160]]))
    assert found.scores == pytest.approx([0.72])
    assert found.landmarks is not None
    assert found.landmarks[0, 0] == pytest.approx([620, 280])


def test_the_raw_export_gives_the_face_it_was_built_with(raw: ModelSpec) -> None:
    answers = {
        name: np.full([int(dim) for dim in contract.dims], -CERTAIN, np.float32)
        for name, contract in raw.outputs.items()
    }
    # Stride 16, second anchor (43x55), row 7, column 9; logits of 0 put the centre in the cell's.
    answers["stride_16"][0, 1, 7, 9] = [0, 0, 0, 0, CERTAIN, *[0.5] * 10, CERTAIN]
    detector = YOLOv5Face(_network(raw, answers))

    found = detector.look(_white(640, 640), min_confidence=0.5)

    assert found.boxes == pytest.approx(np.array([[9.5 * 16 - 21.5, 7.5 * 16 - 27.5, 43, 55]]))
    assert found.landmarks is not None
    assert found.landmarks[0, 3] == pytest.approx([9 * 16 + 21.5, 7 * 16 + 27.5])


def test_both_exports_of_one_network_find_the_same(raw: ModelSpec, decoded: ModelSpec) -> None:
    heads = _heads(7)
    rows = np.zeros((1, 25200, 16), np.float32)
    all_rows = decode_heads(heads, columns_of(raw), min_confidence=0)
    rows[0, : len(all_rows)] = all_rows

    one = YOLOv5Face(Network(spec=decoded, session=ScriptedSession.of(decoded, {"output": rows})))
    answers = dict(zip(raw.outputs, heads, strict=True))
    other = YOLOv5Face(Network(spec=raw, session=ScriptedSession.of(raw, answers)))

    expected = one.look(_white(640, 640), min_confidence=0.9)
    found = other.look(_white(640, 640), min_confidence=0.9)
    assert len(found.scores) > 20
    assert found.boxes == pytest.approx(expected.boxes)


def test_a_file_without_landmarks_gives_none(decoded: ModelSpec) -> None:
    contract = TensorContract(dtype="float32", dims=(1, 25200, 6))
    bare = decoded.model_copy(
        update={
            "columns": ("centre_x", "centre_y", "width", "height", "objectness", "face"),
            "outputs": {"output": contract},
        }
    )
    rows = np.zeros((1, 25200, 6), np.float32)
    rows[0, 0] = (320, 320, 40, 40, 1, 0.9)
    detector = YOLOv5Face(_network(bare, {"output": rows}))

    found = detector.look(_white(640, 640), min_confidence=0.5)

    assert not detector.has_landmarks
    assert (len(found.scores), found.landmarks) == (1, None)


def test_columns_may_come_in_another_order(decoded: ModelSpec) -> None:
    turned = decoded.model_copy(update={"columns": tuple(reversed(decoded.columns))})
    found = read_rows(_rows(ROW)[0][:, ::-1], columns_of(turned), min_confidence=0.5)
    assert found.boxes.tolist() == [[288, 200, 64, 80]]


def test_logits_where_probabilities_were_promised_are_refused(decoded: ModelSpec) -> None:
    with pytest.raises(ContractMismatch, match="outside 0 to 1"):
        read_rows(_rows((*ROW[:4], 5.0, *ROW[5:]))[0], columns_of(decoded), min_confidence=0.5)


def test_boxes_relative_to_the_canvas_are_refused(decoded: ModelSpec) -> None:
    row = (0.5, 0.4, 0.1, 0.12, *ROW[4:])
    with pytest.raises(ContractMismatch, match="not in pixels"):
        read_rows(_rows(row)[0], columns_of(decoded), min_confidence=0.5)


def test_an_entry_without_a_needed_column_is_refused(decoded: ModelSpec) -> None:
    short = decoded.model_copy(update={"columns": decoded.columns[:-1]})
    with pytest.raises(CatalogueError, match="must name face once"):
        columns_of(short)


def test_rows_that_do_not_hold_the_columns_are_refused(decoded: ModelSpec) -> None:
    with pytest.raises(ContractMismatch, match="15 `columns`"):
        has_raw_heads(decoded, 15)


def test_outputs_of_another_network_are_refused(decoded: ModelSpec) -> None:
    two = {name: TensorContract(dtype="float32", dims=(1, 4420, 16)) for name in ("a", "b")}
    with pytest.raises(ContractMismatch, match="no outputs of shapes"):
        has_raw_heads(decoded.model_copy(update={"outputs": two}), 16)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5000), (5000, 1), (333, 777)])
def test_the_letterbox_holds_an_image_of_any_shape_in_its_middle(height: int, width: int) -> None:
    canvas, placed = letterbox(_white(height, width), width=640, height=640)
    rows, columns = np.nonzero(canvas[:, :, 0] == 255)
    assert canvas.shape == (640, 640, 3)
    assert (columns.min(), rows.min()) == (placed.left, placed.top)
    assert columns.max() - columns.min() + 1 == pytest.approx(width * placed.scale_x)
    assert rows.max() - rows.min() + 1 == pytest.approx(height * placed.scale_y)
    assert abs(rows.min() - (639 - rows.max())) <= 1
    assert set(np.unique(canvas)) <= {114, 255}
