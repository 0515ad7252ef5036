"""How many items a chunk has, and how many of them are worked on together."""

import pytest

from workers.batches.records import ChunkItem
from workers.chunks.sizes import FIRST_ITEMS, chunk_items, step_items, steps


def _size(pending: int, item_ms: float | None, *, chunks: int = 0) -> int:
    return chunk_items(pending=pending, chunks=chunks, item_ms=item_ms, target_seconds=20, most=64)


@pytest.mark.parametrize(
    ("item_ms", "items"),
    [(None, FIRST_ITEMS), (400, 50), (2000, 10), (30_000, 1), (5, 64), (0.0, 64)],
)
def test_a_chunk_lasts_as_long_as_it_is_to(item_ms: float | None, items: int) -> None:
    assert _size(10_000, item_ms) == items


def test_what_is_left_is_shared_by_two_workers_at_least() -> None:
    sizes, pending = [], 40
    while pending:
        sizes.append(_size(pending, 400))
        pending -= sizes[-1]

    assert sizes == [20, 10, 5, 3, 2]


def test_what_is_left_is_shared_by_as_many_as_work_on_it() -> None:
    assert _size(100, 400, chunks=9) == 10


def test_chunks_are_not_made_smaller_than_worth_it() -> None:
    assert _size(20, 50) == 16
    assert _size(3, 50) == 3


def _item(number: int, *, tries: int = 0, pixels: int = 10) -> ChunkItem:
    return ChunkItem(number=number, blob_key="", pixels=pixels, tries=tries)


def test_items_that_lost_a_worker_come_last_and_alone_those_least_suspicious_first() -> None:
    items = [_item(1, tries=2), _item(2), _item(3, tries=1), _item(4), _item(5)]

    found = [[item.number for item in step] for step in steps(items, most=2, pixels=100)]

    assert found == [[2, 4], [5], [3], [1]]


def test_a_step_keeps_to_its_pixels_unless_one_photo_has_more() -> None:
    items = [_item(1, pixels=60), _item(2, pixels=40), _item(3, pixels=1), _item(4, pixels=500)]

    found = [[item.number for item in step] for step in steps(items, most=9, pixels=100)]

    assert found == [[1, 2], [3], [4]]


@pytest.mark.parametrize(("item_ms", "items"), [(None, 1), (100.0, 5), (900.0, 1), (1.0, 8)])
def test_a_step_is_as_large_as_an_interactive_job_can_wait_for(
    item_ms: float | None, items: int
) -> None:
    assert step_items(item_ms, most=8) == items
