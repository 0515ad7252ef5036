"""Items of a chunk that are worked on together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from workers.batches.records import ChunkItem


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemStep:
    """Some items of one batch."""

    #: Id of the batch.
    batch: str
    items: Sequence[ChunkItem]
    #: By item number: reads its photo; may be called again.
    photos: Mapping[int, Callable[[], bytes]]
    #: Asked now and then: whether anybody still wants the answers.
    is_wanted: Callable[[], bool]
