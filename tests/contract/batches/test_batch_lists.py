"""Every batch store keeps the same promises: lists, and what is forgotten when."""

import pytest

from tests.contract.batches.world import World, batch_id
from workers.batches.records import (
    BatchPlace,
    BatchState,
    NewBatch,
)
from workers.contract import AnalyzeOptions
from workers.errors import (
    BatchExpired,
    BatchNotEnded,
    BatchNotFound,
)

NEW = NewBatch(
    id=batch_id(77),
    options=AnalyzeOptions(analyses=("recognition",), max_faces=3),
    owner="ada",
    tags=("holiday", "été"),
    fingerprint="f1",
    webhook_url="https://example.org/told",
    keep_photos=True,
    intake="receiving",
)


def test_a_list_holds_an_owner_s_own_batches_latest_first(it: World) -> None:
    mine = []
    for _ in range(3):
        mine.append(it.batch(owner="ada"))
        it.advance(1)
    it.batch(owner="bob")

    page = it.batches.list("ada", limit=2)
    rest = it.batches.list("ada", limit=2, after=page.after)

    assert [batch.id for batch in page.batches] == [mine[2], mine[1]]
    assert [batch.id for batch in rest.batches] == [mine[0]]
    assert rest.after is None
    assert page.batches[0] == it.batches.get(mine[2])


def test_a_list_goes_on_among_batches_of_one_moment(it: World) -> None:
    made = {it.batch() for _ in range(5)}
    found: list[str] = []
    after: BatchPlace | None = None
    while True:
        page = it.batches.list("ada", limit=2, after=after)
        found += [batch.id for batch in page.batches]
        after = page.after
        if after is None:
            break

    assert (len(found), set(found)) == (5, made)


def test_a_list_may_be_of_one_state_or_one_tag(it: World) -> None:
    it.batches.create(NEW)
    ended = it.batch(closed=True)
    it.batch("open")

    assert [b.id for b in it.batches.list("ada", limit=9, tag="été").batches] == [NEW.id]
    assert [b.id for b in it.batches.list("ada", limit=9, state=BatchState.SUCCEEDED).batches] == [
        ended
    ]
    assert not it.batches.list("ada", limit=9, tag="holi").batches


def test_an_unknown_batch_is_told_by_every_call(it: World) -> None:
    unknown = batch_id(4711)
    for call in (
        lambda: it.batches.get(unknown),
        lambda: it.batches.close(unknown),
        lambda: it.batches.note_intake(unknown, ""),
        lambda: it.batches.cancel(unknown),
        lambda: it.batches.items(unknown),
        lambda: it.add(unknown, "a"),
        lambda: it.batches.retry_failed(unknown),
        lambda: it.batches.delete(unknown),
    ):
        with pytest.raises(BatchNotFound) as error:
            call()
        assert not isinstance(error.value, BatchExpired)
    assert not it.batches.keeps_blobs(unknown)
    assert it.chunks.hunger(unknown) is None


def test_a_batch_expires_whole_and_is_known_as_expired_for_a_while(it: World) -> None:
    batch = it.batch("a", closed=True)
    claim = it.taken(batch)
    it.succeed(claim, 1)
    assert it.final(batch).expires_ms == (it.final(batch).finished_ms or 0) + 3_600_000

    it.advance(3601)

    with pytest.raises(BatchExpired) as expired:
        it.batches.get(batch)
    assert expired.value.owner == "ada"
    with pytest.raises(BatchExpired):
        it.batches.create(NewBatch(id=batch, options=AnalyzeOptions(), owner="ada"))
    assert not it.batches.list("ada", limit=9).batches
    assert not list(it.client.scan_iter(f"*batch:{batch}*"))
    it.advance(7201)
    with pytest.raises(BatchNotFound) as gone:
        it.batches.get(batch)
    assert not isinstance(gone.value, BatchExpired)


def test_deleting_leaves_no_trace_but_that_there_was_one(it: World) -> None:
    batch = it.batch("a", closed=True)
    claim = it.taken(batch)
    with pytest.raises(BatchNotEnded):
        it.batches.delete(batch)
    it.succeed(claim, 1)

    it.batches.delete(batch)
    it.finish(claim)

    with pytest.raises(BatchExpired) as gone:
        it.batches.get(batch)
    assert gone.value.owner == "ada"
    assert not list(it.client.scan_iter(f"*batch:{batch}*"))
    assert not it.batches.list("ada", limit=9).batches
    assert not it.chunks.tend(10)


def test_photos_are_kept_while_they_may_be_needed(it: World) -> None:
    batch = it.batch("a", closed=True)
    claim = it.taken(batch)
    assert it.batches.keeps_blobs(batch)
    it.fail(claim, 1)
    assert it.batches.keeps_blobs(batch)

    it.advance(601)
    assert not it.batches.keeps_blobs(batch)

    cancelled = it.batch("a")
    it.batches.cancel(cancelled)
    assert not it.batches.keeps_blobs(cancelled)
