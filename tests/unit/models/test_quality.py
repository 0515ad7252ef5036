"""Quality of a face: the formula by hand, and each reason alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.pose import HEAD_MM, Pose
from models.quality import assess, pose_factor, score_of, size_factor
from models.results import Box, DetectedFace, FaceQuality, Image


def _face(box: Box, *, nose_right: float = 0) -> DetectedFace:
    points = HEAD_MM[:, :2] + 200
    points[2, 0] += nose_right
    return DetectedFace(box=box, confidence=0.9, landmarks=points.astype(np.float32))


_BOX = Box(x=100, y=100, width=128, height=128)


def _noise(mean: float = 128, spread: float = 50) -> Image:
    """Grey noise in blocks of 2x2, so that each pixel of the 64x64 crop has its own value."""
    values: NDArray[np.float64] = np.random.default_rng(4).normal(mean, spread, (200, 200))
    grey = np.kron(values, np.ones((2, 2))).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _assess(image: Image, face: DetectedFace | None = None) -> FaceQuality:
    return assess(image, face or _face(_BOX))


@pytest.mark.parametrize(
    ("sharpness", "brightness", "contrast", "score"),
    [
        (1000, 128, 50, 1.0),
        (5000, 128, 90, 1.0),
        (500, 128, 50, 0.75),
        (1000, 64, 50, 0.85),
        (1000, 192, 50, 0.85),
        (1000, 128, 25, 0.9),
        (0, 0, 0, 0.0),
        (0, 255, 0, 0.3 * (1 - 127 / 128)),
    ],
)
def test_the_score_is_the_documented_formula(
    sharpness: float, brightness: float, contrast: float, score: float
) -> None:
    assert score_of(sharpness, brightness, contrast=contrast) == pytest.approx(score)


def test_a_sharp_frontal_face_in_good_light_has_nothing_against_it() -> None:
    quality = _assess(_noise())
    assert quality.reasons == ()
    assert quality.score > 0.95
    assert quality.brightness == pytest.approx(128, abs=3)
    assert quality.size_pixels == 128
    assert (quality.yaw_degrees, quality.pitch_degrees) == pytest.approx((0, 0), abs=1)


def test_a_face_without_texture_is_blurred() -> None:
    quality = _assess(np.full((400, 400, 3), 128, np.uint8))
    assert quality.reasons == ("low_quality", "blurred")
    assert (quality.sharpness, quality.score) == pytest.approx((0, 0.3))


@pytest.mark.parametrize(("mean", "reason"), [(20, "too_dark"), (235, "too_bright")])
def test_a_face_in_bad_light_says_so(mean: float, reason: str) -> None:
    assert reason in _assess(_noise(mean, spread=20)).reasons


def test_a_small_face_says_so_and_costs_in_proportion() -> None:
    quality = _assess(_noise(), _face(Box(x=100, y=100, width=20, height=30)))
    assert "face_too_small" in quality.reasons
    assert quality.size_pixels == 30
    assert size_factor(30) == 0.75
    assert size_factor(400) == 1


def test_a_turned_face_says_so() -> None:
    quality = _assess(_noise(), _face(_BOX, nose_right=28))
    assert "extreme_pose" in quality.reasons
    assert quality.yaw_degrees > 45


@pytest.mark.parametrize(
    ("yaw", "pitch", "factor"), [(0, 0, 1), (30, -30, 1), (-60, 0, 0.5), (10, 75, 0.25), (90, 0, 0)]
)
def test_yaw_and_pitch_beyond_30_degrees_cost_up_to_all(
    yaw: float, pitch: float, factor: float
) -> None:
    assert pose_factor(Pose(yaw=yaw, pitch=pitch, roll=170)) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("box", "at_edge"),
    [
        (Box(x=0, y=0, width=128, height=128), False),
        (Box(x=272, y=272, width=128, height=128), False),
        (Box(x=-1, y=50, width=128, height=128), True),
        (Box(x=50, y=273, width=128, height=128), True),
    ],
)
def test_a_box_past_the_images_edge_is_at_the_edge(box: Box, at_edge: bool) -> None:
    assert ("at_edge" in _assess(_noise(), _face(box)).reasons) is at_edge


def test_a_face_outside_the_image_has_no_quality() -> None:
    quality = _assess(_noise(), _face(Box(x=500, y=500, width=100, height=100)))
    assert (quality.score, quality.sharpness, quality.brightness) == (0, 0, 0)
    assert "at_edge" in quality.reasons


def test_blurring_a_face_lowers_its_score() -> None:
    image = _noise()
    soft = image.copy()
    soft[1:-1] = (image[:-2].astype(int) + 2 * image[1:-1] + image[2:]) // 4
    assert _assess(soft).score < _assess(image).score - 0.05
