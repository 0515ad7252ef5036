"""How many items a chunk has, and how many of them are worked on together. Pure."""

from collections.abc import Iterator, Sequence
from math import ceil

from workers.batches.records import ChunkItem

#: Items of a chunk as long as nothing was measured of the batch.
FIRST_ITEMS = 16
#: What is left of a batch is shared by two workers at least, so that they end together; but a
#: chunk that would last no longer than this is not made smaller.
SHORTEST_SECONDS = 1.0
#: Longest time that items are worked on together, as far as it can be foreseen: an interactive job
#: waits for them.
STEP_MS = 500.0


def chunk_items(
    *, pending: int, chunks: int, item_ms: float | None, target_seconds: float, most: int
) -> int:
    """How many items the next chunk of a batch gets.

    Args:
        pending: Items that wait.
        chunks: Those that wait or are worked on already.
        item_ms: Mean time one item took; None: none was measured.
        target_seconds: What a chunk is to last.
        most: Items, at most.

    Returns:
        1 to `most`.
    """
    if item_ms is None:
        size, least = FIRST_ITEMS, FIRST_ITEMS // 4
    else:
        size = int(1000 * target_seconds / max(item_ms, 1e-3))
        least = min(FIRST_ITEMS, ceil(1000 * SHORTEST_SECONDS / max(item_ms, 1e-3)))
    share = max(least, ceil(pending / max(2, chunks + 1)))
    return max(1, min(size, share, most, pending))


def steps(items: Sequence[ChunkItem], *, most: int, pixels: int) -> Iterator[Sequence[ChunkItem]]:
    """What is worked on together at most, in this order.

    Items that have lost a worker come last and alone: should one of them be the reason, it takes
    nothing with it.

    Args:
        items: Of a chunk.
        most: Items of a step.
        pixels: Of all images of a step, as long as there are several.
    """
    step: list[ChunkItem] = []
    for item in (one for one in items if not one.tries):
        if step and (len(step) >= most or sum(one.pixels for one in step) + item.pixels > pixels):
            yield step
            step = []
        step.append(item)
    if step:
        yield step
    for item in sorted((one for one in items if one.tries), key=lambda one: one.tries):
        yield [item]


def step_items(item_ms: float | None, *, most: int) -> int:
    """How many items are worked on together so that it lasts no longer than STEP_MS.

    Args:
        item_ms: What one took in such a step; None: nothing was measured, so one is.
        most: Items, at most.
    """
    if item_ms is None:
        return 1
    return max(1, min(most, int(STEP_MS / max(item_ms, 1e-3))))
