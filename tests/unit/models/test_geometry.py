"""Placing, suppressing and aligning, on shapes whose answer is known."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.geometry import align, fit, resize, similarity, suppress
from models.results import Image, Points

SQUARE: Points = np.array([[8, 8], [24, 8], [24, 24], [8, 24]], np.float32)


def _ramp(height: int, width: int) -> Image:
    """Red tells x, green tells y; each pixel holds its own centre, scaled to 0 to 255."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.round((np.arange(width) + 0.5) * 255 / width)[None, :]
    image[..., 1] = np.round((np.arange(height) + 0.5) * 255 / height)[:, None]
    return image


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1280, 886), (640, 443, 640, 448)),
        ((886, 1280), (443, 640, 448, 640)),
        ((640, 640), (640, 640, 640, 640)),
        ((250, 250), (640, 640, 640, 640)),
        ((1, 30000), (1, 640, 32, 640)),
        ((1, 1), (640, 640, 640, 640)),
    ],
)
def test_an_image_fits_its_longer_side_and_the_canvas_is_a_multiple(
    size: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    placed = fit(*size, longer_side=640, multiple=32)
    assert (placed.width, placed.height, placed.canvas_width, placed.canvas_height) == expected
    assert placed.scale_x == placed.width / size[0]
    assert placed.scale_y == placed.height / size[1]


def test_overlapping_boxes_leave_the_best_one() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 10, 10], [40, 0, 10, 10]], np.float32)
    kept = suppress(boxes, np.array([0.6, 0.9, 0.7], np.float32), max_overlap=0.3)
    assert kept.tolist() == [1, 2]


def test_overlap_up_to_the_limit_is_kept() -> None:
    # Two 10x10 boxes sharing 5x10: intersection over union is exactly 1/3.
    boxes = np.array([[0, 0, 10, 10], [5, 0, 10, 10]], np.float64)
    scores = np.array([0.9, 0.8])
    assert suppress(boxes, scores, max_overlap=1 / 3).tolist() == [0, 1]
    assert suppress(boxes, scores, max_overlap=0.33).tolist() == [0]


def test_of_equal_scores_the_first_wins() -> None:
    boxes = np.tile(np.array([[3, 3, 5, 5]], np.float32), (4, 1))
    assert suppress(boxes, np.full(4, 0.5, np.float32), max_overlap=0.3).tolist() == [0]


def test_a_suppressed_box_suppresses_nothing() -> None:
    # A chain: the middle one overlaps both ends, the ends do not overlap each other.
    boxes = np.array([[0, 0, 10, 10], [6, 0, 10, 10], [12, 0, 10, 10]], np.float32)
    kept = suppress(boxes, np.array([0.9, 0.8, 0.7], np.float32), max_overlap=0.2)
    assert kept.tolist() == [0, 2]


def test_nothing_to_suppress_is_nothing_kept() -> None:
    assert suppress(np.zeros((0, 4)), np.zeros(0), max_overlap=0.3).size == 0


@given(
    angle=st.floats(-3.14, 3.14),
    scale=st.floats(0.05, 20),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_a_similarity_is_recovered_from_its_points(
    angle: float, scale: float, shift: tuple[float, float]
) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = (SQUARE @ turn.T + shift).astype(np.float64)
    found = similarity(SQUARE, target.astype(np.float32))
    np.testing.assert_allclose(found[:, :2], turn, atol=1e-3)
    np.testing.assert_allclose(SQUARE @ found[:, :2].T + found[:, 2], target, atol=2e-2)


def test_a_mirrored_target_is_never_met_by_a_reflection() -> None:
    mirrored = SQUARE * np.array([-1, 1], np.float32) + np.array([1, 3], np.float32)
    assert np.linalg.det(similarity(SQUARE, mirrored)[:, :2]) >= 0


def test_points_in_one_place_have_no_similarity() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity(np.full((5, 2), 7, np.float32), SQUARE)


def test_points_that_already_lie_right_give_the_same_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    np.testing.assert_array_equal(align(image, SQUARE, SQUARE, 32), image)


@pytest.mark.parametrize("factor", [0.5, 2, 3.7, 12])
def test_a_chip_shows_the_same_places_at_every_scale(factor: float) -> None:
    side = round(64 * factor)
    points = SQUARE * np.float32(side / 32)
    chip = align(_ramp(side, side), points, SQUARE, 32)
    expected = _ramp(32, 32)
    inner = slice(3, -3)
    difference = np.abs(chip.astype(int) - expected.astype(int))[inner, inner]
    assert difference.max() <= 2


def test_a_quarter_turn_is_undone() -> None:
    image = _ramp(64, 64)
    turned = np.ascontiguousarray(np.rot90(image))  # counter-clockwise: (x, y) -> (y, 64 - x)
    points = SQUARE * np.float32(2)
    moved = np.stack([points[:, 1], 64 - points[:, 0]], axis=1)
    straight = align(image, points, SQUARE, 32).astype(int)
    difference = np.abs(align(turned, moved, SQUARE, 32).astype(int) - straight)
    assert difference[1:-1, 1:-1].max() <= 1


def test_strong_shrinking_averages_instead_of_skipping() -> None:
    # Lines one pixel wide: skipping pixels would show black or white, averaging shows grey.
    image = np.zeros((640, 640, 3), np.uint8)
    image[:, ::2] = 255
    chip = align(image, SQUARE * np.float32(20), SQUARE, 32)
    assert np.abs(chip[1:-1, 1:-1].astype(int) - 127).max() <= 3


def test_what_lies_past_the_edge_is_black() -> None:
    image = np.full((32, 32, 3), 200, np.uint8)
    chip = align(image, SQUARE - np.float32(16), SQUARE, 32)
    assert (chip[:14, :14] == 0).all()
    assert (chip[18:, 18:] == 200).all()


def test_a_face_wholly_past_the_edge_is_a_black_chip() -> None:
    image = np.full((32, 32, 3), 200, np.uint8)
    chip = align(image, SQUARE + np.float32(500), SQUARE, 32)
    assert chip.shape == (32, 32, 3)
    assert not chip.any()


def test_a_very_long_image_can_be_aligned() -> None:
    # OpenCV warps no image with a side over 32,766 pixels; a chip only needs a part of it.
    image = np.full((64, 40_000, 3), 90, np.uint8)
    points = SQUARE + np.array([35_000, 0], np.float32)
    assert (align(image, points, SQUARE, 32) == 90).all()


@pytest.mark.parametrize("size", [(1600, 1200), (1601, 1200), (1600, 1199)])
def test_much_shrinking_in_steps_is_the_mean_of_what_a_pixel_covers(size: tuple[int, int]) -> None:
    across, down = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    wave = 128 + 60 * np.sin(across / 40) + 60 * np.cos(down / 30)
    image = np.repeat(wave[:, :, None], 3, axis=2).astype(np.uint8)

    shrunk = resize(image, 160, 120)

    direct = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
    assert shrunk.shape == (120, 160, 3)
    assert np.abs(shrunk.astype(int) - direct).max() <= 2
