"""Chunks for batches that could do with some, and their wake-ups."""

from typing import Protocol

import structlog
import uuid_utils

from models.errors import UnknownModel
from workers.batches.records import ChunkWish, HungryBatch
from workers.batches.store import ChunkStore
from workers.chunks.sizes import chunk_items
from workers.contract import JobRoute, queue_of
from workers.dispatch import JobQueue
from workers.errors import StoreUnavailable
from workers.jobs.options import JobOptions
from workers.jobs.store import JobStore
from workers.settings.process import Settings

_log = structlog.get_logger()


class Router(Protocol):
    """Says where work is sent; `workers.router.JobRouter`."""

    def route(self, options: JobOptions) -> JobRoute:
        """See JobRouter."""
        ...


class ChunkFeeder:
    """Makes chunks, few at a time: so their routes are fresh and other batches get their turn.

    The gateway calls it when items were added, workers when they take a chunk or end one, and
    maintenance for whatever these have not done.
    """

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        jobs: JobStore,
        queue: JobQueue,
        router: Router,
        settings: Settings,
    ) -> None:
        self._chunks = chunks
        self._jobs = jobs
        self._queue = queue
        self._router = router
        self._settings = settings

    def feed(self, batch_id: str) -> int:
        """Make chunks of a batch until enough of them wait, and wake workers for them.

        Does nothing when the store is away: maintenance will.

        Returns:
            How many were made.
        """
        made = 0
        try:
            while (hungry := self._chunks.hunger(batch_id)) and self._make(hungry):
                made += 1
        except StoreUnavailable as error:
            _log.warning("chunks.not_fed", batch_id=batch_id, error=str(error))
        return made

    def tend(self, limit: int) -> int:
        """Look after batches that have not ended, and make chunks of those that need some.

        Args:
            limit: Most batches; the next call goes on.

        Returns:
            How many chunks were made.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        return sum(self.feed(hungry.id) for hungry in self._chunks.tend(limit))

    def _make(self, hungry: HungryBatch) -> bool:
        settings = self._settings
        wish = ChunkWish(
            id=f"job_{uuid_utils.uuid7().hex}",
            batch_id=hungry.id,
            route=self._route(hungry),
            items=chunk_items(
                pending=hungry.pending,
                chunks=hungry.chunks,
                item_ms=hungry.item_ms,
                target_seconds=settings.batch_chunk_seconds,
                most=settings.batch_chunk_items,
            ),
        )
        items = self._chunks.make_chunk(wish)
        if not items:
            return False  # another process was faster
        _log.info("chunk.made", batch_id=hungry.id, job_id=wish.id, items=items)
        try:
            self._queue.publish(wish.id, wish.route.queue)
        except StoreUnavailable as error:
            _log.warning("chunk.not_sent", job_id=wish.id, error=str(error))
            self._jobs.expedite(wish.id)
        return True

    def _route(self, hungry: HungryBatch) -> JobRoute:
        options = hungry.options.model_copy(update={"priority": "batch"})
        try:
            return self._router.route(options)
        except UnknownModel as error:
            # Of another version's catalogue: its worker says so of every item.
            _log.warning("chunk.not_routable", batch_id=hungry.id, error=str(error))
            return JobRoute(queue=queue_of("bulk", device=None), reason="no_gpu_device")
