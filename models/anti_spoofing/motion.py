"""Whether a face moves as a thing with depth does, or as a flat picture.

Two views of a plane are related by a homography, whatever camera and plane do. So points on the
face are followed from frame to frame, the best homography is taken away, and what is left is
expression, or depth. The landmarks are too rough for that (their own noise is 1 % of the face);
they only bring both faces to one place and size first, and say how far the face moved.

A bent print leaves a residual too, and so does a face on a screen: motion proves nothing. Its
absence speaks against a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.anti_spoofing.results import Motion
from models.geometry import align
from models.results import DetectedFace, Image, Points

#: Side of the chips in which points are followed, and the face's size in them, pixels.
CHIP_SIDE, FACE_SIDE = 256, 160
#: With fewer followed points the fit of a homography (8 numbers) says little.
MIN_POINTS = 15
#: A point counts when following it forth and back ends within so many chip pixels of its start.
_MAX_RETURN_PIXELS = 0.5
#: Neighbourhood that is compared, pixels, and halvings of the chip for large moves.
_WINDOW, _LEVELS = (15, 15), 3
#: The ellipse on which points are picked, as a share of the box: without hair and background.
_OVAL = (0.45, 0.48)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """One picture of a sequence and the face in question."""

    #: (H, W, 3) uint8, RGB.
    image: Image
    face: DetectedFace


def motion_of(frames: Sequence[Frame]) -> Motion:
    """Measure how a face moves through at least two frames, oldest first.

    Raises:
        ValueError: fewer than two frames.
    """
    pairs = list(pairwise(frames))
    if not pairs:
        raise ValueError("Motion needs two frames.")
    left = [found for pair in pairs if (found := pair_residual(*pair)) is not None]
    return Motion(
        pairs=len(pairs),
        measured=len(left),
        displacement=float(np.median([_displacement(*pair) for pair in pairs])),
        residual=float(np.median(left)) if left else None,
    )


def pair_residual(first: Frame, second: Frame) -> float | None:
    """What a flat picture's motion can't explain between two frames.

    Returns:
        A share of the face's size; None when too few points could be followed.
    """
    size = _size(first.face)
    box = first.face.box
    centre = (box.x + box.width / 2, box.y + box.height / 2)
    middle = CHIP_SIDE / 2
    template = ((first.face.landmarks - centre) * (FACE_SIDE / size) + middle).astype(np.float32)
    try:
        before = _chip(first, template)
        after = _chip(second, template)
    except ValueError:  # All landmarks of a face coincide.
        return None
    scale = FACE_SIDE / size
    axes = (round(_OVAL[0] * box.width * scale), round(_OVAL[1] * box.height * scale))
    starts, ends = _follow(before, after, axes)
    return flat_residual(starts, ends, FACE_SIDE)


def flat_residual(starts: Points, ends: Points, size: float) -> float | None:
    """Median distance of moved points from the best homography of their starts.

    Args:
        starts: (N, 2).
        ends: (N, 2).
        size: Of the face, in the same unit.

    Returns:
        A share of the size; None for fewer than MIN_POINTS, or where no homography fits.
    """
    if len(starts) < MIN_POINTS:
        return None
    exact = starts.astype(np.float64)
    # OpenCV's stub does not know that there may be no homography.
    fitted, _ = cv2.findHomography(exact, ends.astype(np.float64), 0)
    homography = cast("NDArray[np.float64] | None", fitted)
    if homography is None:
        return None
    flat = cv2.perspectiveTransform(exact[None], homography)[0]
    found = float(np.median(np.linalg.norm(flat - ends, axis=1))) / size
    return found if np.isfinite(found) else None


def _chip(frame: Frame, template: Points) -> NDArray[np.uint8]:
    chip = align(frame.image, frame.face.landmarks, template, CHIP_SIDE)
    return cast("NDArray[np.uint8]", cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY))


def _follow(
    before: NDArray[np.uint8], after: NDArray[np.uint8], axes: tuple[int, int]
) -> tuple[Points, Points]:
    """Corners of the face in one chip and where they are in the other: twice (N, 2)."""
    mask = np.zeros_like(before)
    cv2.ellipse(mask, (CHIP_SIDE // 2, CHIP_SIDE // 2), axes, 0, 0, 360, 255, -1)
    # OpenCV's stub does not know that there may be no corners.
    corners = cast("Points | None", cv2.goodFeaturesToTrack(before, 120, 0.01, 4, mask=mask))
    if corners is None:
        return np.empty((0, 2), np.float32), np.empty((0, 2), np.float32)
    ends, there = _flow(before, after, corners)
    returned, back = _flow(after, before, ends)
    off = np.abs(returned - corners).reshape(len(corners), -1).max(axis=1)
    good = there & back & (off < _MAX_RETURN_PIXELS)
    return corners[good].reshape(-1, 2), ends[good].reshape(-1, 2)


def _flow(
    before: NDArray[np.uint8], after: NDArray[np.uint8], points: Points
) -> tuple[Points, NDArray[np.bool_]]:
    """Lucas-Kanade: where points, (N, 1, 2), have gone, and which could be followed, (N,)."""
    ends = np.empty_like(points)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, ends, winSize=_WINDOW, maxLevel=_LEVELS
    )
    return cast("Points", moved), cast("NDArray[np.uint8]", found)[:, 0] == 1


def _displacement(first: Frame, second: Frame) -> float:
    moved = second.face.landmarks - first.face.landmarks
    return float(np.linalg.norm(moved, axis=1).mean()) / _size(first.face)


def _size(face: DetectedFace) -> float:
    return max(float(np.sqrt(face.box.area)), 1.0)
