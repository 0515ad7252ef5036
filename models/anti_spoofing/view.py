"""How well a face can be seen for anti-spoofing: measured on the picture, before any network."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.geometry import resize
from models.results import DetectedFace, Image

#: Side at which sharpness is measured, pixels: so that it does not depend on the photo's size.
SHARPNESS_SIDE = 112


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceView:
    """What a verdict depends on beside the networks."""

    #: Shorter side of the detected box, pixels.
    shorter_side_pixels: float
    #: Shortest distance from the box to the frame's edge, as a share of the box's shorter side;
    #: negative where the box reaches out of the frame.
    margin: float
    #: How many times the box fits into the frame, along the axis where it fits least.
    room: float
    #: Variance of the face's Laplacian (see `sharpness`), in squared grey levels.
    sharpness: float
    #: What a face quality check found that forbids a verdict, such as `extreme_pose`.
    faults: tuple[str, ...] = ()


def view_of(image: Image, face: DetectedFace, faults: Iterable[str] = ()) -> FaceView:
    """Measure a face.

    Args:
        image: (H, W, 3) uint8, RGB.
        face: Found in that image.
        faults: What a quality check found that forbids a verdict.
    """
    height, width = image.shape[:2]
    box = face.box
    side = max(min(box.width, box.height), 1e-9)
    nearest = min(box.x, box.y, width - box.x - box.width, height - box.y - box.height)
    return FaceView(
        shorter_side_pixels=side,
        margin=nearest / side,
        room=min(width / max(box.width, 1e-9), height / max(box.height, 1e-9)),
        sharpness=sharpness(image, face),
        faults=tuple(faults),
    )


def sharpness(image: Image, face: DetectedFace) -> float:
    """Variance of the Laplacian of the face's box, brought to 112x112 grey pixels.

    Pech-Pacheco et al. (2000), "Diatom autofocusing in brightfield microscopy". A box wholly
    outside the image has none: 0.
    """
    box = face.box
    left, top = max(round(box.x), 0), max(round(box.y), 0)
    right = min(round(box.x + box.width), image.shape[1])
    bottom = min(round(box.y + box.height), image.shape[0])
    if left >= right or top >= bottom:
        return 0.0
    face_pixels = resize(image[top:bottom, left:right], SHARPNESS_SIDE, SHARPNESS_SIDE)
    grey = cv2.cvtColor(face_pixels, cv2.COLOR_RGB2GRAY)
    return float(cast("NDArray[np.float64]", cv2.Laplacian(grey, cv2.CV_64F)).var())
