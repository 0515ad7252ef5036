"""Every log of a collection's faces keeps the same promises."""

import pytest

from tests.contract.identities.gallery import (
    CONTRACT,
    NOTED,
    Gallery,
    face_id,
    old_copy,
    put_back,
    vector,
)
from workers.errors import StoreUnavailable
from workers.identities.errors import CollectionNotFound, KeyDestroyed
from workers.identities.log_records import LogPlace
from workers.identities.records import CollectionSettings

START = LogPlace()


def test_the_head_of_an_empty_collection_is_the_start(it: Gallery) -> None:
    uid = it.collection().uid

    head = it.stores.log.head(uid)

    assert (head.place, head.generation, head.contract, head.faces) == (START, 1, None, 0)
    assert it.stores.log.changes(uid, START) == []


def test_changes_are_told_in_their_order(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe")
    it.person(uid, "yan")
    it.add(uid, "zoe", "a", "b")
    it.add(uid, "yan", "c")
    it.stores.persons.delete_face(uid, face_id("a"), audit=NOTED)
    it.stores.persons.merge(uid, into="yan", person_id="zoe", audit=NOTED)
    it.stores.persons.delete(uid, "yan", audit=NOTED)

    changes = it.stores.log.changes(uid, START)

    assert changes is not None
    assert [(one.kind, one.person_id, set(one.face_ids)) for one in changes] == [
        ("added", "zoe", {face_id("a"), face_id("b")}),
        ("added", "yan", {face_id("c")}),
        ("removed", "zoe", {face_id("a")}),
        ("moved", "yan", {face_id("b")}),
        ("removed", "yan", {face_id("b"), face_id("c")}),
    ]
    assert [one.place.version for one in changes] == [1, 2, 3, 4, 5]
    head = it.stores.log.head(uid)
    assert (head.place, head.contract, head.faces) == (changes[-1].place, CONTRACT, 0)


def test_a_reader_goes_on_where_it_was(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "a", "b", "c")

    first = it.stores.log.changes(uid, START, limit=1)
    assert first
    rest = it.stores.log.changes(uid, first[-1].place)

    assert [one.place.version for one in (*first, *(rest or ()))] == [1, 2, 3]
    assert it.stores.log.changes(uid, it.stores.log.head(uid).place) == []
    assert len(it.stores.log.changes(uid, first[-1].place, limit=1) or ()) == 1


def test_a_place_of_another_log_is_not_in_this_one(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "a", "b")
    head = it.stores.log.head(uid).place

    for place in (
        LogPlace(version=head.version, mark="another"),
        LogPlace(version=head.version + 5, mark=head.mark),
        LogPlace(version=0, mark=head.mark),
    ):
        assert it.stores.log.changes(uid, place) is None


def test_a_place_that_was_trimmed_is_not_in_the_log(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(most_faces_per_person=1000)).uid
    it.person(uid, "zoe")
    it.add(uid, "zoe", "first")
    place = it.stores.log.head(uid).place
    for number in range(300):
        it.add(uid, "zoe", f"{number}")

    assert it.stores.log.changes(uid, START) is None
    assert it.stores.log.changes(uid, place) is None
    head = it.stores.log.head(uid).place
    assert it.stores.log.changes(uid, head) == []


def test_a_log_put_back_from_an_old_copy_is_told_by_its_marks(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "a")
    copy = old_copy(it)
    it.known(uid, "b")
    followed = it.stores.log.head(uid).place
    put_back(it, copy)
    assert it.stores.log.changes(uid, followed) is None
    it.known(uid, "c")

    assert it.stores.log.head(uid).place.version == followed.version
    assert it.stores.log.changes(uid, followed) is None


def test_a_scan_has_every_vector(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(most_faces_per_person=1000)).uid
    names = [f"{number}" for number in range(700)]
    it.person(uid, "zoe")
    it.add(uid, "zoe", *names[:600])
    it.person(uid, "yan")
    it.add(uid, "yan", *names[600:])

    found = it.all_vectors(uid)

    assert {id_: (one.person_id, one.vector) for id_, one in found.items()} == {
        face_id(name): ("zoe" if place < 600 else "yan", vector(name))
        for place, name in enumerate(names)
    }


def test_a_removal_takes_all_snapshots_with_it(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan")
    first, second = it.stores.log.take_leaf(uid), it.stores.log.take_leaf(uid)
    assert it.stores.log.snapshot_leaves(uid) == {first, second}
    it.add(uid, "zoe", "zoe2")
    it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)
    assert it.stores.log.snapshot_leaves(uid) == {first, second}

    it.stores.persons.delete_face(uid, face_id("zoe1"), audit=NOTED)

    assert it.stores.log.snapshot_leaves(uid) == set()
    doomed = it.stores.forgetting.doomed(limit=100)[uid]
    assert doomed is not None
    assert {first, second} < set(doomed)
    third = it.stores.log.take_leaf(uid)
    it.destroy_keys()
    with pytest.raises(KeyDestroyed):
        it.seals.seal(uid, first, b"", purpose="snapshot")
    assert it.seals.seal(uid, third, b"", purpose="snapshot")


def test_a_place_among_the_faces_means_nothing_to_a_server_that_took_the_place_of_another(
    it: Gallery,
) -> None:
    uid = it.collection().uid
    for person in ("ann", "ben", "cleo"):
        it.person(uid, person)
        it.add(uid, person, *(f"{person} {number}" for number in range(60)))
    page = it.stores.log.scan(uid, limit=10)
    assert page.cursor
    # A server forgets them when it is restarted; one that takes its place never had them.
    it.client.script_flush()

    with pytest.raises(StoreUnavailable, match="restarted"):
        it.stores.log.scan(uid, cursor=page.cursor, limit=10)

    assert len(it.all_vectors(uid)) == 180
    with pytest.raises(StoreUnavailable, match="restarted"):
        it.stores.log.scan(uid, cursor=page.cursor, limit=10)


def test_leaves_are_given_out_once(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, *(f"p{number}" for number in range(5)))

    leaves = [it.stores.log.take_leaf(uid) for _ in range(3)]

    assert leaves == [11, 12, 13]


def test_nobody_follows_what_is_gone_and_may_say_so(it: Gallery) -> None:
    uid = it.collection().uid
    it.stores.collections.delete(uid, audit=NOTED)

    it.stores.log.followed(uid, "host:1", -1, ttl_seconds=5)

    with pytest.raises(CollectionNotFound):
        it.stores.log.changes(uid, START)
