"""Every batch store keeps the same promises: cancelling and trying again."""

import pytest

from tests.contract.batches.world import (
    LASTING,
    PASSING,
    World,
    broken,
)
from workers.batches.records import (
    BatchCounts,
    BatchState,
    ItemEnd,
)
from workers.contract import JobState
from workers.errors import BatchIsCancelled, BatchRetryOver


def test_cancelling_ends_what_waits_at_once(it: World) -> None:
    batch = it.batch(*"abcd")
    waiting = it.chunk(batch, items=2)
    it.batches.add_items(batch, [broken("x")])

    assert it.batches.cancel(batch) == "cancelled"
    assert it.batches.cancel(batch) == "cancelled"

    assert it.jobs.get(waiting).state is JobState.CANCELLED
    assert it.final(batch).state is BatchState.CANCELLED
    assert it.final(batch).counts == BatchCounts(total=5, cancelled=4, failed=1)
    assert it.final(batch).closed_ms is not None


def test_cancelling_lets_a_running_chunk_end_its_step(it: World) -> None:
    batch = it.batch(*"abcd")
    claim = it.taken(batch, items=2)
    it.begin(claim, 1)

    assert it.batches.cancel(batch) == "asked"

    assert it.states(batch) == "rrcc"
    assert it.jobs.renew_many([claim]) == ("cancelled",)
    it.succeed(claim, 1)
    assert not it.batches.get(batch).state.is_final
    assert it.chunks.release(claim) == 1
    assert it.final(batch).counts == BatchCounts(total=4, succeeded=1, cancelled=3)
    assert it.final(batch).state is BatchState.CANCELLED
    assert it.batches.items(batch).items[0].result_json == '{"of":1}'


def test_a_cancelled_batch_whose_worker_is_lost_ends_all_the_same(it: World) -> None:
    batch = it.batch("a", "b")
    claim = it.taken(batch)
    it.begin(claim, 1)
    it.batches.cancel(batch)
    it.advance(11)

    it.chunks.tend(10)

    assert it.final(batch).counts == BatchCounts(total=2, cancelled=2)
    assert it.jobs.get(claim.job.id).state is JobState.CANCELLED


def test_a_batch_that_has_ended_keeps_its_end(it: World) -> None:
    batch = it.batch("a", closed=True)
    it.succeed(it.taken(batch), 1)

    assert it.batches.cancel(batch) == "finished"
    assert it.final(batch).state is BatchState.SUCCEEDED


def test_failed_items_are_retried_where_there_is_a_photo(it: World) -> None:
    batch = it.batch(*"abcd")
    it.batches.add_items(batch, [broken("x")])
    it.batches.close(batch)
    claim = it.taken(batch)
    it.begin(claim, 1, 2, 3, 4)
    it.succeed(claim, 1)
    it.fail(claim, 2)
    it.fail(claim, 3, error=LASTING)
    lost = ItemEnd(number=4, error=PASSING, has_blob=False)
    it.chunks.end_items(claim, [lost], busy_ms=1)
    it.finish(claim)
    assert it.final(batch).counts == BatchCounts(total=5, succeeded=1, failed=4)

    assert it.batches.retry_failed(batch, only_retryable=True) == 1
    assert it.states(batch) == "spfff"
    assert it.batches.retry_failed(batch) == 1

    assert it.states(batch) == "sppff"
    going_on = it.batches.get(batch)
    assert (going_on.state, going_on.finished_ms, going_on.expires_ms) == (
        BatchState.RUNNING,
        None,
        None,
    )
    retried = it.batches.items(batch).items[1]
    assert (retried.tries, retried.error) == (0, None)
    assert [one.id for one in it.chunks.tend(10)] == [batch]
    it.succeed(it.taken(batch), 2, 3)
    assert it.final(batch).counts == BatchCounts(total=5, succeeded=3, failed=2)


def test_a_retried_batch_does_not_expire(it: World) -> None:
    batch = it.batch("a", closed=True)
    it.fail(it.taken(batch), 1)
    it.batches.retry_failed(batch)

    it.advance(4000)

    assert it.states(batch) == "p"
    it.succeed(it.taken(batch), 1)
    assert it.batches.items(batch).items[0].result_json == '{"of":1}'


def test_an_old_chunk_does_not_touch_items_that_are_retried(it: World) -> None:
    batch = it.batch("a", "b", closed=True)
    old = it.taken(batch)
    it.fail(old, 1, 2)
    it.batches.retry_failed(batch)
    claim = it.taken(batch, items=1)

    it.succeed(old, 1, 2)
    assert it.chunks.release(old) == 0

    assert it.states(batch) == "rp"
    it.jobs.succeed(old, "{}")
    it.chunks.tend(10)
    assert [item.number for item in it.chunks.unfinished(claim)] == [1]


def test_what_has_ended_too_long_ago_is_not_retried(it: World) -> None:
    batch = it.batch("a", closed=True)
    it.fail(it.taken(batch), 1)
    it.advance(601)

    with pytest.raises(BatchRetryOver):
        it.batches.retry_failed(batch)


def test_a_cancelled_batch_is_not_retried(it: World) -> None:
    batch = it.batch("a", "b")
    it.fail(it.taken(batch, items=1), 1)
    it.batches.cancel(batch)

    with pytest.raises(BatchIsCancelled):
        it.batches.retry_failed(batch)


def test_nothing_to_retry_changes_nothing(it: World) -> None:
    batch = it.batch("a", closed=True)
    it.succeed(it.taken(batch), 1)
    before = it.final(batch)

    assert it.batches.retry_failed(batch) == 0

    assert it.final(batch) == before
