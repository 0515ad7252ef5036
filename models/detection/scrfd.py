"""SCRFD: a face detector with five landmarks (J. Guo et al., 2021; InsightFace det_*.onnx).

The canvas is divided into cells of 8, 16 and 32 pixels with two anchors each; an anchor answers
with a score, its distances to the four sides of the box, and five points relative to itself.
"""

from dataclasses import dataclass

import numpy as np

from models.contract import Tensors
from models.detection.candidates import Candidates, finite, join, keep, to_image
from models.errors import ContractMismatch
from models.geometry import fit, place
from models.network import Network
from models.pixels import to_tensor
from models.results import Image
from models.spec import ModelSpec

STRIDES = (8, 16, 32)
ANCHORS_PER_CELL = 2
#: Side of the square canvas, pixels: the published graphs name their outputs' sizes for it.
CANVAS = 640
#: Threshold and overlap of InsightFace's own inference code.
DEFAULT_CONFIDENCE = 0.5
MAX_OVERLAP = 0.4
#: Values per anchor of the three groups of outputs: scores, distances, points.
_WIDTHS = (1, 1, 1, 4, 4, 4, 10, 10, 10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Names of the outputs of one size of cells."""

    #: Side of a cell, pixels.
    stride: int
    #: Output (anchors, 1): score, 0 to 1.
    scores: str
    #: Output (anchors, 4): distances to left, top, right, bottom, in cells.
    distances: str
    #: Output (anchors, 10): x and y of the five points relative to the anchor, in cells.
    points: str


class SCRFD:
    """Finds faces with five landmarks."""

    max_overlap = MAX_OVERLAP
    default_confidence = DEFAULT_CONFIDENCE
    has_landmarks = True
    landmarks_follow_tilt = True

    def __init__(self, network: Network) -> None:
        """Take over a loaded model.

        Raises:
            CatalogueError: its entry says nothing of pixels.
            ContractMismatch: its outputs are not those of this family.
        """
        self._session = network.session
        self._pixels = network.pixels
        self._levels = levels_of(network.spec)
        (self._input,) = network.spec.inputs

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """See FaceDetector.look."""
        placed = fit(image.shape[1], image.shape[0], longer_side=CANVAS, multiple=CANVAS)
        tensor = to_tensor([place(image, placed)], self._pixels)
        outputs = self._session.run({self._input: tensor})
        return to_image(decode(outputs, self._levels, min_confidence=min_confidence), placed)


def levels_of(spec: ModelSpec) -> tuple[Level, ...]:
    """Which output is what: scores, distances and points, each for strides 8, 16 and 32.

    The names are numbers that differ between the files; the order does not.

    Raises:
        ContractMismatch: the entry's outputs are not nine of these widths.
    """
    names, contracts = list(spec.outputs), list(spec.outputs.values())
    if tuple(contract.dims[-1] for contract in contracts) != _WIDTHS:
        raise ContractMismatch(
            f"{spec.id}: SCRFD has nine outputs; of each anchor, in this order,"
            f" {list(_WIDTHS)} values."
        )
    return tuple(
        Level(stride=stride, scores=scores, distances=distances, points=points)
        for stride, scores, distances, points in zip(
            STRIDES, names[:3], names[3:6], names[6:], strict=True
        )
    )


def decode(outputs: Tensors, levels: tuple[Level, ...], *, min_confidence: float) -> Candidates:
    """Read the nine outputs for one canvas, in its pixels.

    Args:
        outputs: By name, shapes as Level says; anchors run by cell from left to right, then down,
            the two of a cell in a row.
        levels: What is what.
        min_confidence: Candidates below are dropped; so are any that are not finite.

    Raises:
        ContractMismatch: a level has another number of anchors than its stride gives.
    """
    found = join([_decode_level(outputs, level, min_confidence) for level in levels])
    return keep(found, finite(found))


def _decode_level(outputs: Tensors, level: Level, min_confidence: float) -> Candidates:
    stride, columns = level.stride, CANVAS // level.stride
    scores = outputs[level.scores].reshape(-1)
    if len(scores) != ANCHORS_PER_CELL * columns**2:
        raise ContractMismatch(
            f"SCRFD output '{level.scores}' has {len(scores)} anchors; stride {stride} has"
            f" {ANCHORS_PER_CELL * columns**2}."
        )
    (chosen,) = np.nonzero(scores >= min_confidence)
    cells = chosen // ANCHORS_PER_CELL
    anchors = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32) * stride
    reach = outputs[level.distances][chosen] * stride
    points = outputs[level.points][chosen].reshape(-1, 5, 2) * stride
    return Candidates(
        boxes=np.concatenate([anchors - reach[:, :2], reach[:, :2] + reach[:, 2:]], axis=1),
        scores=scores[chosen],
        landmarks=anchors[:, None, :] + points,
    )
