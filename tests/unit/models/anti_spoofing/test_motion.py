"""Motion with depth against the motion of a flat picture, on points and on made pictures."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.anti_spoofing.motion import MIN_POINTS, Frame, flat_residual, motion_of
from models.anti_spoofing.sequence import MIN_RESIDUAL
from models.results import Box, DetectedFace, Points

Homography = NDArray[np.float64]


def points(count: int = 60) -> Points:
    return np.random.default_rng(0).uniform(0, 160, (count, 2)).astype(np.float32)


def moved(found: Points, by: Homography) -> Points:
    return np.asarray(cv2.perspectiveTransform(found[None].astype(np.float64), by)[0], np.float32)


TILT = np.array([[1.1, 0.05, 12.0], [-0.04, 0.95, -7.0], [4e-4, 2e-4, 1.0]])


def test_a_plane_leaves_nothing_however_it_is_tilted_and_moved() -> None:
    assert flat_residual(points(), moved(points(), TILT), 160) == pytest.approx(0, abs=1e-6)


def test_depth_is_left_over() -> None:
    starts = points()
    depth = np.hypot(*(starts - 80).T) < 40
    ends = moved(starts, TILT)
    ends[depth, 0] += 4

    found = flat_residual(starts, ends, 160)

    assert found is not None
    assert found > MIN_RESIDUAL


def test_a_residual_is_a_share_of_the_faces_size() -> None:
    starts = points()
    ends = starts + np.random.default_rng(1).normal(0, 2, starts.shape).astype(np.float32)

    once, twice = flat_residual(starts, ends, 160), flat_residual(starts * 2, ends * 2, 320)

    assert once is not None
    assert twice == pytest.approx(once, rel=1e-3)


def test_too_few_points_say_nothing() -> None:
    assert flat_residual(points(MIN_POINTS - 1), points(MIN_POINTS - 1), 160) is None


def test_points_on_one_spot_say_nothing_of_motion() -> None:
    spot = np.full((MIN_POINTS, 2), 3.0, np.float32)

    found = flat_residual(spot, spot + 1, 160)

    assert found is None or found < MIN_RESIDUAL


def texture(side: int = 320) -> NDArray[np.uint8]:
    raw = np.random.default_rng(2).integers(0, 256, (side, side, 3), dtype=np.uint8)
    smooth = np.asarray(cv2.GaussianBlur(raw, (0, 0), 3), np.float64)
    low, high = float(smooth.min()), float(smooth.max())
    return np.asarray((smooth - low) * (255 / (high - low)), np.uint8)


BOX = Box(x=80, y=80, width=160, height=160)
LANDMARKS = np.array([[125, 135], [195, 135], [160, 165], [135, 205], [185, 205]], np.float32)


def frame(image: NDArray[Any], landmarks: Points = LANDMARKS) -> Frame:
    face = DetectedFace(box=BOX, confidence=1.0, landmarks=landmarks)
    return Frame(image=np.asarray(image, np.uint8), face=face)


def warped(by: Homography) -> Frame:
    return frame(cv2.warpPerspective(texture(), by, (320, 320)), moved(LANDMARKS, by))


def swollen(amount: float) -> Frame:
    """The middle of the face comes nearer, as a nose does when the head turns."""
    x, y = np.meshgrid(np.arange(320, dtype=np.float32), np.arange(320, dtype=np.float32))
    near = np.exp(-((x - 160) ** 2 + (y - 160) ** 2) / (2 * 30**2))
    image = cv2.remap(texture(), (x - amount * near).astype(np.float32), y, cv2.INTER_LINEAR)
    return frame(image)


def test_a_flat_picture_that_is_moved_stays_below_the_threshold() -> None:
    shift = np.array([[1.03, 0.02, 8.0], [-0.02, 1.03, -5.0], [1e-4, 0, 1.0]])

    found = motion_of([frame(texture()), warped(shift), warped(shift @ shift)])

    assert (found.pairs, found.measured) == (2, 2)
    assert found.residual is not None
    assert found.residual < MIN_RESIDUAL
    assert found.displacement > 0.02


def test_a_face_with_depth_reaches_the_threshold() -> None:
    found = motion_of([swollen(0), swollen(4), swollen(8)])

    assert found.residual is not None
    assert found.residual > MIN_RESIDUAL
    assert found.displacement == 0


def test_the_same_picture_twice_does_not_move() -> None:
    found = motion_of([frame(texture()), frame(texture())])

    assert found.displacement == 0
    assert found.residual == pytest.approx(0, abs=1e-4)


def test_a_face_without_texture_cannot_be_measured() -> None:
    grey = np.full((320, 320, 3), 128, np.uint8)

    found = motion_of([frame(grey), frame(grey)])

    assert (found.pairs, found.measured, found.residual) == (1, 0, None)


def test_landmarks_on_one_spot_cannot_be_measured() -> None:
    spot = np.full((5, 2), 160, np.float32)

    assert motion_of([frame(texture(), spot), frame(texture(), spot)]).residual is None


def test_one_frame_is_no_sequence() -> None:
    with pytest.raises(ValueError, match="two frames"):
        motion_of([frame(texture())])
