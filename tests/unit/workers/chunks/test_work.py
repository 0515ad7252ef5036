"""A chunk from its claim to its end, item by item, faults included."""

import time
from collections.abc import Iterator

import fakeredis
import pytest

from models.errors import DeviceFault
from tests.contract.batches.world import world
from tests.unit.workers.chunks.chunk_worker import OutOfTimeError, Worker
from tests.unit.workers.test_runner import ANSWER
from workers.answers.analysis import AnalysisAnswer
from workers.batches.records import BatchCounts, BatchState
from workers.batching import BatchPlan
from workers.blobs.store import MemoryBlobs
from workers.chunks.work import ChunkAnswer
from workers.errors import StoreUnavailable


@pytest.fixture
def worker() -> Iterator[Worker]:
    server = fakeredis.FakeServer(version=(7, 2))
    with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
        yield Worker(it=world(client), blobs=MemoryBlobs())


def test_every_item_gets_an_end_of_its_own(worker: Worker) -> None:
    batch = worker.batch("fine", "broken", "fine")

    answer = worker.run(worker.it.taken(batch))

    assert answer == ChunkAnswer(ended=3, left=0)
    assert worker.it.final(batch).state is BatchState.PARTIAL
    first, second, _ = worker.it.batches.items(batch).items
    assert AnalysisAnswer.model_validate_json(first.result_json or "") == ANSWER
    assert second.error is not None
    assert (second.error.code, second.tries) == ("image_damaged", 1)


def test_photos_are_deleted_unless_they_may_be_tried_again(worker: Worker) -> None:
    batch = worker.batch("fine", "broken")
    work = worker.work()

    work.run(worker.it.taken(batch), is_wanted=lambda: True)
    work.close()

    failed = worker.it.batches.items(batch).items[1]
    assert list(worker.blobs.older_than(-1)) == [failed.blob_key]


def test_photos_that_are_kept_for_the_export_are_not_deleted(worker: Worker) -> None:
    batch = worker.batch("fine", keep_photos=True)
    work = worker.work()

    work.run(worker.it.taken(batch), is_wanted=lambda: True)
    work.close()

    assert len(list(worker.blobs.older_than(-1))) == 1
    assert worker.it.batches.keeps_blobs(batch)


def test_a_photo_that_is_gone_fails_and_is_not_retried(worker: Worker) -> None:
    batch = worker.batch("fine")
    worker.blobs.delete(worker.it.batches.items(batch).items[0].blob_key)

    worker.run(worker.it.taken(batch))

    [item] = worker.it.batches.items(batch).items
    assert item.error is not None
    assert item.error.code == "image_lost"
    assert worker.it.batches.retry_failed(batch) == 0


def test_interactive_jobs_are_served_between_two_steps(worker: Worker) -> None:
    worker.run(worker.it.taken(worker.batch("a", "b", "c")))

    assert worker.pipeline.steps == [[b"a"], [b"b"], [b"c"]]
    assert worker.served == 2


def test_the_next_chunk_is_asked_for_before_and_after(worker: Worker) -> None:
    batch = worker.batch("a")

    worker.run(worker.it.taken(batch))

    assert worker.fed == [batch, batch]


def test_items_are_worked_on_together_once_their_time_is_known(worker: Worker) -> None:
    worker.plan = BatchPlan(jobs=4, pixels=1000)

    worker.run(worker.it.taken(worker.batch(*"abcdefg")))

    assert [len(step) for step in worker.pipeline.steps] == [1, 4, 2]


def test_what_took_a_worker_with_it_is_done_last_and_alone(worker: Worker) -> None:
    worker.plan = BatchPlan(jobs=4, pixels=1000)
    batch = worker.batch(*"abcdef")
    claim = worker.it.taken(batch)
    worker.it.begin(claim, 2, 3)
    worker.it.lose()
    worker.it.begin(again := worker.it.claim(claim.job.id), 2)
    worker.it.lose()

    answer = worker.run(worker.it.claim(again.job.id))

    assert answer == ChunkAnswer(ended=6, left=0)
    assert worker.pipeline.steps == [[b"a"], [b"d", b"e", b"f"], [b"c"], [b"b"]]
    assert [item.tries for item in worker.it.batches.items(batch).items] == [1, 3, 2, 1, 1, 1]


def test_a_device_that_breaks_counts_a_try_of_those_it_had(worker: Worker) -> None:
    batch = worker.batch("fine", "kills", "fine")
    claim = worker.it.taken(batch)

    with pytest.raises(DeviceFault):
        worker.run(claim)
    worker.it.jobs.give_back(claim, counted=True)

    left = worker.it.chunks.unfinished(worker.it.claim(claim.job.id))
    assert [(item.number, item.tries) for item in left] == [(2, 1), (3, 0)]


def test_a_worker_that_is_told_to_stop_counts_no_try(worker: Worker) -> None:
    batch = worker.batch("fine", "stops")
    claim = worker.it.taken(batch)

    with pytest.raises(SystemExit):
        worker.run(claim)
    worker.it.jobs.give_back(claim)

    left = worker.it.chunks.unfinished(worker.it.claim(claim.job.id))
    assert [(item.number, item.tries) for item in left] == [(2, 0)]


def test_an_item_that_takes_too_long_alone_has_timed_out(worker: Worker) -> None:
    batch = worker.batch("hangs", "fine")

    answer = worker.run(worker.it.taken(batch))

    assert answer == ChunkAnswer(ended=2, left=0)
    first, second = worker.it.batches.items(batch).items
    assert first.error is not None
    assert first.error.code == "timed_out"
    assert second.error is None


def test_items_that_took_too_long_together_are_tried_alone(worker: Worker) -> None:
    worker.plan = BatchPlan(jobs=4, pixels=1000)
    batch = worker.batch("fine", "fine", "hangs", "fine")
    claim = worker.it.taken(batch)
    with pytest.raises(OutOfTimeError):
        worker.run(claim)
    worker.it.lose()

    worker.run(worker.it.claim(claim.job.id))

    assert worker.it.final(batch).counts == BatchCounts(total=4, succeeded=3, failed=1)


def test_a_cancelled_batch_ends_after_the_step_that_is_under_way(worker: Worker) -> None:
    batch = worker.batch("a", "b", "c")
    claim = worker.it.taken(batch)
    asked: list[object] = []
    worker.pipeline.meanwhile = lambda: asked.append(worker.it.batches.cancel(batch))

    answer = worker.run(claim, is_wanted=lambda: not asked)

    assert answer is None
    assert worker.it.final(batch).counts == BatchCounts(total=3, succeeded=1, cancelled=2)


def test_photos_dropped_in_the_middle_of_a_step_have_not_been_tried(worker: Worker) -> None:
    worker.plan = BatchPlan(jobs=4, pixels=1000)
    batch = worker.batch("a", "b", "c")
    claim = worker.it.taken(batch)

    # Wanted when the second step begins, and not any more when its second photo's turn comes.
    answer = worker.run(
        claim,
        is_wanted=lambda: len(worker.pipeline.steps) < 2 or not worker.pipeline.steps[1],
    )

    assert answer is None
    states = [(item.state[0], item.tries) for item in worker.it.batches.items(batch).items]
    assert states == [("s", 1), ("s", 1), ("p", 0)]


def test_a_chunk_that_takes_too_long_leaves_the_rest_to_others(worker: Worker) -> None:
    worker.longest_seconds = 0.5
    batch = worker.batch("a", "b", "c")
    worker.pipeline.meanwhile = lambda: time.sleep(worker.longest_seconds)

    answer = worker.run(worker.it.taken(batch))

    assert answer == ChunkAnswer(ended=1, left=2)
    assert worker.it.states(batch) == "spp"


def test_a_worker_that_has_lost_its_chunk_stops_and_writes_nothing(worker: Worker) -> None:
    batch = worker.batch("a", "b")
    claim = worker.it.taken(batch)

    def another_takes_it() -> None:
        worker.it.lose()
        worker.it.claim(claim.job.id)

    worker.pipeline.meanwhile = another_takes_it

    assert worker.run(claim) is None
    assert worker.it.states(batch) == "rr"
    assert len(worker.pipeline.steps) == 1
    assert len(list(worker.blobs.older_than(-1))) == 2


def test_a_store_that_is_away_for_a_moment_costs_no_answer(worker: Worker) -> None:
    batch = worker.batch("a")
    real = worker.it.chunks

    class Flaky:
        refusals = 1

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def end_items(self, *args: object, **more: object) -> None:
            if self.refusals:
                self.refusals -= 1
                raise StoreUnavailable
            real.end_items(*args, **more)  # type: ignore[arg-type]  # handed on

    worker.it.chunks = Flaky()  # type: ignore[assignment]  # hands on all but one call

    assert worker.run(worker.it.taken(batch)) == ChunkAnswer(ended=1, left=0)
    assert len(worker.pipeline.steps) == 1
