"""From RGB pixels to a network's input, as its catalogue entry says."""

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Image
from models.spec import PixelInput


def to_tensor(chips: Sequence[Image], pixels: PixelInput) -> NDArray[np.float32]:
    """Stack chips of one size into a network's input.

    Args:
        chips: At least one; each (H, W, 3) uint8, RGB.
        pixels: Colour order, mean and divisor, and order of the axes.

    Returns:
        float32: (N, C, H, W) for nchw, (N, H, W, C) for nhwc; C is 1 for grey, else 3.
    """
    coloured = [_coloured(chip, pixels.colour) for chip in chips]
    batch = _nhwc(coloured) if pixels.axes == "nhwc" else stack_nchw(coloured)
    mean, std = (_by_channel(values, pixels.axes) for values in (pixels.mean, pixels.std))
    if mean.any():
        batch -= mean
    if (std != 1).any():
        batch /= std
    return batch


def stack_nchw(chips: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Stack chips of one size, channels first.

    Args:
        chips: At least one; each (H, W, C).

    Returns:
        (N, C, H, W) float32, contiguous.
    """
    height, width, channels = chips[0].shape
    # One pass from chip to tensor: copies in between cost 10 ms for 16 chips of 112x112, this 0.2.
    batch = np.empty((len(chips), channels, height, width), np.float32)
    for target, chip in zip(batch, chips, strict=True):
        target[:] = chip.transpose(2, 0, 1)
    return batch


def _nhwc(chips: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    batch = np.empty((len(chips), *chips[0].shape), np.float32)
    for target, chip in zip(batch, chips, strict=True):
        target[:] = chip
    return batch


def _by_channel(values: Sequence[float], axes: str) -> NDArray[np.float32]:
    array = np.array(values, np.float32)
    return array if axes == "nhwc" else array.reshape(-1, 1, 1)


def _coloured(chip: Image, colour: str) -> NDArray[Any]:
    if colour == "grey":
        return cast("NDArray[Any]", cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY))[:, :, None]
    return chip[:, :, ::-1] if colour == "bgr" else chip
