"""UltraFace: a very small face detector without landmarks (Linzaer, version RFB-320).

Boxes leave the graph decoded; the priors are inside it, so the canvas has one size.
"""

import numpy as np

from models.contract import Tensors
from models.detection.candidates import Candidates, finite, keep
from models.detection.letterbox import from_canvas, letterbox
from models.errors import CatalogueError
from models.network import Network
from models.pixels import to_tensor
from models.results import Image

#: Overlap of two boxes above which they are one face; the value of the publisher's demo.
MAX_OVERLAP = 0.3
#: The score threshold of the publisher's demo.
DEFAULT_CONFIDENCE = 0.7


class UltraFace:
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
        self._height, self._width = _size(network.spec.inputs[self._feed].dims)

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """See FaceDetector.look."""
        # The publisher's demo squeezes the image to the canvas instead, which makes the faces of
        # upright photos nearly twice as wide as they are.
        canvas, placed = letterbox(image, width=self._width, height=self._height)
        outputs = self._session.run({self._feed: to_tensor([canvas], self._pixels)})
        found = decode(
            outputs, width=self._width, height=self._height, min_confidence=min_confidence
        )
        return from_canvas(found, placed)


def decode(outputs: Tensors, *, width: int, height: int, min_confidence: float) -> Candidates:
    """Read the two outputs for one canvas, in its pixels.

    Args:
        outputs: `scores` (1, N, 2), background and face, and `boxes` (1, N, 4): left, top, right
            and bottom as shares of the canvas.
        width: Width of the canvas, pixels.
        height: Height of the canvas, pixels.
        min_confidence: Candidates below are dropped; so are any that are not finite.
    """
    scores = np.clip(outputs["scores"][0, :, 1], 0, 1)
    (chosen,) = np.nonzero(scores >= min_confidence)
    corners = outputs["boxes"][0, chosen] * np.array([width, height, width, height], np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    found = Candidates(boxes=boxes, scores=scores[chosen], landmarks=None)
    return keep(found, finite(found))


def _size(dims: tuple[int | str, ...]) -> tuple[int, int]:
    """Height and width of an input (1, 3, height, width)."""
    height, width = dims[2:]
    if not isinstance(height, int) or not isinstance(width, int):
        raise CatalogueError(f"UltraFace's priors need an input of one size, not {dims}.")
    return height, width
