"""A batch store with its workers' side, the jobs beneath, and a clock that can be put forward."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import cast

import redis

from workers.batches.records import (
    Batch,
    ChunkWish,
    ItemEnd,
    ItemState,
    NewBatch,
    NewItem,
    item_blob_key,
)
from workers.batches.redis_chunks import RedisChunks
from workers.batches.redis_store import RedisBatches
from workers.batches.scripts import BATCH_PREFIX, BATCHES
from workers.contract import AnalyzeOptions, JobError, JobRoute
from workers.jobs.redis_store import RedisJobs
from workers.jobs.scripts import DUE, GONE_PREFIX, JOB_PREFIX, LEASES, WAITING_PREFIX
from workers.jobs.store import Claim
from workers.settings.process import Settings

#: Of every store here.
SETTINGS = Settings(
    job_lease_seconds=10,
    job_resend_seconds=20,
    job_max_attempts=3,
    batch_max_items=100,
    batch_chunks_waiting=2,
    batch_open_seconds=3600,
    batch_retry_seconds=600,
    result_ttl_seconds=3600,
    expired_jobs_known_seconds=7200,
)
ROUTE = JobRoute(queue="cpu.bulk", reason="no_gpu_device")
PASSING = JobError(code="inference_failed", message="Try again.", retryable=True)
LASTING = JobError(code="image_damaged", message="It is damaged.")
#: Fields of hashes that hold times.
_TIMES = (
    "created_ms",
    "lease_ms",
    "closed_ms",
    "finished_ms",
    "expires_ms",
    "retry_until_ms",
    "added_ms",
    "told_ms",
    "mark_ms",
    "before_ms",
)


def batch_id(number: int) -> str:
    """An id as the gateway makes them."""
    return f"batch_{number:032x}"


def photo(batch: str, name: str, content: str = "a photo") -> NewItem:
    """An item with a photo."""
    return NewItem(
        custom_id=name, blob_key=item_blob_key(batch, name, content), sha256=content, pixels=10
    )


def broken(name: str, code: str = "image_damaged") -> NewItem:
    """An item that failed at intake."""
    return NewItem(custom_id=name, error=JobError(code=code, message=f"{name} is no photo."))


@dataclasses.dataclass(kw_only=True)
class World:
    """What tests work with."""

    client: redis.Redis
    batches: RedisBatches
    chunks: RedisChunks
    jobs: RedisJobs
    numbers: "itertools.count[int]" = dataclasses.field(default_factory=lambda: itertools.count(1))

    def batch(
        self, *names: str, closed: bool = False, owner: str = "ada", keep_photos: bool = False
    ) -> str:
        """A new batch with photos of these names."""
        made = NewBatch(
            id=batch_id(next(self.numbers)),
            options=AnalyzeOptions(),
            owner=owner,
            keep_photos=keep_photos,
        )
        self.batches.create(made)
        self.add(made.id, *names)
        if closed:
            self.batches.close(made.id)
        return made.id

    def add(self, batch: str, *names: str) -> list[int]:
        """Add photos; their numbers."""
        added = self.batches.add_items(batch, [photo(batch, name) for name in names])
        return [one.number for one in added]

    def chunk(self, batch: str, items: int = 64) -> str:
        """A chunk of a batch's pending items, which waits."""
        wish = ChunkWish(
            id=f"job_{next(self.numbers):032x}", batch_id=batch, route=ROUTE, items=items
        )
        assert self.chunks.make_chunk(wish)
        return wish.id

    def claim(self, chunk: str) -> Claim:
        """Take a chunk that waits."""
        claim = self.jobs.claim(chunk, claim_id=f"claim {next(self.numbers)}")
        assert isinstance(claim, Claim)
        return claim

    def taken(self, batch: str, items: int = 64) -> Claim:
        """A chunk of a batch's pending items that a worker has taken."""
        return self.claim(self.chunk(batch, items))

    def begin(self, claim: Claim, *numbers: int) -> Sequence[int]:
        """Begin with items."""
        return self.chunks.begin(claim, numbers, step=f"step{next(self.numbers)}")

    def succeed(self, claim: Claim, *numbers: int) -> None:
        """End items well."""
        ends = [ItemEnd(number=number, result_json=f'{{"of":{number}}}') for number in numbers]
        self.chunks.end_items(claim, ends, busy_ms=100.0 * len(ends))

    def fail(self, claim: Claim, *numbers: int, error: JobError = PASSING) -> None:
        """End items badly."""
        ends = [ItemEnd(number=number, error=error) for number in numbers]
        self.chunks.end_items(claim, ends, busy_ms=100.0 * len(ends))

    def finish(self, claim: Claim) -> None:
        """End a chunk as a worker does."""
        self.chunks.release(claim)
        self.jobs.succeed(claim, "{}")

    def lose(self, seconds: float = 11) -> None:
        """The workers die; their leases end, and what they had waits again or has failed."""
        self.advance(seconds)
        self.jobs.reap(100)

    def states(self, batch: str) -> str:
        """The first letter of every item's state."""
        return "".join(item.state[0] for item in self.batches.items(batch, limit=1000).items)

    def counts(self, batch: str) -> dict[ItemState, int]:
        """What the batch says of its items."""
        counts = self.batches.get(batch).counts
        return {state: cast("int", getattr(counts, state)) for state in ItemState}

    def final(self, batch: str) -> Batch:
        """The batch, which has ended."""
        found = self.batches.get(batch)
        assert found.state.is_final
        return found

    def advance(self, seconds: float) -> None:
        """Let time pass: what is stored was stored so much earlier."""
        delta_ms = int(seconds * 1000)
        for key in (DUE, LEASES, BATCHES, *self.client.scan_iter(WAITING_PREFIX + "*")):
            scores = self.client.zrange(key, 0, -1, withscores=True)
            for member, score in cast("list[tuple[str, float]]", scores):
                self.client.zadd(key, {member: score - delta_ms})
        hashes = [JOB_PREFIX + "*", BATCH_PREFIX + "*"]
        keys = [key for pattern in hashes for key in self.client.scan_iter(pattern)]
        for key in keys:
            if key.count(":") == 3:
                self._earlier(key, delta_ms)
        for key in (*keys, *self.client.scan_iter(GONE_PREFIX + "*")):
            left_ms = self.client.pttl(key)
            if left_ms >= 0:
                self.client.pexpire(key, max(0, left_ms - delta_ms))

    def _earlier(self, key: str, delta_ms: int) -> None:
        for field in _TIMES:
            if self.client.hexists(key, field):
                self.client.hincrby(key, field, -delta_ms)


def world(client: redis.Redis, settings: Settings = SETTINGS) -> World:
    """A world on a client with `decode_responses`."""
    return World(
        client=client,
        batches=RedisBatches(client, settings),
        chunks=RedisChunks(client, settings),
        jobs=RedisJobs(client, settings),
    )
