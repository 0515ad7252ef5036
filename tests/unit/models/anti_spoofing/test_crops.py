"""Where the crops lie, on boxes whose answer can be worked out by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anti_spoofing.crops import Region, cut, region
from models.results import Box
from models.spec import FaceCrop

MINIFASNET = FaceCrop(shape="box", scale=2.7, outside="shift")
HAIRYMAX = FaceCrop(shape="square", scale=1.5, outside="black")


def box(x: float, y: float, width: float, height: float) -> Box:
    return Box(x=x, y=y, width=width, height=height)


def where(left: int, top: int, right: int, bottom: int) -> Region:
    return Region(left=left, top=top, right=right, bottom=bottom)


def gradient(width: int, height: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Red is the column, green the row, blue 255."""
    image = np.full((height, width, 3), 255, np.uint8)
    image[:, :, 0] = np.arange(width)
    image[:, :, 1] = np.arange(height)[:, None]
    return image


@pytest.mark.parametrize(
    ("face", "crop", "expected"),
    [
        # 100x120 times 2.7 is 270x324 around (350, 360); the last pixel belongs to the crop.
        (box(300, 300, 100, 120), MINIFASNET, where(215, 198, 486, 523)),
        # The same at the left edge: moved inside, not cut.
        (box(10, 300, 100, 120), MINIFASNET, where(0, 198, 271, 523)),
        # And at the right and lower edge of 1000x800.
        (box(900, 700, 100, 100), MINIFASNET, where(729, 529, 1000, 800)),
        # Height 400 times 2.7 does not fit 800: the scale shrinks to 799/400, for the width too.
        (box(300, 200, 200, 400), MINIFASNET, where(200, 0, 600, 800)),
        # Width 1350 does not fit: 999/1350 of the height 1053 is 779.2.
        (box(250, 205, 500, 390), MINIFASNET, where(0, 10, 1000, 790)),
        # A square that is shifted: 270 on both sides, around (350, 350).
        (
            box(300, 300, 100, 100),
            FaceCrop(shape="square", scale=2.7, outside="shift"),
            where(215, 215, 486, 486),
        ),
        # Longer side 120 times 1.5 is 180, square around (350, 360).
        (box(300, 300, 100, 120), HAIRYMAX, where(260, 270, 440, 450)),
        # Outside the frame stays outside.
        (box(0, 0, 100, 100), HAIRYMAX, where(-25, -25, 125, 125)),
        (box(950, 750, 100, 100), HAIRYMAX, where(925, 725, 1075, 875)),
    ],
)
def test_a_crop_lies_where_its_publisher_puts_it(
    face: Box, crop: FaceCrop, expected: Region
) -> None:
    assert region(face, crop, width=1000, height=800) == expected


sizes = st.integers(1, 3000)
numbers = st.floats(-5000, 5000)


@given(sizes, sizes, numbers, numbers, st.floats(0, 6000), st.floats(0, 6000))
def test_a_shifted_crop_is_never_empty_and_never_outside(
    width: int, height: int, x: float, y: float, wide: float, high: float
) -> None:
    found = region(box(x, y, wide, high), MINIFASNET, width=width, height=height)

    assert 0 <= found.left < found.right <= width
    assert 0 <= found.top < found.bottom <= height


def test_a_crop_inside_the_frame_is_resized_as_it_is() -> None:
    chip = cut(gradient(200, 100), where(50, 20, 90, 60), width=40, height=40)

    assert chip[0, 0].tolist() == [50, 20, 255]
    assert chip[-1, -1].tolist() == [89, 59, 255]


def test_width_and_height_are_squeezed_each_for_itself() -> None:
    chip = cut(gradient(200, 100), where(0, 0, 160, 80), width=40, height=40)

    # Four columns and two rows become one: their middle, 1.5 and 0.5, rounded.
    assert np.abs(chip[0, 0, :2].astype(float) - [1.5, 0.5]).max() <= 0.5
    assert np.abs(chip[10, 10, :2].astype(float) - [41.5, 20.5]).max() <= 0.5


def test_what_lies_outside_the_frame_is_black_and_the_rest_is_where_it_was() -> None:
    chip = cut(gradient(200, 100), where(-20, -10, 60, 70), width=80, height=80)

    assert not chip[:10].any()
    assert not chip[:, :20].any()
    assert chip[10, 20].tolist() == [0, 0, 255]
    assert chip[79, 79].tolist() == [59, 69, 255]


def test_padding_and_shrinking_equals_shrinking_a_padded_picture() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
    padded = np.zeros((200, 200, 3), np.uint8)
    padded[50:140, 40:160] = image

    chip = cut(image, where(-40, -50, 160, 150), width=80, height=80)

    expected = cut(padded, where(0, 0, 200, 200), width=80, height=80)
    # OpenCV's warp interpolates in steps of 1/32 pixel.
    assert np.abs(chip.astype(int) - expected.astype(int)).mean() < 1


def test_a_box_larger_than_memory_costs_no_more_than_a_small_one() -> None:
    huge = region(box(0, 0, 1e7, 1e7), HAIRYMAX, width=64, height=64)

    assert cut(gradient(64, 64), huge, width=128, height=128).shape == (128, 128, 3)


def test_a_crop_wholly_outside_is_black() -> None:
    chip = cut(gradient(64, 64), where(100, 100, 200, 200), width=8, height=8)

    assert not chip.any()
