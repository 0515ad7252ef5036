"""The placement of networks with a fixed input: an image in the middle of a one-coloured canvas."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.detection.candidates import Candidates
from models.geometry import fit, resize
from models.results import Image

#: Value of the border on all three channels: what YOLOv5 and its successors are trained with.
BORDER = 114


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where an image lies on a canvas."""

    #: Canvas pixels per image pixel, along x and y; they differ by rounding to whole pixels.
    scale_x: float
    scale_y: float
    #: Border at the left and at the top, canvas pixels.
    left: int
    top: int


def letterbox(
    image: Image, *, width: int, height: int, border: int = BORDER
) -> tuple[Image, Placement]:
    """Scale an image into a canvas without distortion; the rest is an equal border on both sides.

    Args:
        image: (H, W, 3) uint8, any size from 1x1 on; enlarged when it is smaller.
        width: Width of the canvas, pixels.
        height: Height of the canvas, pixels.
        border: Value of the border on all three channels.

    Returns:
        The canvas, (height, width, 3) uint8, and where the image lies on it.
    """
    rows, columns = image.shape[:2]
    longer = max(columns, rows) * min(width / columns, height / rows)
    placed = fit(columns, rows, longer_side=max(1, round(longer)), multiple=1)
    left, top = (width - placed.width) // 2, (height - placed.height) // 2
    canvas = np.full((height, width, 3), border, np.uint8)
    canvas[top : top + placed.height, left : left + placed.width] = resize(
        image, placed.width, placed.height
    )
    return canvas, Placement(scale_x=placed.scale_x, scale_y=placed.scale_y, left=left, top=top)


def from_canvas(found: Candidates, placed: Placement) -> Candidates:
    """Go from pixels of the canvas to pixels of the image placed on it."""
    shift = np.array([placed.left, placed.top], np.float32)
    scale = np.array([placed.scale_x, placed.scale_y], np.float32)
    corner = (found.boxes[:, :2] - shift) / scale
    points: NDArray[np.float32] | None = None
    if found.landmarks is not None:
        points = ((found.landmarks - shift) / scale).astype(np.float32)
    return Candidates(
        boxes=np.concatenate([corner, found.boxes[:, 2:] / scale], axis=1).astype(np.float32),
        scores=found.scores,
        landmarks=points,
    )
