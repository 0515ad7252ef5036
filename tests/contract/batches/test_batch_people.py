"""Every batch store keeps the same promises: batches that enrol people."""

import dataclasses

import pytest

from tests.contract.batches.world import LASTING, World, batch_id, photo
from workers.batches.records import Item, ItemEnd, ItemState, NewBatch, NewItem
from workers.errors import BatchClosed, BatchExpired, BatchNotFound, ItemConflict
from workers.jobs.options import ChunkOptions, EnrollOptions

OPTIONS = EnrollOptions(collection=f"col_{1:032x}", person="", face="largest", require=("live",))
FOUND = '{"similarity": 0.5}'


@pytest.fixture
def batch(it: World) -> str:
    made = NewBatch(id=batch_id(77), options=OPTIONS, owner="ada")
    return it.batches.create(made).batch.id


def test_what_is_asked_of_faces_is_read_as_it_was_stored(it: World, batch: str) -> None:
    it.batches.add_items(batch, [of(batch, "a.jpg", "anna")])

    assert it.batches.get(batch).options == OPTIONS
    hungry = it.chunks.hunger(batch)
    assert hungry is not None
    assert hungry.options == OPTIONS
    options = it.taken(batch).job.options
    assert isinstance(options, ChunkOptions)
    assert options.options == OPTIONS


def test_a_worker_is_told_whom_an_item_shows(it: World, batch: str) -> None:
    it.batches.add_items(batch, [of(batch, "a.jpg", "anna")])

    [taken] = it.chunks.unfinished(it.taken(batch))

    assert (taken.custom_id, taken.subject, taken.sha256) == ("a.jpg", "anna", "a photo")
    assert it.batches.items(batch).items[0].subject == "anna"


def test_a_worker_is_told_which_person_of_that_id_is_meant(it: World, batch: str) -> None:
    it.batches.add_items(batch, [of(batch, "a.jpg", "anna", leaf=7), of(batch, "b.jpg", "anna")])
    # Sent again when she was deleted and made anew: what waits is not hers.
    again = [of(batch, "a.jpg", "anna", leaf=9), of(batch, "c.jpg", "anna", leaf=9)]

    added = it.batches.add_items(batch, again)

    assert [one.is_new for one in added] == [False, True]
    taken = it.chunks.unfinished(it.taken(batch))
    assert [(one.custom_id, one.leaf) for one in taken] == [
        ("a.jpg", 7),
        ("b.jpg", None),
        ("c.jpg", 9),
    ]


def test_the_same_photo_of_somebody_else_is_another_item(it: World, batch: str) -> None:
    it.batches.add_items(batch, [of(batch, "a.jpg", "anna")])
    it.batches.add_items(batch, [of(batch, "a.jpg", "anna")])

    with pytest.raises(ItemConflict) as raised:
        it.batches.add_items(batch, [of(batch, "a.jpg", "ben")])

    assert raised.value.custom_ids == ("a.jpg",)
    assert it.batches.items(batch).items[0].subject == "anna"


def test_a_failed_item_keeps_what_was_found_out(it: World, batch: str) -> None:
    it.batches.add_items(batch, [of(batch, name, "anna") for name in ("a.jpg", "b.jpg")])
    claim = it.taken(batch)
    ends = [
        ItemEnd(number=1, error=LASTING, result_json=FOUND),
        ItemEnd(number=2, result_json=FOUND),
    ]

    it.chunks.end_items(claim, ends, busy_ms=1)

    first, second = it.batches.items(batch).items
    assert outcome(first) == (ItemState.FAILED, LASTING, FOUND)
    assert outcome(second) == (ItemState.SUCCEEDED, None, FOUND)
    it.batches.retry_failed(batch)
    assert outcome(it.batches.items(batch).items[0]) == (ItemState.PENDING, None, None)


def test_a_person_stays_as_noted(it: World, batch: str) -> None:
    it.batches.note_people(batch, {"anna": True, "ben": False})
    it.batches.note_people(batch, {"anna": False, "carl": True})

    assert it.batches.people(batch) == {"anna": True, "ben": False, "carl": True}


def test_a_batch_without_people_has_none(it: World, batch: str) -> None:
    assert it.batches.people(batch) == {}


def test_nobody_is_noted_for_a_batch_that_is_closed_or_gone(it: World, batch: str) -> None:
    it.batches.note_people(batch, {"anna": True})
    it.batches.close(batch)

    with pytest.raises(BatchClosed):
        it.batches.note_people(batch, {"ben": True})

    assert it.batches.people(batch) == {"anna": True}
    it.batches.delete(batch)
    for call in (it.batches.people, lambda id_: it.batches.note_people(id_, {"ben": True})):
        with pytest.raises(BatchExpired):
            call(batch)
        with pytest.raises(BatchNotFound):
            call(batch_id(78))


def test_who_was_noted_is_forgotten_with_the_batch(it: World, batch: str) -> None:
    it.batches.note_people(batch, {"anna": True})
    it.batches.add_items(batch, [of(batch, "a.jpg", "anna", leaf=7)])
    it.batches.close(batch)
    it.batches.cancel(batch)

    for part in ("people", "leaves"):
        left_ms = it.client.pttl(f"fs:{{jobs}}:batch:{batch}:{part}")
        assert 0 < left_ms <= 3600_000


def of(batch: str, name: str, person: str, *, leaf: int | None = None) -> NewItem:
    return dataclasses.replace(photo(batch, name), subject=person, leaf=leaf)


def outcome(item: Item) -> tuple[object, object, object]:
    return item.state, item.error, item.result_json
