"""YOLOv5-face: a face detector with five landmarks (D. Qi et al., 2021, "YOLO5Face").

The same network is exported in two ways: with its decoding inside, one output of 25200 rows, or
without, one output for each of three cell sizes. The outputs of the catalogue entry tell which;
what a row holds, and in which order, its `columns` say. Both are checked, neither is guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.contract import Tensors
from models.detection.candidates import Candidates, finite, keep
from models.detection.letterbox import from_canvas, letterbox
from models.errors import CatalogueError, ContractMismatch
from models.network import Network
from models.pixels import to_tensor
from models.results import LANDMARK_NAMES, Image
from models.spec import ModelSpec

STRIDES = (8, 16, 32)
#: (stride, anchor, width and height), pixels: the published models' configuration.
ANCHORS = np.array(
    [
        [[4, 5], [8, 10], [13, 16]],
        [[23, 29], [43, 55], [73, 105]],
        [[146, 217], [231, 300], [335, 433]],
    ],
    np.float32,
)
#: The threshold of the publishers' demo is 0.3 and that of their evaluation 0.02; from 0.5 on, t1
#: and the astronaut give neither doubles nor false faces.
DEFAULT_CONFIDENCE = 0.5
#: Overlap of the publishers' demo.
MAX_OVERLAP = 0.5
#: Rounding of a sigmoid in float16 exports; what is further outside 0 to 1 is no probability.
_ROUNDING = 1e-3
#: Decoded boxes are in pixels of the canvas; sides relative to the canvas would all be below.
_SMALLEST_SIDE = 1.5

_BOX = ("centre_x", "centre_y", "width", "height")
_POINTS = tuple(f"{name}_{axis}" for name in LANDMARK_NAMES for axis in "xy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Where things are in a row."""

    #: centre x, centre y, width, height.
    box: tuple[int, ...]
    #: Whether there is something, and whether it is a face: two probabilities.
    objectness: int
    face: int
    #: x and y of the five landmarks; empty when there are none.
    points: tuple[int, ...]
    #: Values in a row.
    count: int


class YOLOv5Face:
    """Finds faces, with five landmarks where the file has them."""

    landmarks_follow_tilt = True
    max_overlap = MAX_OVERLAP
    default_confidence = DEFAULT_CONFIDENCE

    def __init__(self, network: Network) -> None:
        """Take over a loaded model.

        Raises:
            CatalogueError: its entry says too little of its pixels or columns.
            ContractMismatch: its outputs are not those of this family.
        """
        spec = network.spec
        self._session = network.session
        self._pixels = network.pixels
        self._columns = columns_of(spec)
        self._is_raw = has_raw_heads(spec, self._columns.count)
        ((self._input, contract),) = spec.inputs.items()
        self._height, self._width = (int(dim) for dim in contract.dims[2:])
        self._outputs = tuple(spec.outputs)
        self.has_landmarks = bool(self._columns.points)

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """See FaceDetector.look.

        Raises:
            ContractMismatch: the rows do not hold what the catalogue's entry says.
        """
        canvas, placed = letterbox(image, width=self._width, height=self._height)
        outputs = self._session.run({self._input: to_tensor([canvas], self._pixels)})
        rows = self._rows(outputs, min_confidence)
        return from_canvas(read_rows(rows, self._columns, min_confidence=min_confidence), placed)

    def _rows(self, outputs: Tensors, min_confidence: float) -> NDArray[np.float32]:
        if not self._is_raw:
            return np.asarray(outputs[self._outputs[0]][0])
        heads = [outputs[name] for name in self._outputs]
        return decode_heads(heads, self._columns, min_confidence=min_confidence)


def columns_of(spec: ModelSpec) -> Columns:
    """Read an entry's `columns`.

    Raises:
        CatalogueError: a box's value or a probability is not among them, or only some landmarks.
    """
    names = spec.columns
    missing = [name for name in (*_BOX, "objectness", "face") if name not in names]
    if any(name in names for name in _POINTS):
        missing += [name for name in _POINTS if name not in names]
    if missing or len(set(names)) != len(names):
        raise CatalogueError(f"models.{spec.id}.columns must name {', '.join(missing)} once.")
    return Columns(
        box=tuple(names.index(name) for name in _BOX),
        objectness=names.index("objectness"),
        face=names.index("face"),
        points=tuple(names.index(name) for name in _POINTS if name in names),
        count=len(names),
    )


def has_raw_heads(spec: ModelSpec, count: int) -> bool:
    """Whether the graph leaves the decoding to us.

    Raises:
        ContractMismatch: its outputs are neither one list of rows nor three grids of rows.
    """
    shapes = [contract.dims for contract in spec.outputs.values()]
    if any(shape[-1] != count for shape in shapes):
        raise ContractMismatch(f"{spec.id}: rows of {shapes} do not hold the {count} `columns`.")
    match [len(shape) for shape in shapes]:
        case [3]:
            return False
        case [5, 5, 5]:
            return True
        case _:
            raise ContractMismatch(f"{spec.id}: YOLOv5-face has no outputs of shapes {shapes}.")


def decode_heads(
    heads: Sequence[NDArray[np.float32]], columns: Columns, *, min_confidence: float
) -> NDArray[np.float32]:
    """Turn raw answers into rows as the decoding export gives them.

    Args:
        heads: For strides 8, 16 and 32: (1, 3 anchors, rows, columns, values), logits.
        columns: What the values are.
        min_confidence: Rows less confident are left out.

    Returns:
        (N, values) float32: boxes and points in pixels of the canvas, probabilities from 0 to 1.
    """
    return np.concatenate(
        [
            _decode_head(head[0], columns, stride, anchors, min_confidence)
            for head, stride, anchors in zip(heads, STRIDES, ANCHORS, strict=True)
        ]
    )


def _decode_head(
    head: NDArray[np.float32],
    columns: Columns,
    stride: int,
    anchors: NDArray[np.float32],
    min_confidence: float,
) -> NDArray[np.float32]:
    scores = _sigmoid(head[..., columns.objectness]) * _sigmoid(head[..., columns.face])
    anchor, down, across = np.nonzero(scores >= min_confidence)
    rows = head[anchor, down, across].astype(np.float32)
    cells = np.stack([across, down], axis=1).astype(np.float32)
    sizes = anchors[anchor]
    probabilities = [columns.objectness, columns.face]
    rows[:, probabilities] = _sigmoid(rows[:, probabilities])
    box = _sigmoid(rows[:, list(columns.box)])
    rows[:, list(columns.box[:2])] = (2 * box[:, :2] - 0.5 + cells) * stride
    rows[:, list(columns.box[2:])] = (2 * box[:, 2:]) ** 2 * sizes
    for axis in (0, 1):
        of_axis = list(columns.points[axis::2])
        origin = cells[:, [axis]] * stride
        rows[:, of_axis] = rows[:, of_axis] * sizes[:, [axis]] + origin
    return rows


def read_rows(rows: NDArray[np.float32], columns: Columns, *, min_confidence: float) -> Candidates:
    """Read decoded rows, in pixels of the canvas.

    Args:
        rows: (N, values): boxes by centre and size, probabilities from 0 to 1.
        columns: What the values are.
        min_confidence: Candidates below are dropped; so are any that are not finite.

    Raises:
        ContractMismatch: the probabilities are none, or the boxes are not in pixels.
    """
    probabilities = rows[:, [columns.objectness, columns.face]]
    if len(rows) and (probabilities.min() < -_ROUNDING or probabilities.max() > 1 + _ROUNDING):
        raise ContractMismatch(
            "YOLOv5-face answered with probabilities outside 0 to 1: this file has another layout"
            " than the catalogue says."
        )
    scores = probabilities.clip(0, 1).prod(axis=1)
    chosen = rows[scores >= min_confidence]
    centre, size = chosen[:, list(columns.box[:2])], chosen[:, list(columns.box[2:])]
    if len(chosen) and size.max() < _SMALLEST_SIDE:
        raise ContractMismatch(
            "YOLOv5-face answered with boxes that are not in pixels: this file has another layout"
            " than the catalogue says."
        )
    found = Candidates(
        boxes=np.concatenate([centre - size / 2, size], axis=1),
        scores=scores[scores >= min_confidence],
        landmarks=_points(chosen, columns),
    )
    return keep(found, finite(found))


def _points(rows: NDArray[np.float32], columns: Columns) -> NDArray[np.float32] | None:
    if not columns.points:
        return None
    return rows[:, list(columns.points)].reshape(len(rows), len(LANDMARK_NAMES), 2)


def _sigmoid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    # The tanh form overflows for no logit.
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))
