"""The look at an image inside a wide border: for faces that fill the frame."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.detection.candidates import Candidates, keep
from models.detection.letterbox import BORDER, Placement, from_canvas
from models.geometry import fit, resize
from models.results import Image

#: Width of the border on each side, as a share of the image's longer side. On 24 close-ups cut so
#: that the face is 0.8 to 1.2 times as tall as the frame, YuNet, SCRFD-500M, SCRFD-2.5G and
#: YOLOv5n-0.5-face find all with it (the last one misses one at 1.2). Without it both SCRFD find
#: none or one from 0.8 on, YOLOv5n-0.5 only 18 at 0.9 and one at 1.2; YuNet needs none. Black, grey
#: and the image's mean colour do equally well.
BORDER_SHARE = 0.5
#: Longer side of the image inside the border, at most, pixels: with the border it is twice that,
#: which detectors shrink to 640 anyway, and memory stays flat.
LONGER_SIDE = 640
#: A face that covers more than this share of the image is looked at again.
LARGE_SHARE = 0.6
#: So is one that touches this many edges of the image.
EDGES = 2
#: A box this near to an edge touches it, as a share of the image's side.
EDGE_SHARE = 0.01


def why_padded(found: Candidates, *, width: int, height: int) -> str | None:
    """Why a padded look may find more or better than the first one; None when it will not.

    Args:
        found: What the first look found, pixels of the image.
        width: The image's, pixels.
        height: The image's, pixels.
    """
    if not len(found.boxes):
        return "the image alone showed no face"
    if (_edges(found.boxes, width, height) >= EDGES).all():
        return f"every face touched {EDGES} edges or more"
    share = found.boxes[:, 2:].prod(axis=1) / (width * height)
    if (share > LARGE_SHARE).all():
        return "every face filled the image"
    return None


def padded(image: Image) -> tuple[Image, Placement]:
    """Lay an image in the middle of a grey canvas, and say where it lies there."""
    height, width = image.shape[:2]
    placed = fit(width, height, longer_side=min(LONGER_SIDE, max(width, height)), multiple=1)
    border = max(1, round(BORDER_SHARE * max(placed.width, placed.height)))
    canvas = cv2.copyMakeBorder(
        resize(image, placed.width, placed.height),
        *(border,) * 4,
        cv2.BORDER_CONSTANT,
        value=(BORDER,) * 3,
    )
    return cast("Image", canvas), Placement(
        scale_x=placed.scale_x, scale_y=placed.scale_y, left=border, top=border
    )


def unpadded(found: Candidates, placed: Placement, *, width: int, height: int) -> Candidates:
    """Go from pixels of the padded canvas to those of the image; what lies in the border is left.

    Args:
        found: Candidates on the canvas.
        placed: Where the image lies there.
        width: The image's, pixels.
        height: The image's, pixels.
    """
    moved = from_canvas(found, placed)
    centre = moved.boxes[:, :2] + moved.boxes[:, 2:] / 2
    inside = (centre >= 0) & (centre <= np.array([width, height]))
    return keep(moved, np.all(inside, axis=1))


def _edges(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.intp]:
    """How many edges of the image each box touches, (N,)."""
    near = EDGE_SHARE * np.array([width, height])
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    touches = np.concatenate([low <= near, high >= np.array([width, height]) - near], axis=1)
    return np.asarray(touches.sum(axis=1))
