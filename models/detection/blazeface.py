"""BlazeFace: MediaPipe's face detectors (V. Bazarevsky et al., 2019), short and full range.

The network divides its square canvas into cells; each has one or more anchors at its middle, and
each anchor answers with a score, a box and six keypoints. The keypoints are eyes, nose tip, the
mouth's middle and ears: not the five landmarks of `models.results`, which have two mouth corners,
so none are given.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.contract import Tensors
from models.detection.candidates import Candidates, finite, keep
from models.detection.letterbox import from_canvas, letterbox
from models.errors import CatalogueError
from models.network import Network
from models.pixels import to_tensor
from models.results import Image

#: Side of the canvas -> (cells along a side, anchors in each) of its grids, in the order of the
#: outputs' rows. From MediaPipe's face_detection_{short,full}_range_common.pbtxt: strides 8, 16,
#: 16, 16 with two anchors each, and stride 4 with one.
GRIDS = {128: ((16, 2), (8, 6)), 192: ((48, 1),)}
#: What surrounds the image on its canvas; MediaPipe's border_mode is BORDER_ZERO.
BORDER = 0
#: Overlap of two boxes above which they are one face; MediaPipe's min_suppression_threshold.
MAX_OVERLAP = 0.3
#: MediaPipe's min_detection_confidence where none is given.
DEFAULT_CONFIDENCE = 0.5
#: Numbers of one row of the regressors: a box and six points.
_ROW = 16


class BlazeFace:
    """Finds faces, without landmarks."""

    max_overlap = MAX_OVERLAP
    default_confidence = DEFAULT_CONFIDENCE
    has_landmarks = False
    landmarks_follow_tilt = True

    def __init__(self, network: Network) -> None:
        """Take over a loaded model.

        Raises:
            CatalogueError: its entry is not of this family.
        """
        self._session = network.session
        self._pixels = network.pixels
        (self._feed,) = network.spec.inputs
        side = network.spec.inputs[self._feed].dims[1]
        if not isinstance(side, int) or side not in GRIDS:
            raise CatalogueError(
                f"models.{network.spec.id}: no anchors are known for a canvas of {side}."
            )
        self._side = side
        widths = {name: tensor.dims[-1] for name, tensor in network.spec.outputs.items()}
        (self._regressors,) = (name for name, width in widths.items() if width == _ROW)
        (self._scores,) = (name for name, width in widths.items() if width == 1)

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """See FaceDetector.look."""
        canvas, placed = letterbox(image, width=self._side, height=self._side, border=BORDER)
        outputs: Tensors = self._session.run({self._feed: to_tensor([canvas], self._pixels)})
        found = decode(
            outputs[self._regressors],
            outputs[self._scores],
            side=self._side,
            min_confidence=min_confidence,
        )
        return from_canvas(found, placed)


@cache
def anchors(side: int) -> NDArray[np.float32]:
    """Middles of all anchors of a canvas, (N, 2), pixels: grid by grid, row by row.

    Args:
        side: Side of the canvas, one of GRIDS.
    """
    grids = []
    for cells, count in GRIDS[side]:
        middles = (np.arange(cells, dtype=np.float32) + 0.5) * (side / cells)
        y, x = np.meshgrid(middles, middles, indexing="ij")
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), count, axis=0))
    return np.concatenate(grids).astype(np.float32)


def decode(
    regressors: NDArray[np.float32],
    logits: NDArray[np.float32],
    *,
    side: int,
    min_confidence: float,
) -> Candidates:
    """Read the two outputs for one canvas, in its pixels.

    Args:
        regressors: (1, N, 16): middle of the box relative to the anchor, its width and height,
            and six points relative to the anchor; all in canvas pixels.
        logits: (1, N, 1).
        side: Side of the canvas, one of GRIDS.
        min_confidence: Candidates below are dropped; so are boxes without area and any that are
            not finite.
    """
    # The logistic function, written so that no exponential overflows.
    scores = (0.5 + 0.5 * np.tanh(0.5 * logits.reshape(-1))).astype(np.float32)
    (chosen,) = np.nonzero(scores >= min_confidence)
    rows = regressors.reshape(-1, _ROW)[chosen]
    sizes = rows[:, 2:4]
    with np.errstate(over="ignore", invalid="ignore"):
        corners = anchors(side)[chosen] + rows[:, :2] - sizes / 2
    boxes = np.concatenate([corners, sizes], axis=1)
    found = Candidates(boxes=boxes, scores=scores[chosen], landmarks=None)
    return keep(found, finite(found) & (sizes > 0).all(axis=1))
