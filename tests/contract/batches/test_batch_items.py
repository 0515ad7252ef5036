"""Every batch store keeps the same promises: batches and their items, as the gateway sees them."""

import json

import pytest

from tests.contract.batches.world import World, batch_id, broken, photo
from workers.batches.records import (
    BatchCounts,
    BatchState,
    ItemEnd,
    ItemState,
    NewBatch,
)
from workers.contract import AnalyzeOptions
from workers.errors import (
    BatchClosed,
    BatchFull,
    IdempotencyConflict,
    ItemConflict,
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


def test_a_batch_is_read_as_it_was_made(it: World) -> None:
    created = it.batches.create(NEW)

    assert created.is_new
    assert created.batch == it.batches.get(NEW.id)
    batch = created.batch
    assert batch.state is BatchState.OPEN
    assert (batch.options, batch.owner, batch.tags) == (NEW.options, "ada", ("holiday", "été"))
    assert (batch.fingerprint, batch.webhook_url) == ("f1", "https://example.org/told")
    assert (batch.keep_photos, batch.intake) == (True, "receiving")
    assert batch.counts == BatchCounts()
    assert (batch.closed_ms, batch.finished_ms, batch.expires_ms, batch.eta_ms) == (None,) * 4


def test_making_a_batch_again_changes_nothing(it: World) -> None:
    first = it.batches.create(NEW).batch
    it.add(NEW.id, "a")

    again = it.batches.create(NEW)

    assert not again.is_new
    assert again.batch.counts.total == 1
    assert again.batch.created_ms == first.created_ms


def test_an_id_is_not_given_to_another_request(it: World) -> None:
    it.batches.create(NEW)

    with pytest.raises(IdempotencyConflict):
        it.batches.create(
            NewBatch(id=NEW.id, options=NEW.options, owner="ada", fingerprint="another")
        )


def test_items_are_numbered_in_the_order_they_come(it: World) -> None:
    batch = it.batch()

    assert it.add(batch, "a", "b") == [1, 2]
    assert it.add(batch, "c") == [3]
    assert [item.custom_id for item in it.batches.items(batch).items] == ["a", "b", "c"]


def test_an_item_added_again_changes_nothing(it: World) -> None:
    batch = it.batch("a", "b")

    again = it.batches.add_items(batch, [photo(batch, "b"), photo(batch, "c"), photo(batch, "c")])

    assert [(one.number, one.is_new) for one in again] == [(2, False), (3, True), (3, False)]
    assert it.batches.get(batch).counts.total == 3


def test_another_photo_for_an_item_that_is_there_is_refused_with_all_of_its_call(
    it: World,
) -> None:
    batch = it.batch("a", "b")

    with pytest.raises(ItemConflict) as refused:
        it.batches.add_items(
            batch,
            [
                photo(batch, "new"),
                photo(batch, "b", "another"),
                photo(batch, "twice"),
                photo(batch, "twice", "another"),
            ],
        )

    assert refused.value.custom_ids == ("b", "twice")
    assert it.batches.get(batch).counts.total == 2


def test_a_photo_refused_at_intake_is_a_failed_item(it: World) -> None:
    batch = it.batch("a")

    it.batches.add_items(batch, [broken("b")])
    [added] = it.batches.add_items(batch, [broken("b")])

    assert (added.number, added.is_new) == (2, False)
    item = it.batches.items(batch).items[1]
    assert (item.state, item.blob_key, item.tries) == (ItemState.FAILED, "", 0)
    assert item.error == broken("b").error
    assert it.batches.get(batch).counts == BatchCounts(total=2, pending=1, failed=1)


def test_a_closed_batch_takes_no_new_items_and_knows_its_old_ones(it: World) -> None:
    batch = it.batch("a", closed=True)

    with pytest.raises(BatchClosed):
        it.add(batch, "b")
    assert it.add(batch, "a") == [1]
    assert it.batches.get(batch).state is BatchState.RUNNING


def test_a_batch_has_no_more_items_than_it_may(it: World) -> None:
    batch = it.batch(*(f"{number}" for number in range(99)))

    with pytest.raises(BatchFull) as full:
        it.add(batch, "x", "y")
    assert full.value.limit == 100
    assert it.add(batch, "x") == [100]


def test_an_empty_batch_ends_when_it_is_closed(it: World) -> None:
    batch = it.batch()

    closed = it.batches.close(batch)

    assert closed.state is BatchState.SUCCEEDED
    assert closed == it.batches.close(batch)


def test_a_batch_of_refused_photos_only_has_failed(it: World) -> None:
    batch = it.batch()
    it.batches.add_items(batch, [broken("a"), broken("b")])

    assert it.batches.close(batch).state is BatchState.FAILED


def test_a_batch_nothing_was_added_to_for_long_is_closed(it: World) -> None:
    batch = it.batch("a")
    it.advance(3500)
    it.add(batch, "b")
    it.advance(3500)
    it.chunks.tend(10)
    assert it.batches.get(batch).state is BatchState.OPEN

    it.advance(200)
    it.chunks.tend(10)

    assert it.batches.get(batch).state is BatchState.RUNNING


def test_what_is_noted_of_its_intake_is_a_change(it: World) -> None:
    before = it.batches.create(NEW).batch

    it.batches.note_intake(NEW.id, "")
    it.batches.note_intake(NEW.id, "")

    noted = it.batches.get(NEW.id)
    assert (noted.intake, noted.version) == ("", before.version + 1)


def test_pages_of_items_go_on_where_the_last_one_ended(it: World) -> None:
    batch = it.batch(*"abcdefg")
    it.batches.add_items(batch, [broken("x")])

    first = it.batches.items(batch, limit=5)
    second = it.batches.items(batch, after=first.after or 0, limit=5)

    assert [item.number for item in first.items] == [1, 2, 3, 4, 5]
    assert [item.number for item in second.items] == [6, 7, 8]
    assert second.after is None
    exact = it.batches.items(batch, limit=8)
    assert exact.after is None


def test_a_page_may_hold_items_of_one_state_only(it: World) -> None:
    batch = it.batch(*"abcdef")
    claim = it.taken(batch, items=4)
    it.succeed(claim, 2, 4)
    it.fail(claim, 3)
    it.batches.add_items(batch, [broken("x")])

    found = {
        state: [item.number for item in it.batches.items(batch, state=state).items]
        for state in ItemState
    }

    assert found == {
        ItemState.PENDING: [5, 6],
        ItemState.RUNNING: [1],
        ItemState.SUCCEEDED: [2, 4],
        ItemState.FAILED: [3, 7],
        ItemState.CANCELLED: [],
    }
    page = it.batches.items(batch, limit=1, state=ItemState.FAILED)
    assert page.after == 3
    assert it.batches.items(batch, after=3, state=ItemState.FAILED).items[0].number == 7


def test_answers_come_back_as_they_were_written(it: World) -> None:
    batch = it.batch("a", closed=True)
    claim = it.taken(batch)
    text = json.dumps({"faces": [{"name": "Zoë", "x": number} for number in range(50)]})
    it.chunks.end_items(claim, [ItemEnd(number=1, result_json=text)], busy_ms=1)

    assert it.batches.items(batch).items[0].result_json == text
