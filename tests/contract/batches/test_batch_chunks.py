"""Every batch store keeps the same promises: items in workers' hands."""

import pytest

from tests.contract.batches.world import (
    LASTING,
    ROUTE,
    World,
    photo,
)
from workers.batches.records import (
    BatchCounts,
    BatchState,
    ChunkWish,
    ItemState,
)
from workers.batches.store import POISONED_ITEM
from workers.contract import JobState
from workers.errors import LeaseLost
from workers.jobs.options import ChunkOptions


def test_a_chunk_is_a_hidden_job_with_the_lowest_items_that_wait(it: World) -> None:
    batch = it.batch(*"abcde")

    first, second = it.chunk(batch, items=2), it.chunk(batch, items=2)

    job = it.jobs.get(first)
    assert (job.state, job.route, job.owner) == (JobState.QUEUED, ROUTE, "ada")
    assert (job.is_listed, job.blob_keys, job.batch_key) == (False, (), "")
    assert isinstance(job.options, ChunkOptions)
    assert (job.options.batch, job.options.items) == (batch, (1, 2))
    assert job.options.options == it.batches.get(batch).options
    assert not it.jobs.list("ada", limit=9).jobs
    second_options = it.jobs.get(second).options
    assert isinstance(second_options, ChunkOptions)
    assert second_options.items == (3, 4)
    assert it.states(batch) == "rrrrp"


def test_a_chunk_s_wake_up_is_sent_again(it: World) -> None:
    chunk = it.chunk(it.batch("a"))
    assert not it.jobs.due(10)

    it.advance(21)

    assert [due.id for due in it.jobs.due(10)] == [chunk]


def test_making_a_chunk_again_makes_no_second_one(it: World) -> None:
    batch = it.batch(*"abcd")
    wish = ChunkWish(id=f"job_{1:032x}", batch_id=batch, route=ROUTE, items=2)

    assert [it.chunks.make_chunk(wish), it.chunks.make_chunk(wish)] == [2, 2]
    assert it.states(batch) == "rrpp"


def test_no_more_chunks_wait_than_may(it: World) -> None:
    batch = it.batch(*"abcd")
    hungry = it.chunks.hunger(batch)
    assert hungry is not None
    assert (hungry.pending, hungry.chunks, hungry.item_ms) == (4, 0, None)
    first = it.chunk(batch, items=1)
    it.chunk(batch, items=1)

    assert it.chunks.hunger(batch) is None
    wish = ChunkWish(id=f"job_{99:032x}", batch_id=batch, route=ROUTE, items=1)
    assert it.chunks.make_chunk(wish) == 0

    it.claim(first)
    fed = it.chunks.hunger(batch)
    assert fed is not None
    assert (fed.pending, fed.chunks) == (2, 2)


def test_items_end_one_by_one_and_the_batch_with_the_last(it: World) -> None:
    batch = it.batch(*"abc", closed=True)
    claim = it.taken(batch)
    it.begin(claim, 1, 2)
    it.succeed(claim, 1)
    it.fail(claim, 2, error=LASTING)
    assert it.batches.get(batch).counts == BatchCounts(total=3, running=1, succeeded=1, failed=1)

    it.begin(claim, 3)
    it.succeed(claim, 3)
    it.finish(claim)

    ended = it.final(batch)
    assert (ended.state, ended.eta_ms) == (BatchState.PARTIAL, None)
    assert ended.finished_ms is not None
    first, second, _ = it.batches.items(batch).items
    assert (first.state, first.result_json, first.tries) == (ItemState.SUCCEEDED, '{"of":1}', 1)
    assert (second.state, second.error, second.tries) == (ItemState.FAILED, LASTING, 1)


@pytest.mark.parametrize(
    ("succeeded", "failed", "state"),
    [
        (2, 0, BatchState.SUCCEEDED),
        (1, 1, BatchState.PARTIAL),
        (0, 2, BatchState.FAILED),
    ],
)
def test_a_batch_s_end_is_what_its_items_were(
    it: World, succeeded: int, failed: int, state: BatchState
) -> None:
    batch = it.batch("a", "b", closed=True)
    claim = it.taken(batch)

    it.succeed(claim, *range(1, succeeded + 1))
    it.fail(claim, *range(succeeded + 1, succeeded + failed + 1))

    assert it.final(batch).state is state


def test_an_open_batch_does_not_end(it: World) -> None:
    batch = it.batch("a")
    claim = it.taken(batch)
    it.succeed(claim, 1)
    it.finish(claim)
    assert it.batches.get(batch).state is BatchState.OPEN

    assert it.batches.close(batch).state is BatchState.SUCCEEDED


def test_an_end_is_written_once(it: World) -> None:
    batch = it.batch("a", "b")
    claim = it.taken(batch)

    it.succeed(claim, 1)
    it.succeed(claim, 1)
    it.fail(claim, 1)

    assert it.batches.get(batch).counts == BatchCounts(total=2, running=1, succeeded=1)
    assert it.batches.items(batch).items[0].result_json == '{"of":1}'


def test_a_worker_that_lost_its_chunk_writes_nothing(it: World) -> None:
    batch = it.batch("a", "b")
    zombie = it.taken(batch)
    it.lose()
    claim = it.claim(zombie.job.id)

    for call in (
        lambda: it.chunks.unfinished(zombie),
        lambda: it.begin(zombie, 1),
        lambda: it.chunks.take_back(zombie, [1], step="s"),
        lambda: it.succeed(zombie, 1),
        lambda: it.chunks.release(zombie),
    ):
        with pytest.raises(LeaseLost):
            call()
    assert it.states(batch) == "rr"
    it.succeed(claim, 1)
    assert it.states(batch) == "sr"


def test_a_chunk_ends_no_items_of_others(it: World) -> None:
    batch = it.batch(*"abcd")
    first = it.taken(batch, items=2)
    it.taken(batch, items=2)

    it.succeed(first, 3)

    assert it.begin(first, 2, 3) == (2,)
    assert it.states(batch) == "rrrr"
    assert [item.number for item in it.chunks.unfinished(first)] == [1, 2]


def test_what_a_lost_worker_had_done_stays_done(it: World) -> None:
    batch = it.batch(*"abc")
    claim = it.taken(batch)
    it.begin(claim, 1, 2)
    it.succeed(claim, 1)
    it.lose()

    again = it.claim(claim.job.id)

    left = it.chunks.unfinished(again)
    assert [(item.number, item.tries) for item in left] == [(2, 1), (3, 0)]
    assert left[0].blob_key == photo(batch, "b").blob_key
    assert left[0].pixels == 10


def test_what_is_left_of_a_chunk_waits_again(it: World) -> None:
    batch = it.batch(*"abc")
    claim = it.taken(batch)
    it.succeed(claim, 2)

    assert [it.chunks.release(claim), it.chunks.release(claim)] == [2, 0]
    it.jobs.succeed(claim, "{}")

    assert it.states(batch) == "psp"
    assert it.chunks.hunger(batch) is not None


@pytest.mark.parametrize("end", ["failed", "poisoned", "deleted"])
def test_a_chunk_that_ends_otherwise_loses_its_items_to_the_batch(it: World, end: str) -> None:
    batch = it.batch(*"ab", closed=True)
    claim = it.taken(batch)
    if end == "failed":
        it.jobs.fail(claim, LASTING)
    elif end == "deleted":
        it.jobs.delete(claim.job.id)
    else:
        for _ in range(3):
            it.lose()
            it.jobs.claim(claim.job.id, claim_id="again")
        assert it.jobs.get(claim.job.id).state is JobState.FAILED
    assert it.states(batch) == "rr"

    hungry = it.chunks.tend(10)

    assert it.states(batch) == "pp"
    assert [one.id for one in hungry] == [batch]
    assert (hungry[0].pending, hungry[0].chunks) == (2, 0)
    again = it.taken(batch)
    it.succeed(again, 1, 2)
    assert it.final(batch).state is BatchState.SUCCEEDED


def test_an_item_that_takes_three_workers_with_it_has_failed(it: World) -> None:
    batch = it.batch("kills", "harmless", closed=True)
    claim = it.taken(batch)
    for tries in (1, 2):
        it.begin(claim, 1)
        it.lose()
        claim = it.claim(claim.job.id)
        assert it.chunks.unfinished(claim)[0].tries == tries
    it.begin(claim, 1)
    it.lose()
    assert it.jobs.get(claim.job.id).state is JobState.FAILED

    it.chunks.tend(10)

    assert it.states(batch) == "fp"
    assert it.batches.items(batch).items[0].error == POISONED_ITEM
    assert it.batches.items(batch).items[0].tries == 3
    it.succeed(it.taken(batch), 2)
    assert it.final(batch).state is BatchState.PARTIAL


def test_an_item_without_tries_left_is_not_begun(it: World) -> None:
    batch = it.batch("kills", "harmless", closed=True)
    for _ in range(2):
        claim = it.taken(batch)
        it.begin(claim, 1)
        it.finish(claim)
    claim = it.taken(batch)
    it.begin(claim, 1)
    it.succeed(claim, 2)

    assert it.begin(claim, 1) == ()
    assert it.final(batch).counts == BatchCounts(total=2, succeeded=1, failed=1)


def test_a_try_is_counted_once_and_may_be_taken_back(it: World) -> None:
    batch = it.batch("a", "b")
    claim = it.taken(batch)

    it.chunks.begin(claim, [1, 2], step="one")
    it.chunks.begin(claim, [1, 2], step="one")
    it.chunks.begin(claim, [1], step="two")
    it.chunks.take_back(claim, [1, 2], step="two")
    it.chunks.take_back(claim, [1, 2], step="two")

    assert [item.tries for item in it.chunks.unfinished(claim)] == [1, 1]
    assert [item.tries for item in it.batches.items(batch).items] == [1, 1]
