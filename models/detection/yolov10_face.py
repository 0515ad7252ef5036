"""YOLOv10-face: a face detector without landmarks (A. Wang et al., 2024; akanametov/yolo-face).

Its head answers with one box per face, best first, so the graph needs no suppression of doubles.
"""

import numpy as np
from numpy.typing import NDArray

from models.detection.candidates import Candidates, finite, keep
from models.detection.letterbox import from_canvas, letterbox
from models.errors import CatalogueError, ContractMismatch
from models.network import Network
from models.pixels import to_tensor
from models.results import Image

#: Left, top, right, bottom, confidence, class.
COLUMNS = 6
#: The threshold its publishers' `predict` uses when none is given.
DEFAULT_CONFIDENCE = 0.25
#: Only of use where several looks are merged: within one there are no doubles.
MAX_OVERLAP = 0.5
FACE_LABEL = "face"


class YOLOv10Face:
    """Finds faces."""

    max_overlap = MAX_OVERLAP
    default_confidence = DEFAULT_CONFIDENCE
    has_landmarks = False
    landmarks_follow_tilt = True

    def __init__(self, network: Network) -> None:
        """Take over a loaded model.

        Raises:
            CatalogueError: its entry says too little of its pixels or labels.
            ContractMismatch: its output is not that of this family.
        """
        spec = network.spec
        if spec.pixels is None or FACE_LABEL not in spec.labels:
            raise CatalogueError(f"models.{spec.id} must say `pixels`, and `labels` with 'face'.")
        ((self._output, answer),) = spec.outputs.items()
        if len(answer.dims) != 3 or answer.dims[-1] != COLUMNS:  # noqa: PLR2004 - batch, rows, columns
            raise ContractMismatch(
                f"{spec.id}: YOLOv10 with its selection inside answers [1, rows, {COLUMNS}], not"
                f" {list(answer.dims)}. Export it with ultralytics as it is."
            )
        ((self._input, contract),) = spec.inputs.items()
        self._height, self._width = (int(dim) for dim in contract.dims[2:])
        self._session = network.session
        self._pixels = spec.pixels
        self._face = spec.labels.index(FACE_LABEL)

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """See FaceDetector.look.

        Raises:
            ContractMismatch: the rows are no corners of boxes.
        """
        canvas, placed = letterbox(image, width=self._width, height=self._height)
        answers = self._session.run({self._input: to_tensor([canvas], self._pixels)})
        rows = answers[self._output][0]
        return from_canvas(decode(rows, face=self._face, min_confidence=min_confidence), placed)


def decode(rows: NDArray[np.float32], *, face: int, min_confidence: float) -> Candidates:
    """Read the rows for one canvas, in its pixels.

    Args:
        rows: (N, 6): left, top, right, bottom, confidence, class; rows without a box are zeros.
        face: The class that counts.
        min_confidence: Candidates below are dropped; so are any that are not finite.

    Raises:
        ContractMismatch: a confident row's right or bottom edge lies before its left or top one.
    """
    counts = (rows[:, 4] >= min_confidence) & (rows[:, 5] == face)
    chosen = rows[counts].astype(np.float32)
    corner, size = chosen[:, :2], chosen[:, 2:4] - chosen[:, :2]
    if (size < 0).any():
        raise ContractMismatch(
            "YOLOv10-face answered with rows that are no corners of boxes: this file has another"
            " layout than the catalogue says."
        )
    found = Candidates(
        boxes=np.concatenate([corner, size], axis=1), scores=chosen[:, 4], landmarks=None
    )
    return keep(found, finite(found))
