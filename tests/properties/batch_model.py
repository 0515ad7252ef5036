"""What a batch store should say, in plain Python: the reference its Lua is compared with."""

import dataclasses

from workers.batches.records import BatchState, ItemState

#: Workers an item may take with it, and attempts a chunk may have.
MOST_TRIES = 3
#: As in the settings the store is made with.
OPEN_SECONDS = 3600
RETRY_SECONDS = 600
KEPT_SECONDS = 3600


@dataclasses.dataclass(kw_only=True)
class ModelItem:
    """An item."""

    content: str
    state: ItemState = ItemState.PENDING
    tries: int = 0
    holder: str = ""
    #: Whether its photo is there to be tried again.
    has_photo: bool = True
    is_retryable: bool = False


@dataclasses.dataclass(kw_only=True)
class ModelChunk:
    """A chunk's job."""

    batch: str
    numbers: tuple[int, ...]
    state: str = "queued"
    attempt: int = 0
    fence: int = 0
    #: Whether its batch's end was asked for while it ran.
    cancel: bool = False


@dataclasses.dataclass(kw_only=True)
class ModelBatch:
    """A batch."""

    items: list[ModelItem] = dataclasses.field(default_factory=list)
    #: Custom id -> number.
    numbers: dict[str, int] = dataclasses.field(default_factory=dict)
    is_closed: bool = False
    is_cancelled: bool = False
    end: BatchState | None = None
    #: Items whose end was written by a worker.
    done: int = 0
    #: Seconds of the model's clock.
    added_at: int = 0
    ended_at: int = 0
    #: Chunks that have not been settled.
    chunks: set[str] = dataclasses.field(default_factory=set)

    @property
    def state(self) -> BatchState:
        """As the store tells it."""
        if self.end:
            return self.end
        return BatchState.RUNNING if self.is_closed else BatchState.OPEN

    def count(self, state: ItemState) -> int:
        """Items in a state."""
        return sum(item.state is state for item in self.items)

    def settle_state(self, now: int) -> None:
        """End, when it takes no more items and all have ended."""
        if self.end or not self.is_closed or any(not i.state.is_final for i in self.items):
            return
        succeeded, failed = self.count(ItemState.SUCCEEDED), self.count(ItemState.FAILED)
        if self.is_cancelled:
            self.end = BatchState.CANCELLED
        elif not failed:
            self.end = BatchState.SUCCEEDED
        else:
            self.end = BatchState.PARTIAL if succeeded else BatchState.FAILED
        self.ended_at = now


class Model:
    """All batches and chunks."""

    def __init__(self) -> None:
        self.batches: dict[str, ModelBatch] = {}
        self.chunks: dict[str, ModelChunk] = {}
        #: Seconds.
        self.now = 0

    def held(self, chunk: str) -> list[tuple[int, ModelItem]]:
        """The items a chunk has; none, if its batch is gone."""
        batch = self.batches.get(self.chunks[chunk].batch)
        items = batch.items if batch else []
        return [(n, item) for n, item in enumerate(items, start=1) if item.holder == chunk]

    def add(self, batch: str, name: str, content: str, *, is_broken: bool) -> None:
        """A new item."""
        found = self.batches[batch]
        item = ModelItem(content=content)
        if is_broken:
            item.state, item.has_photo = ItemState.FAILED, False
        found.items.append(item)
        found.numbers[name] = len(found.items)
        found.added_at = self.now

    def take(self, chunk: str, batch: str, most: int) -> tuple[int, ...]:
        """A chunk of the lowest pending items."""
        found = self.batches[batch]
        numbers = [
            n for n, item in enumerate(found.items, start=1) if item.state is ItemState.PENDING
        ][:most]
        for number in numbers:
            item = found.items[number - 1]
            item.state, item.holder = ItemState.RUNNING, chunk
        self.chunks[chunk] = ModelChunk(batch=batch, numbers=tuple(numbers))
        found.chunks.add(chunk)
        return tuple(numbers)

    def begin(self, chunk: str, numbers: list[int]) -> tuple[int, ...]:
        """Count tries; those that may be worked on."""
        allowed = []
        for number, item in self.held(chunk):
            if number not in numbers:
                continue
            if item.tries >= MOST_TRIES:
                self.end_item(item, ItemState.FAILED)
            else:
                item.tries += 1
                allowed.append(number)
        self._settle(chunk)
        return tuple(allowed)

    def end(self, chunk: str, numbers: list[int], state: ItemState, *, retryable: bool) -> None:
        """Write ends."""
        for number, item in self.held(chunk):
            if number in numbers:
                self.end_item(item, state, retryable=retryable)
                self.batches[self.chunks[chunk].batch].done += 1
        self._settle(chunk)

    def _settle(self, chunk: str) -> None:
        if batch := self.batches.get(self.chunks[chunk].batch):
            batch.settle_state(self.now)

    @staticmethod
    def end_item(item: ModelItem, state: ItemState, *, retryable: bool = False) -> None:
        """An item's end; its tries stay to be read."""
        item.state, item.holder, item.is_retryable = state, "", retryable

    def release(self, chunk: str) -> int:
        """Take a chunk's items from it."""
        batch = self.batches.get(self.chunks[chunk].batch)
        if batch is None:
            return 0
        held = self.held(chunk)
        for _, item in held:
            item.holder = ""
            if batch.is_cancelled:
                item.state, item.tries = ItemState.CANCELLED, 0
            elif item.tries >= MOST_TRIES:
                item.state = ItemState.FAILED
            else:
                item.state = ItemState.PENDING
        batch.chunks.discard(chunk)
        batch.settle_state(self.now)
        return len(held)

    def cancel(self, batch: str) -> None:
        """Ask for a batch's end."""
        found = self.batches[batch]
        if found.end:
            return
        found.is_closed = found.is_cancelled = True
        for item in found.items:
            if item.state is ItemState.PENDING:
                item.state, item.tries = ItemState.CANCELLED, 0
        self._end_chunks(found)
        found.settle_state(self.now)

    def _end_chunks(self, found: ModelBatch) -> None:
        """Chunks nobody works on end; the others are asked to."""
        for name in sorted(found.chunks):
            chunk = self.chunks[name]
            if chunk.state == "running":
                chunk.cancel = True
            else:
                if chunk.state == "queued":
                    chunk.state = "cancelled"
                self.release(name)

    def retry(self, batch: str, *, only_retryable: bool) -> int:
        """Failed items wait again."""
        found = self.batches[batch]
        retried = [
            item
            for item in found.items
            if item.state is ItemState.FAILED
            and item.has_photo
            and (item.is_retryable or not only_retryable)
        ]
        for item in retried:
            item.state, item.tries, item.is_retryable = ItemState.PENDING, 0, False
        if retried:
            found.end = None
        return len(retried)

    def lose(self) -> None:
        """All workers die, and their leases are looked at."""
        for chunk in self.chunks.values():
            if chunk.state == "running":
                if chunk.cancel:
                    chunk.state = "cancelled"
                else:
                    chunk.state = "queued" if chunk.attempt < MOST_TRIES else "failed"

    def tend(self) -> None:
        """What maintenance does."""
        for batch in self.batches.values():
            if batch.end:
                continue
            for name in sorted(batch.chunks):
                if self.chunks[name].state not in {"queued", "running"}:
                    self.release(name)
            if batch.is_cancelled:
                self._end_chunks(batch)
            if self.now - batch.added_at >= OPEN_SECONDS:
                batch.is_closed = True
            batch.settle_state(self.now)

    def hungry(self) -> set[str]:
        """Batches that could do with a chunk."""
        return {name for name in self.batches if self.is_hungry(name)}

    def is_hungry(self, batch: str) -> bool:
        """Whether a batch could do with a chunk."""
        found = self.batches[batch]
        waiting = sum(self.chunks[chunk].state == "queued" for chunk in found.chunks)
        is_over = found.end is not None or found.is_cancelled
        return not is_over and waiting < 2 and found.count(ItemState.PENDING) > 0

    def expire(self) -> set[str]:
        """Forget what has ended long ago; what was forgotten."""
        gone = {
            name
            for name, batch in self.batches.items()
            if batch.end and self.now - batch.ended_at >= KEPT_SECONDS
        }
        for name in gone:
            del self.batches[name]
        return gone
