"""What a worker process shares with all others: the stores, and who sends work to whom."""

from dataclasses import dataclass

import redis

from models.catalogue import load_catalogue
from vram.fleet import Fleet
from workers.batches.redis_chunks import RedisChunks
from workers.batches.redis_store import RedisBatches
from workers.batches.store import BatchStore, ChunkStore
from workers.blobs.obstore_store import open_blobs
from workers.blobs.store import BlobStore
from workers.chunks.feed import ChunkFeeder
from workers.connections.client import open_fleet
from workers.dispatch import JobQueue
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import JobStore
from workers.router import JobRouter
from workers.settings.process import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Stores:
    """The fleet's shared parts, as one process sees them."""

    jobs: JobStore
    batches: BatchStore
    chunks: ChunkStore
    blobs: BlobStore
    queue: JobQueue
    fleet: Fleet
    router: JobRouter
    feeder: ChunkFeeder


def open_stores(client: redis.Redis, settings: Settings, queue: JobQueue) -> Stores:
    """All of them on one client.

    Raises:
        WorkersError: the blob store can't be opened.
    """
    jobs, chunks = RedisJobs(client, settings), RedisChunks(client, settings)
    fleet = open_fleet(client, settings)
    router = JobRouter(fleet, jobs, load_catalogue(), settings)
    return Stores(
        jobs=jobs,
        batches=RedisBatches(client, settings),
        chunks=chunks,
        blobs=open_blobs(settings.blob_location),
        queue=queue,
        fleet=fleet,
        router=router,
        feeder=ChunkFeeder(chunks=chunks, jobs=jobs, queue=queue, router=router, settings=settings),
    )
