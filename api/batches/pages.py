"""All items of a batch, read a page at a time."""

import time
from collections.abc import Iterator

from api.services import Services
from workers.batch_records import Item, ItemPage, ItemState
from workers.errors import StoreUnavailable

#: Items read at a time: their results are in memory.
PAGE_ITEMS = 200
#: A store that restarts is waited for, in the middle of an answer: tries, and seconds between.
TRIES = 10
PAUSE_SECONDS = 1.0


def all_items(parts: Services, batch_id: str, state: ItemState | None = None) -> Iterator[Item]:
    """Every item, by number.

    Raises:
        StoreUnavailable: the store stays away.
        BatchNotFound: the batch was deleted meanwhile.
    """
    after: int | None = 0
    while after is not None:
        page = _page(parts, batch_id, after, state)
        yield from page.items
        after = page.after


def _page(parts: Services, batch_id: str, after: int, state: ItemState | None) -> ItemPage:
    for _ in range(TRIES - 1):
        try:
            return parts.batches.items(batch_id, after=after, limit=PAGE_ITEMS, state=state)
        except StoreUnavailable:
            time.sleep(PAUSE_SECONDS)
    return parts.batches.items(batch_id, after=after, limit=PAGE_ITEMS, state=state)
