"""Turning frames upright as a display matrix says."""

import numpy as np
from numpy.typing import NDArray

from models.results import Image


def upright(pixels: Image, matrix: NDArray[np.int32] | None) -> Image:
    """Turn and mirror a decoded frame as a player would.

    A display matrix maps a coded pixel (x, y) to the shown one: x' = a x + c y, y' = b x + d y
    (ISO/IEC 14496-12, 6.2.2; libavutil/display.h). Cameras write turns by 90 degrees and mirror
    images; any other turn is taken as the nearest of these. FFmpeg's rotation angle alone is not
    enough: it calls a mirrored frame one that stands on its head.

    Args:
        pixels: (H, W, 3) uint8.
        matrix: (3, 3) fixed point: (a, b, u), (c, d, v), (x, y, w); None: upright already.

    Returns:
        (H, W, 3) or (W, H, 3) uint8, C-contiguous.
    """
    if matrix is None:
        return np.ascontiguousarray(pixels)
    (a, b), (c, d) = matrix[:2, :2].astype(np.float64)
    across, down = a, d
    if lies_on_side(matrix):
        pixels, across, down = pixels.transpose(1, 0, 2), c, b
    if across < 0:
        pixels = pixels[:, ::-1]
    if down < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def lies_on_side(matrix: NDArray[np.int32] | None) -> bool:
    """Whether the width of the frames shown is the height of the coded ones; see `upright`."""
    if matrix is None:
        return False
    (a, b), (c, d) = matrix[:2, :2].astype(np.float64)
    return bool(abs(b) + abs(c) > abs(a) + abs(d))
