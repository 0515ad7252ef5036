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
    batch = np.stack([_coloured(chip, pixels.colour) for chip in chips]).astype(np.float32)
    mean, std = np.array(pixels.mean, np.float32), np.array(pixels.std, np.float32)
    if mean.any():
        batch -= mean
    if (std != 1).any():
        batch /= std
    return batch if pixels.axes == "nhwc" else np.ascontiguousarray(batch.transpose(0, 3, 1, 2))


def _coloured(chip: Image, colour: str) -> NDArray[Any]:
    if colour == "grey":
        return cast("NDArray[Any]", cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY))[:, :, None]
    return chip[:, :, ::-1] if colour == "bgr" else chip
