"""The workers' side of batches on Redis or Valkey: thin calls to `workers/batches/lua`."""

from collections.abc import Sequence
from typing import Any

import redis
import structlog

from workers.batches.hashes import (
    CHUNK_WIDTH,
    HUNGRY_WIDTH,
    chunk_item_of,
    end_args,
    hungry_of,
)
from workers.batches.records import ChunkItem, ChunkWish, HungryBatch, ItemEnd
from workers.batches.scripts import WORKER_SCRIPTS, BatchScripts
from workers.errors import JobUnreadable, LeaseLost
from workers.jobs.hashes import route_args, rows
from workers.jobs.options import ChunkOptions
from workers.jobs.records import Claim
from workers.settings.process import Settings

#: How long a chunk's job is kept after its end, for whoever looks for what went wrong.
CHUNK_TTL_SECONDS = 600

_log = structlog.get_logger()


class RedisChunks:
    """ChunkStore on a client with `decode_responses`."""

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._resend_ms = int(settings.job_resend_seconds * 1000)
        self._call = BatchScripts(client, settings, WORKER_SCRIPTS).call

    def tend(self, limit: int) -> Sequence[HungryBatch]:
        """See ChunkStore."""
        found: list[HungryBatch] = []
        for row in rows(self._call("tend", limit), HUNGRY_WIDTH):
            try:
                found.append(hungry_of(row))
            except JobUnreadable as error:
                # The others must not wait for this one.
                _log.error("batches.unreadable", batch_id=row[0], error=str(error))
        return tuple(found)

    def hunger(self, batch_id: str) -> HungryBatch | None:
        """See ChunkStore."""
        row = self._call("hunger", batch_id)
        return hungry_of(row) if row else None

    def make_chunk(self, wish: ChunkWish) -> int:
        """See ChunkStore."""
        args = (wish.id, wish.batch_id, wish.items, *route_args(wish.route))
        return int(self._call("make_chunk", *args, self._resend_ms, CHUNK_TTL_SECONDS))

    def unfinished(self, claim: Claim) -> Sequence[ChunkItem]:
        """See ChunkStore."""
        options = claim.job.options
        assert isinstance(options, ChunkOptions)  # noqa: S101 - of no other kind
        flat = self._held("unfinished", claim, *options.items)
        return tuple(chunk_item_of(row) for row in rows(flat, CHUNK_WIDTH))

    def begin(self, claim: Claim, numbers: Sequence[int], *, step: str) -> Sequence[int]:
        """See ChunkStore."""
        return tuple(map(int, self._held("begin", claim, step, *numbers)))

    def take_back(self, claim: Claim, numbers: Sequence[int], *, step: str) -> None:
        """See ChunkStore."""
        self._held("take_back", claim, step, *numbers)

    def end_items(self, claim: Claim, ends: Sequence[ItemEnd], *, busy_ms: float) -> None:
        """See ChunkStore."""
        args = [arg for end in ends for arg in end_args(end)]
        self._held("end_items", claim, busy_ms, *args)

    def release(self, claim: Claim) -> int:
        """See ChunkStore."""
        [released] = self._held("release", claim)
        return int(released)

    def _held(self, name: str, claim: Claim, *args: Any) -> Sequence[Any]:  # noqa: ANN401 - texts, numbers
        """What a script answers whoever holds the chunk.

        Raises:
            LeaseLost: somebody else has it, or it has ended.
        """
        answer: list[Any] = self._call(name, claim.job.id, claim.fence, *args)
        outcome, *rest = answer
        if outcome != "held":
            raise LeaseLost
        return rest
