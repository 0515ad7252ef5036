"""All items of a batch, read a page at a time."""

import time
from collections.abc import Iterator
from dataclasses import replace

from api.services import Services
from api.told_results import told_items
from workers.batches.records import Batch, Item, ItemPage, ItemState
from workers.errors import StoreUnavailable

#: Items read at a time: their results are in memory.
PAGE_ITEMS = 200
#: A store that restarts is waited for, in the middle of an answer: tries, and seconds between.
TRIES = 10
PAUSE_SECONDS = 1.0


def all_items(parts: Services, batch: Batch, state: ItemState | None = None) -> Iterator[Item]:
    """Every item, by number, with results as they are told.

    Raises:
        StoreUnavailable: the store stays away.
        BatchNotFound: the batch was deleted meanwhile.
    """
    after: int | None = 0
    while after is not None:
        page = _page(parts, batch, after, state)
        yield from page.items
        after = page.after


def _page(parts: Services, batch: Batch, after: int, state: ItemState | None) -> ItemPage:
    for _ in range(TRIES - 1):
        try:
            return told_page(parts, batch, after=after, limit=PAGE_ITEMS, state=state)
        except StoreUnavailable:
            time.sleep(PAUSE_SECONDS)
    return told_page(parts, batch, after=after, limit=PAGE_ITEMS, state=state)


def told_page(
    parts: Services, batch: Batch, *, after: int, limit: int, state: ItemState | None
) -> ItemPage:
    """A part of a batch's items, with results as they are told.

    Raises:
        StoreUnavailable: the store does not answer.
        BatchNotFound: there is no such batch (any more).
    """
    page = parts.batches.items(batch.id, after=after, limit=limit, state=state)
    return replace(page, items=tuple(told_items(parts, batch, page.items)))
