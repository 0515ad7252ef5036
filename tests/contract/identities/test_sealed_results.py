"""What the store says of keys under which results seal persons, and of those who can't be read."""

import pytest

from tests.contract.identities.gallery import NOTED, Gallery
from workers.identities.errors import CollectionNotFound


def test_keys_that_are_to_be_destroyed_are_told_until_they_are(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "anna", "zoe")
    anna, zoe = (it.stores.persons.get(uid, one).leaf for one in ("anna", "zoe"))
    forgetting = it.stores.forgetting
    it.stores.persons.delete(uid, "zoe", audit=NOTED)

    assert forgetting.doomed_among(uid, [anna, zoe]) == {zoe}
    assert forgetting.doomed_among(uid, []) == set()
    forgetting.destroyed(uid, [zoe], keys_version=1)

    assert forgetting.doomed_among(uid, [anna, zoe]) == set()
    it.stores.collections.delete(uid, audit=NOTED)
    with pytest.raises(CollectionNotFound):
        forgetting.doomed_among(uid, [anna])


def test_persons_who_could_not_be_read_are_counted_by_why(it: Gallery) -> None:
    forgetting = it.stores.forgetting
    assert forgetting.unreadable() == {}

    forgetting.note_unreadable({"keys_unavailable": 2, "damaged": 1})
    forgetting.note_unreadable({"keys_unavailable": 3})

    assert forgetting.unreadable() == {"keys_unavailable": 5, "damaged": 1}


def test_of_a_collection_older_than_sealed_names_the_first_deletion_says_since_when(
    it: Gallery,
) -> None:
    uid = it.collection().uid
    it.known(uid, "anna", "zoe")
    it.client.hdel(f"fs:{{identities}}:collection:{uid}", "results_sealed_ms")

    first = it.stores.persons.delete(uid, "zoe", audit=NOTED)
    it.advance(60)
    second = it.stores.persons.delete(uid, "anna", audit=NOTED)
    last = it.stores.collections.delete(uid, audit=NOTED)

    since = first.deleted_ms
    assert [one.results_sealed_ms for one in (first, second, last)] == [since] * 3
