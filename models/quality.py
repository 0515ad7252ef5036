"""How well a face can be analysed: one score, what it is made of, and reasons against it.

The score is a conventional formula (0.5 sharpness + 0.3 exposure + 0.2 contrast) times two factors,
because a sharp face of 15 pixels or a profile has the same sharpness and light as a good portrait
(docs/explanation/quality.md says the same to users):

    score = (0.5 min(V / 1000, 1) + 0.3 (1 - |M - 128| / 128) + 0.2 min(S / 50, 1)) x size x pose

V is the variance of the Laplacian, M the mean and S the standard deviation of the grey face,
resampled to 64x64. At that size the formula's constant 1000 is met: of 120 photos of LFW, V is 204
to 914 for the middle 90 % (median 414) and the conventional limit of 0.5 for the first factor lies
between sharp faces (5 % below 0.49) and the same faces blurred (median 0.53 at a standard deviation
of 1 pixel of the photo, 0.47 at 2). At 112x112, enlarged faces never come near 1000 (median 91).
"""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.geometry import resize
from models.pose import Pose, pose_of
from models.results import Box, DetectedFace, FaceQuality, Image, QualityReason

#: Side of the face the score's pixels are taken from.
SIZE = 64
#: Variance of the Laplacian from which a face counts as fully sharp, standard deviation from which
#: it has full contrast, and best mean grey: the conventional formula's.
SHARP, CONTRASTY, MIDDLE_GREY = 1000.0, 50.0, 128.0
#: Weights of sharpness, exposure and contrast: the conventional formula's.
WEIGHTS = (0.5, 0.3, 0.2)
#: Longer side from which size costs nothing, pixels. SFace on 260 pairs of LFW, one photo of each
#: shrunk: at 60 and 40 pixels 98.5 and 99.2 % of the genuine pairs are accepted (98.5 % at full
#: size), at 30 97.7 %, at 20 92.5 %, at 16 75.2 %.
SMALL_PIXELS = 40.0
#: Yaw or pitch up to which the pose costs nothing, and from which the score is 0, degrees.
TURNED_DEGREES, PROFILE_DEGREES = 30.0, 90.0

#: Scores below are `low_quality`: the formula's conventional minimum.
LOW_SCORE = 0.5
#: Variance of the Laplacian below which a face is `blurred`: 1 % of LFW's photos lie below 151, and
#: at a blur of 2 pixels three quarters lie below 109.
BLURRED = 100.0
#: Mean grey outside is `too_dark` or `too_bright`: conventional. LFW's photos lie in 76 to 182.
DARK, BRIGHT = 50.0, 200.0
#: Yaw or pitch above is `extreme_pose`, degrees: a yaw of 45 hides one eye's outer corner. Pitch
#: is rougher (SCRFD's and YuNet's points give values 15 degrees apart).
EXTREME_DEGREES = 45.0


def assess(image: Image, face: DetectedFace) -> FaceQuality:
    """Judge one face of an image.

    Args:
        image: (H, W, 3) uint8, RGB, any size from 1x1 on.
        face: Found in that image; its box may reach past the image's edge.

    Returns:
        Reasons are in the order of QualityReason. A face without a pixel inside the image has
        score, sharpness and brightness 0.
    """
    grey = _grey_face(image, face.box)
    pose = pose_of(face.landmarks)
    size = max(face.box.width, face.box.height)
    if grey is None:
        sharpness = brightness = score = 0.0
    else:
        sharpness, brightness = float(cv2.Laplacian(grey, cv2.CV_64F).var()), float(grey.mean())
        light = score_of(sharpness, brightness, contrast=float(grey.std()))
        score = light * size_factor(size) * pose_factor(pose)
    flags: dict[QualityReason, bool] = {
        "face_too_small": size < SMALL_PIXELS,
        "low_quality": score < LOW_SCORE,
        "blurred": sharpness < BLURRED,
        "too_dark": brightness < DARK,
        "too_bright": brightness > BRIGHT,
        "extreme_pose": max(abs(pose.yaw), abs(pose.pitch)) > EXTREME_DEGREES,
        "at_edge": reaches_past(face.box, width=image.shape[1], height=image.shape[0]),
    }
    return FaceQuality(
        score=score,
        sharpness=sharpness,
        brightness=brightness,
        size_pixels=size,
        yaw_degrees=pose.yaw,
        pitch_degrees=pose.pitch,
        roll_degrees=pose.roll,
        reasons=tuple(reason for reason, holds in flags.items() if holds),
    )


def score_of(sharpness: float, brightness: float, *, contrast: float) -> float:
    """The formula's score of a grey face's pixels, 0 to 1.

    Args:
        sharpness: Variance of the Laplacian, 0 and up.
        brightness: Mean grey, 0 to 255.
        contrast: Standard deviation of the grey values.
    """
    parts = (
        min(sharpness / SHARP, 1.0),
        1.0 - min(abs(brightness - MIDDLE_GREY) / MIDDLE_GREY, 1.0),
        min(contrast / CONTRASTY, 1.0),
    )
    return sum(weight * part for weight, part in zip(WEIGHTS, parts, strict=True))


def size_factor(pixels: float) -> float:
    """What the longer side of a face is worth: 1 from SMALL_PIXELS on, less in proportion."""
    return min(pixels / SMALL_PIXELS, 1.0)


def pose_factor(pose: Pose) -> float:
    """What a pose is worth: 1 up to TURNED_DEGREES, 0 at PROFILE_DEGREES; roll costs nothing."""
    turned = max(abs(pose.yaw), abs(pose.pitch))
    share = (turned - TURNED_DEGREES) / (PROFILE_DEGREES - TURNED_DEGREES)
    return 1.0 - min(max(share, 0.0), 1.0)


def reaches_past(box: Box, *, width: int, height: int) -> bool:
    """Whether a box reaches past an edge of an image of that size, so that the face may be cut."""
    return box.x < 0 or box.y < 0 or box.x + box.width > width or box.y + box.height > height


def _grey_face(image: Image, box: Box) -> NDArray[np.uint8] | None:
    """The part of a box inside the image, grey, (SIZE, SIZE); None when there is none."""
    height, width = image.shape[:2]
    left, top = int(np.clip(box.x, 0, width)), int(np.clip(box.y, 0, height))
    right = int(np.clip(np.ceil(box.x + box.width), 0, width))
    bottom = int(np.clip(np.ceil(box.y + box.height), 0, height))
    if right <= left or bottom <= top:
        return None
    patch = resize(image[top:bottom, left:right], SIZE, SIZE)
    return cast("NDArray[np.uint8]", cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY))
