"""YuNet: a face detector with five landmarks (W. Wu, H. Peng, S. Yu, 2023; OpenCV zoo 2023mar).

The network divides its canvas into cells of 8, 16 and 32 pixels; every cell answers with two
scores, a box and five points relative to itself.
"""

import numpy as np
from numpy.typing import NDArray

from models.contract import Tensors
from models.detection.candidates import Candidates, finite, join, keep, to_image
from models.geometry import Fit, fit, resize
from models.network import Network
from models.results import Image

STRIDES = (8, 16, 32)
#: The canvases an image is looked at on: longer side, and longer side of the smallest face that
#: counts, pixels. The large one finds small faces; the small one gives better landmarks of
#: close-ups, at a quarter of the cost: LFW (250x250) with SFace, 99.0 % on the first alone and
#: 99.5 % on both. Boxes of small faces are too rough on it; they would count twice.
LOOKS = ((640, 0), (320, 32))
#: Overlap of two boxes above which they are one face; the value of the published post-processing.
MAX_OVERLAP = 0.3
#: The score threshold of the publisher's own demo is 0.9, of OpenCV's evaluation 0.3; at 0.5 LFW
#: and WIDER give neither doubles nor many misses.
DEFAULT_CONFIDENCE = 0.5


class YuNet:
    """Finds faces with five landmarks."""

    max_overlap = MAX_OVERLAP
    default_confidence = DEFAULT_CONFIDENCE
    has_landmarks = True
    #: At 30 degrees its points lean by some 5; OpenCV's own decoder shows the same.
    landmarks_follow_tilt = False

    def __init__(self, network: Network) -> None:
        self._session = network.session

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """See FaceDetector.look."""
        height, width = image.shape[:2]
        looks: list[Candidates] = []
        for longer_side, min_side in LOOKS:
            placed = fit(width, height, longer_side=longer_side, multiple=max(STRIDES))
            outputs = self._session.run({"input": preprocess(image, placed)})
            found = decode(
                outputs,
                width=placed.canvas_width,
                min_confidence=min_confidence,
                min_side=min_side,
            )
            looks.append(to_image(found, placed))
        return join(looks)


def preprocess(image: Image, placed: Fit) -> NDArray[np.float32]:
    """Turn an RGB image into the network's input: (1, 3, H, W) float32, BGR, 0 to 255.

    The image lies in the top left corner of a black canvas.
    """
    scaled = resize(image, placed.width, placed.height)
    canvas = np.zeros((1, 3, placed.canvas_height, placed.canvas_width), np.float32)
    canvas[0, :, : placed.height, : placed.width] = scaled[:, :, ::-1].transpose(2, 0, 1)
    return canvas


def decode(
    outputs: Tensors, *, width: int, min_confidence: float, min_side: float = 0
) -> Candidates:
    """Read the twelve outputs for one canvas, in its pixels.

    Args:
        outputs: cls_S and obj_S (1, cells, 1), bbox_S (1, cells, 4), kps_S (1, cells, 10) for
            each stride S; cells run from left to right, then down.
        width: Width of the canvas, pixels.
        min_confidence: Candidates below are dropped; so are any that are not finite.
        min_side: Candidates with a shorter longer side are dropped, pixels.
    """
    found = join([_decode_level(outputs, stride, width, min_confidence) for stride in STRIDES])
    return keep(found, finite(found) & (found.boxes[:, 2:].max(axis=1) >= min_side))


def _decode_level(outputs: Tensors, stride: int, width: int, min_confidence: float) -> Candidates:
    # The two scores may leave 0 to 1 by rounding; their geometric mean is the confidence.
    is_face = np.clip(outputs[f"cls_{stride}"].reshape(-1), 0, 1)
    is_object = np.clip(outputs[f"obj_{stride}"].reshape(-1), 0, 1)
    scores = np.sqrt(is_face * is_object)
    (chosen,) = np.nonzero(scores >= min_confidence)
    columns = width // stride
    cells = np.stack([chosen % columns, chosen // columns], axis=1).astype(np.float32)
    offsets = outputs[f"bbox_{stride}"].reshape(-1, 4)[chosen]
    points = outputs[f"kps_{stride}"].reshape(-1, 5, 2)[chosen]
    with np.errstate(over="ignore"):
        size = np.exp(offsets[:, 2:]) * stride
    centre = (cells + offsets[:, :2]) * stride
    boxes = np.concatenate([centre - size / 2, size], axis=1)
    landmarks = (cells[:, None, :] + points) * stride
    return Candidates(boxes=boxes, scores=scores[chosen], landmarks=landmarks)
