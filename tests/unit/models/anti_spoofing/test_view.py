"""How well a face can be seen."""

import cv2
import numpy as np
import pytest

from models.anti_spoofing.view import sharpness, view_of
from models.results import Box, DetectedFace, Image


def face(x: float, y: float, width: float, height: float) -> DetectedFace:
    return DetectedFace(
        box=Box(x=x, y=y, width=width, height=height),
        confidence=1.0,
        landmarks=np.zeros((5, 2), np.float32),
    )


def noise(width: int = 400, height: int = 300) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_sizes_are_measured_on_the_box_and_the_frame() -> None:
    view = view_of(noise(), face(60, 30, 100, 120), ["extreme_pose"])

    assert view.shorter_side_pixels == 100
    assert view.margin == pytest.approx(0.3)
    assert view.room == pytest.approx(2.5)
    assert view.faults == ("extreme_pose",)


def test_a_box_that_reaches_out_has_a_negative_margin() -> None:
    assert view_of(noise(), face(330, 100, 100, 100)).margin == pytest.approx(-0.3)


def test_blur_lowers_sharpness_and_a_flat_face_has_none() -> None:
    image, where = noise(), face(100, 100, 112, 112)

    blurred = cv2.GaussianBlur(image, (0, 0), 2)

    assert sharpness(np.asarray(blurred, np.uint8), where) < sharpness(image, where) / 10
    assert sharpness(np.full_like(image, 128), where) == 0


def test_sharpness_hardly_depends_on_the_size_of_the_photo() -> None:
    small = cv2.GaussianBlur(noise(200, 200), (0, 0), 3)
    large = cv2.resize(small, None, fx=3, fy=3, interpolation=cv2.INTER_LINEAR)

    ratio = sharpness(np.asarray(large, np.uint8), face(60, 60, 336, 336)) / sharpness(
        np.asarray(small, np.uint8), face(20, 20, 112, 112)
    )

    assert ratio == pytest.approx(1, abs=0.3)


def test_a_face_outside_the_frame_has_no_sharpness() -> None:
    view = view_of(noise(), face(1000, 1000, 50, 50))

    assert view.sharpness == 0
    assert view.margin < -1
