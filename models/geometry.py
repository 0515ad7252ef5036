"""Plane geometry of detection and alignment: arrays in, arrays out, no network.

Coordinates follow `models.results`: origin at the image's top left corner, pixel centres at
half-integers. OpenCV's warps put pixel centres at integers; `align` converts.
"""

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Image, Points

#: How many times larger than wanted both sides are where an image is halved first. Below, the
#: second pass costs what the first saves (12 MP to 640: 2.5 times as fast; 2.5 MP: no gain).
_HALVED_FROM = 4

#: (2, 3) float64: maps (x, y, 1) to (x', y').
Affine = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """How an image is placed in the top left corner of a canvas."""

    #: Canvas pixels per image pixel, along x and y; they differ by rounding to whole pixels.
    scale_x: float
    scale_y: float
    #: Size of the scaled image, pixels.
    width: int
    height: int
    #: Size of the canvas, pixels.
    canvas_width: int
    canvas_height: int


def fit(width: int, height: int, *, longer_side: int, multiple: int) -> Fit:
    """Scale a size to a given longer side and round its canvas up to a multiple.

    Args:
        width: Image width, at least 1.
        height: Image height, at least 1.
        longer_side: Wanted length of the longer side, pixels; smaller images are enlarged.
        multiple: Both sides of the canvas are multiples of it.
    """
    scale = longer_side / max(width, height)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    return Fit(
        scale_x=new_width / width,
        scale_y=new_height / height,
        width=new_width,
        height=new_height,
        canvas_width=-(-new_width // multiple) * multiple,
        canvas_height=-(-new_height // multiple) * multiple,
    )


def resize(image: Image, width: int, height: int) -> Image:
    """Resample to a size: averaging when any side shrinks, linear otherwise."""
    image = _halved(image, width, height)
    shrinks = width < image.shape[1] or height < image.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast("Image", cv2.resize(image, (width, height), interpolation=method))


def _halved(image: Image, width: int, height: int) -> Image:
    """Average 2x2 pixels, which OpenCV does far faster, as long as much shrinking is left to do.

    Where a block straddles two target pixels its mean does, not its pixels, and each pass rounds:
    photos differ by one or two of 255 levels from one pass, white noise of full range by 12. Odd
    sides are left alone, because half of them would shift the picture.
    """
    while (
        image.shape[0] % 2 == image.shape[1] % 2 == 0
        and image.shape[1] >= _HALVED_FROM * width
        and image.shape[0] >= _HALVED_FROM * height
    ):
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cast("Image", cv2.resize(image, half, interpolation=cv2.INTER_AREA))
    return image


def place(image: Image, placed: Fit) -> Image:
    """Scale an image into the top left corner of a black canvas.

    Args:
        image: (H, W, 3) uint8, any colour order.
        placed: The size it gets, and the canvas's.

    Returns:
        (canvas height, canvas width, 3) uint8.
    """
    canvas = np.zeros((placed.canvas_height, placed.canvas_width, 3), np.uint8)
    canvas[: placed.height, : placed.width] = resize(image, placed.width, placed.height)
    return canvas


def suppress(
    boxes: NDArray[np.floating[Any]], scores: NDArray[np.floating[Any]], *, max_overlap: float
) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Args:
        boxes: (N, 4): x, y, width, height.
        scores: (N,); of equal scores the first wins.
        max_overlap: Intersection over union above which the lower score is dropped.

    Returns:
        Indices of the kept boxes, best score first.
    """
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    area = boxes[:, 2] * boxes[:, 3]
    rest = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while rest.size:
        best, rest = rest[0], rest[1:]
        kept.append(int(best))
        across = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest])
        down = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        # Written without a division, so that boxes without area need no care.
        rest = rest[shared <= max_overlap * (area[best] + area[rest] - shared)]
    return np.array(kept, dtype=np.intp)


def similarity(source: Points, target: Points) -> Affine:
    """Fit rotation, uniform scale and shift from source to target points by least squares.

    The closed form of Umeyama (1991), in the plane, without reflection.

    Args:
        source: (N, 2), at least two different points.
        target: (N, 2).

    Raises:
        ValueError: all source points coincide.
    """
    source64, target64 = source.astype(np.float64), target.astype(np.float64)
    source_mean, target_mean = source64.mean(axis=0), target64.mean(axis=0)
    centred, wanted = source64 - source_mean, target64 - target_mean
    spread = float((centred**2).sum())
    if spread == 0:
        raise ValueError("All source points coincide: no similarity maps them.")
    # In the plane, scale * rotation is the matrix ((a, -b), (b, a)).
    a = float((centred * wanted).sum()) / spread
    b = float((centred[:, 0] * wanted[:, 1] - centred[:, 1] * wanted[:, 0]).sum()) / spread
    matrix = np.array([[a, -b], [b, a]])
    return np.column_stack([matrix, target_mean - matrix @ source_mean])


def align(image: Image, points: Points, template: Points, size: int) -> Image:
    """Cut a square chip in which the points lie as in the template.

    Args:
        image: (H, W, 3) uint8, any colour order.
        points: (N, 2), pixels of the image; at least two different ones.
        template: (N, 2), pixels of the chip.
        size: Side of the chip, pixels.

    Returns:
        (size, size, 3) uint8; black where the chip reaches past the image.
    """
    to_chip = similarity(points, template)
    scale = float(np.hypot(to_chip[0, 0], to_chip[1, 0]))
    left, top, right, bottom = _footprint(to_chip, size, image.shape[1], image.shape[0])
    if right <= left or bottom <= top:
        return np.zeros((size, size, 3), np.uint8)
    patch = image[top:bottom, left:right]
    # A linear warp reads 2x2 pixels: below half scale it would skip some, so average blocks first.
    factor = int(1 / scale)
    if factor > 1:
        patch = resize(patch, -(-(right - left) // factor), -(-(bottom - top) // factor))
    grow_x, grow_y = (right - left) / patch.shape[1], (bottom - top) / patch.shape[0]
    from_patch = np.array([[grow_x, 0, left], [0, grow_y, top], [0, 0, 1]])
    warp = _centres_at_integers(to_chip @ from_patch)
    return cast("Image", cv2.warpAffine(patch, warp, (size, size), flags=cv2.INTER_LINEAR))


def _footprint(to_chip: Affine, size: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the image part that a chip shows, with a margin."""
    turn, shift = to_chip[:, :2], to_chip[:, 2]
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64)
    inside = (corners - shift) @ np.linalg.inv(turn).T
    # Interpolation and block averages at the border read a little more than the footprint.
    margin = 2 + 2 / float(np.hypot(turn[0, 0], turn[1, 0]))
    low = np.clip(np.floor(inside.min(axis=0) - margin), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(inside.max(axis=0) + margin), 0, (width, height)).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _centres_at_integers(transform: Affine) -> Affine:
    shifted = transform.copy()
    shifted[:, 2] += transform[:, :2] @ (0.5, 0.5) - 0.5
    return shifted
