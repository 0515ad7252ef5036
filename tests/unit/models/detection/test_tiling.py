"""Tiles of an image: they cover it, overlap, and are never too many."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detection.tiling import MAX_TILES, MIN_TILE, OVERLAP, Tile, tiles_of

_SIDE = st.integers(min_value=1, max_value=12_000)


@given(width=_SIDE, height=_SIDE)
def test_tiles_cover_an_image_and_stay_few(width: int, height: int) -> None:
    tiles = tiles_of(width, height)
    assert len(tiles) <= MAX_TILES
    if not tiles:
        assert max(width, height) <= MIN_TILE
        return
    for tile in tiles:
        assert tile.left >= 0
        assert tile.left + tile.width <= width
        assert tile.top >= 0
        assert tile.top + tile.height <= height
    for start, size, length in (("left", "width", width), ("top", "height", height)):
        spans = sorted({(getattr(tile, start), getattr(tile, size)) for tile in tiles})
        assert spans[0][0] == 0
        assert sum(spans[-1]) == length
        for (first, extent), (second, _) in itertools.pairwise(spans):
            assert first + extent - second >= OVERLAP * extent - 1.5


@pytest.mark.parametrize(("box", "cut"), [((110, 110, 20, 20), False), ((100, 110, 20, 20), True)])
def test_a_box_at_an_inner_edge_may_be_cut(box: tuple[int, ...], cut: bool) -> None:
    tile = Tile(left=100, top=100, width=100, height=100)
    assert tile.cuts(np.array([box], np.float32), width=300, height=300).tolist() == [cut]


def test_a_box_at_an_edge_of_the_image_is_not_cut_by_the_tile() -> None:
    tile = Tile(left=0, top=0, width=100, height=100)
    boxes = np.array([[0, 0, 20, 20], [85, 0, 15, 20]], np.float32)
    assert tile.cuts(boxes, width=300, height=100).tolist() == [False, True]
