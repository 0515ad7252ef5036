"""Which parts of an image are looked at apart: plane geometry, no network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.detection.letterbox import Placement
from models.results import Image

#: Most tiles of an image: what tiling may cost, in looks.
MAX_TILES = 16
#: A tile is not smaller, pixels: every detector enlarges it to 320 or 640 anyway.
MIN_TILE = 320
#: Share of a tile its neighbour shows as well. A face up to that size is whole in one of the two;
#: a larger one covers at least 1/20 of the image's longer side and is seen in the whole image.
OVERLAP = 0.25
#: Tiles grow by this much until few enough cover the image.
_GROWTH = 1.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """A part of an image, in whole pixels."""

    left: int
    top: int
    width: int
    height: int

    def of(self, image: Image) -> Image:
        """Those pixels, without a copy."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]

    @property
    def placement(self) -> Placement:
        """Where the whole image lies, in pixels of the tile."""
        return Placement(scale_x=1, scale_y=1, left=-self.left, top=-self.top)

    def cuts(self, boxes: NDArray[np.float32], *, width: int, height: int) -> NDArray[np.bool_]:
        """Which boxes reach one of the tile's edges that is no edge of the image.

        Args:
            boxes: (N, 4): x, y, width, height, pixels of the image.
            width: The image's, pixels.
            height: The image's, pixels.

        Returns:
            (N,): such a box may show only a part of its face.
        """
        right, bottom = self.left + self.width, self.top + self.height
        cut = np.zeros(len(boxes), bool)
        if self.left > 0:
            cut |= boxes[:, 0] <= self.left + 1
        if self.top > 0:
            cut |= boxes[:, 1] <= self.top + 1
        if right < width:
            cut |= boxes[:, 0] + boxes[:, 2] >= right - 1
        if bottom < height:
            cut |= boxes[:, 1] + boxes[:, 3] >= bottom - 1
        return cut


def tiles_of(width: int, height: int) -> tuple[Tile, ...]:
    """Overlapping squares that cover an image, row by row; at most MAX_TILES.

    Args:
        width: The image's, pixels, at least 1.
        height: The image's, pixels, at least 1.

    Returns:
        None of them when the image is not larger than one.
    """
    size = float(MIN_TILE)
    while len(_starts(width, size)) * len(_starts(height, size)) > MAX_TILES:
        size *= _GROWTH
    side = round(size)
    columns, rows = _starts(width, size), _starts(height, size)
    if len(columns) * len(rows) == 1:
        return ()
    return tuple(
        Tile(left=left, top=top, width=min(side, width), height=min(side, height))
        for top in rows
        for left in columns
    )


def _starts(length: int, size: float) -> list[int]:
    """Where tiles begin along one side: evenly spread, the last one ends with the image."""
    side = round(size)
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side * (1 - OVERLAP)))) + 1
    return [round(start) for start in np.linspace(0, length - side, count)]
