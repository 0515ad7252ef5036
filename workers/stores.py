"""What a worker process shares with all others: the stores, and who sends work to whom."""

from dataclasses import dataclass

import redis

from models.catalogue import load_catalogue
from vram.fleet import Fleet
from workers.batches import BatchStore, ChunkStore
from workers.blobs import BlobStore
from workers.chunk_feed import ChunkFeeder
from workers.dispatch import JobQueue
from workers.jobs import JobStore
from workers.obstore_blobs import open_blobs
from workers.redis_batches import RedisBatches
from workers.redis_chunks import RedisChunks
from workers.redis_client import open_fleet
from workers.redis_jobs import RedisJobs
from workers.router import JobRouter
from workers.settings import Settings


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
