"""Chunks are made for batches that could do with some, and workers are woken for them."""

import pytest
import redis

from workers.batches.records import HungryBatch, NewBatch, NewItem, item_blob_key
from workers.batches.redis_chunks import RedisChunks
from workers.chunks.feed import ChunkFeeder
from workers.contract import AnalyzeOptions
from workers.dispatch import MemoryJobQueue
from workers.errors import StoreUnavailable
from workers.jobs.redis_store import RedisJobs
from workers.settings.process import Settings
from workers.stores import Stores

BATCH = f"batch_{7:032x}"


class AwayQueue:
    """A broker that takes nothing."""

    def publish(self, job_id: str, queue: str) -> None:
        raise StoreUnavailable(f"{job_id} {queue}")


@pytest.fixture
def jobs_on_server(text_redis: redis.Redis, settings: Settings) -> RedisJobs:
    """Where the chunks' jobs are, too."""
    return RedisJobs(text_redis, settings)


def _submit(stores: Stores, items: int, options: AnalyzeOptions | None = None) -> None:
    stores.batches.create(NewBatch(id=BATCH, options=options or AnalyzeOptions()))
    names = [f"{number}" for number in range(items)]
    stores.batches.add_items(
        BATCH,
        [
            NewItem(custom_id=name, blob_key=item_blob_key(BATCH, name, "sha"), sha256="sha")
            for name in names
        ],
    )


def test_as_many_chunks_are_made_as_may_wait(stores: Stores, queue: MemoryJobQueue) -> None:
    _submit(stores, 100)

    assert stores.feeder.feed(BATCH) == 2
    assert stores.feeder.feed(BATCH) == 0

    sent = [queue.take(), queue.take(), queue.take()]
    assert [message and message[1] for message in sent] == ["cpu.bulk", "cpu.bulk", None]
    assert stores.batches.get(BATCH).counts.running == 32


def test_an_interactive_user_s_batch_is_bulk_work_all_the_same(
    stores: Stores, queue: MemoryJobQueue
) -> None:
    _submit(stores, 1, AnalyzeOptions(priority="interactive"))

    stores.feeder.feed(BATCH)

    message = queue.take()
    assert message is not None
    assert message[1] == "cpu.bulk"


def test_a_chunk_whose_wake_up_could_not_be_sent_is_due_at_once(
    stores: Stores, jobs_on_server: RedisJobs, settings: Settings
) -> None:
    _submit(stores, 1)
    feeder = ChunkFeeder(
        chunks=stores.chunks,
        jobs=jobs_on_server,
        queue=AwayQueue(),
        router=stores.router,
        settings=settings,
    )

    assert feeder.feed(BATCH) == 1

    assert len(jobs_on_server.due(10)) == 1


def test_a_batch_of_another_version_s_model_is_sent_to_a_worker_that_says_so(
    stores: Stores, queue: MemoryJobQueue
) -> None:
    unknown = AnalyzeOptions(recognition_model="of_another_version", analyses=("recognition",))
    _submit(stores, 1, unknown)

    assert stores.feeder.feed(BATCH) == 1
    assert queue.take() is not None


def test_while_the_store_is_away_nothing_is_made_and_nothing_raised(
    stores: Stores, text_redis: redis.Redis, settings: Settings
) -> None:
    class AwayChunks(RedisChunks):
        def hunger(self, batch_id: str) -> HungryBatch | None:
            raise StoreUnavailable(batch_id)

    feeder = ChunkFeeder(
        chunks=AwayChunks(text_redis, settings),
        jobs=stores.jobs,
        queue=stores.queue,
        router=stores.router,
        settings=settings,
    )

    assert feeder.feed(BATCH) == 0


def test_an_unknown_batch_needs_no_chunk(stores: Stores) -> None:
    assert stores.feeder.feed(BATCH) == 0
    assert stores.feeder.tend(10) == 0
