"""A chunk of a batch: its items, a few at a time, each with an end of its own.

Whatever happens on the way, nothing is lost and nothing is done twice to the end: an item's end is
written once, under the chunk's fence, and what has none waits again.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from workers.answers.part import Answer
from workers.batches.records import BatchOptions, ChunkItem, ItemEnd
from workers.batches.store import ChunkStore
from workers.batching import BatchPlan
from workers.blobs.store import BlobStore
from workers.chunks.items import Found, ItemWorks, item_end, work_key
from workers.chunks.sizes import step_items, steps
from workers.chunks.step import ItemStep
from workers.errors import BlobStoreFailed, LeaseLost, StoreUnavailable
from workers.jobs.options import ChunkOptions
from workers.jobs.store import Claim
from workers.settings.process import Settings

#: Threads that read the photos of the next step and delete those of the last one.
BLOB_THREADS = 4
#: A chunk whose items take longer than foreseen, or that interactive jobs keep waiting, ends after
#: so many times what it was to last, and other chunks get what is left.
LONGEST_SHARE = 4.0
#: And after this share of a task's time limit.
TASK_SHARE = 0.5
#: Weight of a new value in the mean time of an item.
NEW_SHARE = 0.3
#: Pause between tries to write ends while the store is away, and how long that is tried.
RETRY_SECONDS = 0.5
WRITE_SECONDS = 60.0

_log = structlog.get_logger()


class ChunkAnswer(Answer):
    """What came of a chunk; the items' own answers are the batch's."""

    #: Items that ended here.
    ended: int
    #: Items that were given back.
    left: int


class Feeder(Protocol):
    """Makes further chunks; `workers.chunks.feed.ChunkFeeder`."""

    def feed(self, batch_id: str) -> int:
        """See ChunkFeeder."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkPlan:
    """How a worker goes through chunks."""

    #: How items are worked on together.
    batch: BatchPlan
    #: No further step is begun after this time.
    longest_seconds: float
    #: What is raised in a task that ran out of time.
    time_limit_error: type[Exception] = TimeoutError


def chunk_plan(
    settings: Settings, batch: BatchPlan, time_limit_error: type[Exception]
) -> ChunkPlan:
    """The plan of a worker with these settings."""
    foreseen = LONGEST_SHARE * settings.batch_chunk_seconds
    return ChunkPlan(
        batch=batch,
        longest_seconds=min(foreseen, TASK_SHARE * settings.task_time_limit_seconds),
        time_limit_error=time_limit_error,
    )


@dataclass(kw_only=True, slots=True)
class _Chunk:
    claim: Claim
    options: ChunkOptions
    is_wanted: Callable[[], bool]
    deadline: float
    #: By item number: its photo, on its way.
    photos: dict[int, Future[bytes]] = field(default_factory=dict)
    ended: int = 0

    @property
    def goes_on(self) -> bool:
        """Whether a further step is to be begun."""
        return self.is_wanted() and time.monotonic() < self.deadline


class ChunkWork:
    """Work for jobs of kind "chunk".

    Args:
        chunks: The authority.
        feeder: Makes the next chunk before this one ends.
        works: What is done to photos.
        blobs: Where they are.
        plan: How many at a time, and how long.
        serve_interactive: Does what waits in this worker's interactive queue; called between two
            steps, so that an interactive job waits for one step at most.
    """

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        feeder: Feeder,
        works: ItemWorks,
        blobs: BlobStore,
        plan: ChunkPlan,
        serve_interactive: Callable[[], None],
    ) -> None:
        self._chunks = chunks
        self._feeder = feeder
        self._works = works
        self._blobs = blobs
        self._plan = plan
        self._serve_interactive = serve_interactive
        self._pool = ThreadPoolExecutor(BLOB_THREADS, thread_name_prefix="chunk")
        #: By batch key or kind: mean time of an item, ms.
        self._item_ms: dict[str, float] = {}

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> ChunkAnswer | None:
        """See workers.work.Work."""
        options = claim.job.options
        assert isinstance(options, ChunkOptions)  # noqa: S101 - the runner's mapping is by kind
        chunk = _Chunk(
            claim=claim,
            options=options,
            is_wanted=is_wanted,
            deadline=time.monotonic() + self._plan.longest_seconds,
        )
        with structlog.contextvars.bound_contextvars(batch_id=options.batch):
            # The next one waits before this one ends.
            self._feeder.feed(options.batch)
            try:
                left = self._go_through(chunk)
            except LeaseLost:
                _log.warning("chunk.lost", fence=claim.fence)
                return None
            finally:
                for photo in chunk.photos.values():
                    photo.cancel()
            self._feeder.feed(options.batch)
            return ChunkAnswer(ended=chunk.ended, left=left) if is_wanted() else None

    def close(self) -> None:
        """Wait for what is still being read or deleted; the process ends."""
        self._pool.shutdown()

    def _go_through(self, chunk: _Chunk) -> int:
        """All steps; how many items are left and were given back."""
        items = list(self._chunks.unfinished(chunk.claim))
        while items and chunk.goes_on:
            step = self._next_step(chunk, items)
            items = [item for item in items if item not in step]
            if items:
                self._read_ahead(chunk, self._next_step(chunk, items))
            self._step(chunk, step)
            if items:
                self._serve_interactive()
        return self._chunks.release(chunk.claim)

    def _next_step(self, chunk: _Chunk, items: Sequence[ChunkItem]) -> Sequence[ChunkItem]:
        plan = self._plan.batch
        most = step_items(self._item_ms.get(work_key(chunk.options.options)), most=plan.jobs)
        return next(iter(steps(items, most=most, pixels=plan.pixels)))

    def _read_ahead(self, chunk: _Chunk, step: Sequence[ChunkItem]) -> None:
        for item in step:
            if item.number not in chunk.photos:
                photo = self._pool.submit(self._blobs.get, item.blob_key)
                chunk.photos[item.number] = photo

    def _step(self, chunk: _Chunk, step: Sequence[ChunkItem]) -> None:
        """Work on items together, and write their ends."""
        mark = uuid.uuid4().hex
        allowed = set(self._chunks.begin(chunk.claim, [one.number for one in step], step=mark))
        step = [item for item in step if item.number in allowed]
        if not step:
            return
        self._read_ahead(chunk, step)
        try:
            dropped = self._work_on(chunk, step)
        except Exception:
            raise  # its items have lost a worker, or as good as: they are tried alone
        except BaseException:
            # The worker was told to stop, which is no item's fault.
            with suppress(LeaseLost, StoreUnavailable):
                self._chunks.take_back(chunk.claim, [one.number for one in step], step=mark)
            raise
        if dropped:
            self._chunks.take_back(chunk.claim, dropped, step=mark)

    def _work_on(self, chunk: _Chunk, step: Sequence[ChunkItem]) -> Sequence[int]:
        """Do what is asked of items and write their ends; those nobody wants any more are told."""
        started = time.monotonic()
        outcomes = self._outcomes(chunk, step)
        busy_ms = (time.monotonic() - started) * 1000
        self._learn(chunk.options.options, busy_ms / len(step))
        ends: list[ItemEnd] = []
        dropped: list[int] = []
        for item, outcome in zip(step, outcomes, strict=True):
            if outcome is None:
                dropped.append(item.number)
            else:
                ends.append(item_end(item, outcome, self._plan.time_limit_error))
        self._write(chunk, ends, busy_ms)
        chunk.ended += len(ends)
        self._forget_photos(step, ends)
        return dropped

    def _outcomes(
        self, chunk: _Chunk, step: Sequence[ChunkItem]
    ) -> Sequence[Found | Exception | None]:
        limit = self._plan.time_limit_error
        photos = {item.number: chunk.photos.pop(item.number).result for item in step}
        together = ItemStep(
            batch=chunk.options.batch, items=step, photos=photos, is_wanted=chunk.is_wanted
        )
        try:
            return self._works.outcomes(together, chunk.options.options, ends=(limit,))
        except limit as error:
            if len(step) > 1:
                raise
            return [error]

    def _learn(self, options: BatchOptions, item_ms: float) -> None:
        key = work_key(options)
        known = self._item_ms.get(key)
        self._item_ms[key] = item_ms if known is None else known + NEW_SHARE * (item_ms - known)

    def _write(self, chunk: _Chunk, ends: Sequence[ItemEnd], busy_ms: float) -> None:
        """Write ends, through an absence of the store: what was found out is not thrown away."""
        deadline = time.monotonic() + WRITE_SECONDS
        while ends:
            try:
                self._chunks.end_items(chunk.claim, ends, busy_ms=busy_ms)
            except StoreUnavailable as error:
                if time.monotonic() > deadline:
                    raise
                _log.warning("chunk.ends_not_written", items=len(ends), error=str(error))
                time.sleep(RETRY_SECONDS)
            else:
                return

    def _forget_photos(self, step: Sequence[ChunkItem], ends: Sequence[ItemEnd]) -> None:
        """Delete photos of items that have succeeded; those of others may be tried again."""
        done = {end.number for end in ends if end.error is None}
        for item in step:
            if item.number in done and not item.keeps_photo:
                self._pool.submit(self._forget_photo, item.blob_key)

    def _forget_photo(self, blob_key: str) -> None:
        try:
            self._blobs.delete(blob_key)
        except BlobStoreFailed as error:
            _log.warning("chunk.image_not_deleted", error=str(error))  # the sweep deletes it
