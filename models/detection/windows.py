"""Windows of an image pyramid, as MTCNN's networks narrow them down: arrays in, arrays out.

A window is (left, top, right, bottom) in pixels of the image, its right and lower edge excluded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.geometry import Fit, resize, suppress
from models.results import Image

#: Side of the window of the network that is run on whole levels, and distance of its cells, pixels.
WINDOW, STRIDE = 12, 2
#: From one level of the pyramid to the next; the value of the publisher's demo.
PYRAMID_STEP = 0.709
#: Windows more than so many times as long as the image are dropped: none that a trained network
#: proposes is, and they would cost memory.
MAX_TIMES_LONGER = 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Windows:
    """Places that may be faces."""

    #: (N, 4) float32, pixels.
    corners: NDArray[np.float32]
    #: (N,) float32, 0 to 1.
    scores: NDArray[np.float32]
    #: (N, 4) float32: how the corners should move, as shares of the window's width and height.
    shifts: NDArray[np.float32]


def pyramid(width: int, height: int, *, smallest_face: float) -> list[Fit]:
    """Sizes at which a face of any size fills a window at one of them.

    Args:
        width: Image width, pixels.
        height: Image height, pixels.
        smallest_face: Shorter side of the smallest face looked for, pixels.

    Returns:
        Largest first; none for an image that is smaller than the smallest face.
    """
    levels: list[Fit] = []
    scale = WINDOW / smallest_face
    while min(width, height) * scale >= WINDOW:
        new_width, new_height = int(np.ceil(width * scale)), int(np.ceil(height * scale))
        levels.append(
            Fit(
                scale_x=new_width / width,
                scale_y=new_height / height,
                width=new_width,
                height=new_height,
                canvas_width=new_width,
                canvas_height=new_height,
            )
        )
        scale *= PYRAMID_STEP
    return levels


def read_level(
    scores: NDArray[np.float32],
    shifts: NDArray[np.float32],
    level: Fit,
    *,
    min_confidence: float,
) -> Windows:
    """The windows of one level that may be faces, in pixels of the image.

    Args:
        scores: (columns, rows), 0 to 1.
        shifts: (columns, rows, 4).
        level: How the image was scaled.
        min_confidence: Windows below are dropped.
    """
    columns, rows = np.nonzero(scores >= min_confidence)
    low = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
    scale = np.array([level.scale_x, level.scale_y] * 2, np.float32)
    return Windows(
        corners=(np.concatenate([low, low + WINDOW], axis=1) / scale).astype(np.float32),
        scores=scores[columns, rows],
        shifts=shifts[columns, rows],
    )


def only(windows: Windows, which: NDArray[Any]) -> Windows:
    """Some of the windows, by (N,) bool or by indices in the wanted order."""
    return Windows(
        corners=windows.corners[which],
        scores=windows.scores[which],
        shifts=windows.shifts[which],
    )


def best(windows: Windows, *, max_overlap: float) -> Windows:
    """The windows without those that overlap a better one too much, best first."""
    return only(
        windows, suppress(to_boxes(windows.corners), windows.scores, max_overlap=max_overlap)
    )


def together(levels: Sequence[Windows]) -> Windows:
    """All windows of several levels; at least one level."""
    return Windows(
        corners=np.concatenate([level.corners for level in levels]),
        scores=np.concatenate([level.scores for level in levels]),
        shifts=np.concatenate([level.shifts for level in levels]),
    )


def moved(windows: Windows) -> NDArray[np.float32]:
    """Corners where the network would rather have them, (N, 4)."""
    sizes = windows.corners[:, 2:] - windows.corners[:, :2]
    steps = windows.shifts * np.concatenate([sizes, sizes], axis=1)
    result: NDArray[np.float32] = (windows.corners + steps).astype(np.float32)
    return result


def square(corners: NDArray[np.float32], *, width: int, height: int) -> NDArray[np.float32]:
    """Squares of whole pixels over the longer sides, about the same middles.

    Args:
        corners: (N, 4); those that are not finite, without area, without a pixel of the image or
            far larger than it are dropped.
        width: Image width, pixels.
        height: Image height, pixels.
    """
    corners = corners[np.isfinite(corners).all(axis=1)]
    middles = (corners[:, :2] + corners[:, 2:]) / 2
    sides = (corners[:, 2:] - corners[:, :2]).max(axis=1, keepdims=True)
    low, sides = np.rint(middles - sides / 2), np.rint(sides)
    squares = np.concatenate([low, low + sides], axis=1)
    fitting = (sides[:, 0] >= 1) & (sides[:, 0] <= MAX_TIMES_LONGER * max(width, height))
    inside = (squares[:, 2:] > 0).all(axis=1) & (squares[:, :2] < (width, height)).all(axis=1)
    result: NDArray[np.float32] = squares[fitting & inside].astype(np.float32)
    return result


def cut(image: Image, squares: NDArray[np.float32], side: int) -> list[Image]:
    """Chips of squares of whole pixels, (side, side, 3) each; black outside the image."""
    height, width = image.shape[:2]
    chips: list[Image] = []
    for left, top, right, bottom in squares.astype(int).tolist():
        patch = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        margins = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
        if any(margins):
            patch = cast("Image", cv2.copyMakeBorder(patch, *margins, cv2.BORDER_CONSTANT))
        chips.append(resize(patch, side, side))
    return chips


def to_boxes(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 4) corners as x, y, width, height."""
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
