"""Pixels as the catalogue says: colour order, mean and divisor, order of the axes."""

from typing import Literal

import numpy as np
import pytest

from models.pixels import stack_nchw, to_tensor
from models.spec import PixelInput

CHIPS = list(np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8))


@pytest.mark.parametrize("axes", ["nchw", "nhwc"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
def test_every_pixel_is_shifted_and_divided_by_channel(
    colour: Literal["rgb", "bgr"], axes: Literal["nchw", "nhwc"]
) -> None:
    mean, std = (100.0, 110.0, 120.0), (2.0, 4.0, 8.0)
    pixels = PixelInput(colour=colour, mean=mean, std=std, axes=axes)
    ordered = np.stack(CHIPS)[..., ::-1] if colour == "bgr" else np.stack(CHIPS)
    expected = (ordered.astype(np.float32) - np.array(mean, np.float32)) / np.array(std, np.float32)

    tensor = to_tensor(CHIPS, pixels)

    wanted = expected if axes == "nhwc" else expected.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(tensor, wanted)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous


def test_grey_has_one_channel() -> None:
    white = np.full((4, 5, 3), 255, np.uint8)

    tensor = to_tensor([white], PixelInput(colour="grey", mean=(127.0,), std=(128.0,)))

    np.testing.assert_array_equal(tensor, np.ones((1, 1, 4, 5), np.float32))


def test_float_chips_are_stacked_unchanged() -> None:
    chips = [chip.astype(np.float32) / 256 for chip in CHIPS]

    np.testing.assert_array_equal(stack_nchw(chips), np.stack(chips).transpose(0, 3, 1, 2))
