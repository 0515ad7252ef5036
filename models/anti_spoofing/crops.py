"""What is cut around a face for anti-spoofing: where, and how it becomes the network's size.

The networks judge borders, glare and texture around the face as much as the face itself, so where
the crop lies matters. Two published forms, which a catalogue entry's `crop` names:

- `box`/`shift`: `CropImage` of Minivision's Silent-Face-Anti-Spoofing. Width and height of the box
  times a scale, which shrinks until the crop fits the frame; the crop moves inside, then is
  squeezed into a square.
- `square`/`black`: `increased_crop` of hairymax's Face-AntiSpoofing. A square around the box's
  centre, black outside the frame.
"""

import math
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from models.results import Box, Image
from models.spec import FaceCrop

#: Both publishers resize with OpenCV's default, which skips pixels when it shrinks; so the
#: networks have learnt from chips that alias.
INTERPOLATION = cv2.INTER_LINEAR


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """Whole pixels of an image, from `left` and `top` up to before `right` and `bottom`."""

    left: int
    top: int
    #: Greater than left.
    right: int
    #: Greater than top.
    bottom: int


def region(box: Box, crop: FaceCrop, *, width: int, height: int) -> Region:
    """Where a crop lies.

    Args:
        box: The detected face, pixels; may reach past the image's edge.
        crop: Shape, scale, and what happens outside the frame.
        width: The image's, pixels, at least 1.
        height: The image's, pixels, at least 1.

    Returns:
        Inside the image for `shift`; around the box's centre for `black`.
    """
    wide, high = box.width, box.height
    if crop.shape == "square":
        wide = high = max(wide, high)
    wide, high = wide * crop.scale, high * crop.scale
    if crop.outside == "black":
        left, right = _around(box.x + box.width / 2, wide)
        top, bottom = _around(box.y + box.height / 2, high)
        return Region(left=left, top=top, right=right, bottom=bottom)
    fits = min(1.0, (width - 1) / max(wide, 1e-9), (height - 1) / max(high, 1e-9))
    left, right = _within(box.x + box.width / 2, wide * fits, width)
    top, bottom = _within(box.y + box.height / 2, high * fits, height)
    return Region(left=left, top=top, right=right, bottom=bottom)


def cut(image: Image, where: Region, *, width: int, height: int) -> Image:
    """Cut a region and squeeze it into a size.

    Args:
        image: (H, W, 3) uint8.
        where: May reach past the image's edge; what lies outside is black.
        width: Of the chip, pixels.
        height: Of the chip, pixels.

    Returns:
        (height, width, 3) uint8.
    """
    inside = _clipped(where, image.shape[1], image.shape[0])
    if inside is None:
        return np.zeros((height, width, 3), np.uint8)
    patch = image[inside.top : inside.bottom, inside.left : inside.right]
    if inside == where:
        return cast("Image", cv2.resize(patch, (width, height), interpolation=INTERPOLATION))
    # A warp reads the black border without building it: a wrong box may be larger than memory.
    grow_x, grow_y = (where.right - where.left) / width, (where.bottom - where.top) / height
    to_patch = np.array(
        [
            [grow_x, 0, 0.5 * grow_x - 0.5 + where.left - inside.left],
            [0, grow_y, 0.5 * grow_y - 0.5 + where.top - inside.top],
        ]
    )
    flags = INTERPOLATION | cv2.WARP_INVERSE_MAP
    return cast("Image", cv2.warpAffine(patch, to_patch, (width, height), flags=flags))


def _around(centre: float, length: float) -> tuple[int, int]:
    start = math.trunc(centre - length / 2)
    return start, start + max(1, math.trunc(length))


def _within(centre: float, length: float, size: int) -> tuple[int, int]:
    """The published arithmetic: the last pixel is `size - 1` and belongs to the crop."""
    start = min(max(centre - length / 2, 0.0), size - 1 - length)
    start = max(start, 0.0)
    return math.trunc(start), min(math.trunc(start + length), size - 1) + 1


def _clipped(where: Region, width: int, height: int) -> Region | None:
    left, right = max(where.left, 0), min(where.right, width)
    top, bottom = max(where.top, 0), min(where.bottom, height)
    if left >= right or top >= bottom:
        return None
    return Region(left=left, top=top, right=right, bottom=bottom)
