"""Every store keeps the same promises about audit, certificates and what is left to do."""

import pytest

from tests.contract.identities.gallery import (
    NOTED,
    RESULTS_MS,
    Gallery,
    event,
    face_id,
    old_copy,
    put_back,
)
from workers.identities.errors import CertificateNotFound, CollectionNotFound, PersonNotFound
from workers.identities.records import NewPerson
from workers.identities.trace_records import Certificate


def test_events_are_told_the_latest_first(it: Gallery) -> None:
    uid = it.collection().uid
    for number in range(4):
        it.stores.forgetting.audit(uid, event("identified", at=f"{number}"))

    first = it.stores.forgetting.audited(uid, limit=3)
    second = it.stores.forgetting.audited(uid, limit=3, before=first.after)

    told = [one.event.detail.get("at") for one in (*first.items, *second.items)]
    assert told == ["3", "2", "1", "0", None]
    assert second.after is None
    assert first.items[0].event == event("identified", at="3")
    assert it.stores.forgetting.audited(uid, limit=5).after is None
    for before in ("none of ours", "0-0", "\N{ARABIC-INDIC DIGIT ONE}-1"):
        assert it.stores.forgetting.audited(uid, limit=5, before=before).items == ()


def test_a_deleted_collections_events_can_still_be_read(it: Gallery) -> None:
    uid = it.collection().uid

    it.stores.collections.delete(uid, audit=event("collection.deleted"))

    actions = [one.event.action for one in it.stores.forgetting.audited(uid, limit=10).items]
    assert actions == ["collection.deleted", "collection.created"]
    with pytest.raises(CollectionNotFound):
        it.stores.forgetting.audited("col_" + 32 * "9", limit=1)


def test_certificates_are_their_owners(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe")
    made = it.stores.persons.delete(uid, "zoe", audit=NOTED)

    assert it.stores.forgetting.certificate("ada", made.id) == made
    for owner, id_ in (("bob", made.id), ("ada", "deletion_none")):
        with pytest.raises(CertificateNotFound):
            it.stores.forgetting.certificate(owner, id_)
    assert made == Certificate(
        id=made.id,
        owner="ada",
        collection_uid=uid,
        collection_id="album",
        person_id="zoe",
        faces=1,
        deleted_ms=it.clock[0],
        version=2,
        keys_destroyed_ms=None,
        workers_cleared_ms=None,
        results_expire_ms=it.clock[0] + RESULTS_MS,
        results_sealed_ms=0,
    )


def test_certificates_are_listed_the_latest_first(it: Gallery) -> None:
    uid = it.collection().uid
    people = ["a", "b", "c", "d", "e"]
    it.known(uid, *people)
    for person_id in people:
        it.advance(1)
        it.stores.persons.delete(uid, person_id, audit=NOTED)

    first = it.stores.forgetting.certificates("ada", limit=3)
    second = it.stores.forgetting.certificates("ada", limit=3, after=first.after)

    assert [one.person_id for one in (*first.items, *second.items)] == people[::-1]
    assert second.after is None
    assert it.stores.forgetting.certificates("bob", limit=3).items == ()
    assert it.stores.forgetting.certificates("ada", limit=3, after="none of ours").items == ()


def test_a_certificate_waits_for_the_keys_of_all_that_was_deleted(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan")
    snapshot = it.stores.log.take_leaf(uid)
    first = it.stores.persons.delete(uid, "zoe", audit=NOTED)
    second = it.stores.persons.delete(uid, "yan", audit=NOTED)
    store = it.stores.forgetting
    leaves = store.doomed(limit=100)[uid]
    assert leaves is not None
    assert snapshot in leaves
    it.advance(3)

    store.destroyed(uid, [leaf for leaf in leaves if leaf != snapshot], keys_version=1)
    assert store.certificate("ada", first.id).keys_destroyed_ms is None
    assert store.certificate("ada", second.id).keys_destroyed_ms is None
    assert store.doomed(limit=100) == {uid: [snapshot]}

    store.destroyed(uid, [snapshot], keys_version=2)
    for _ in range(2):
        store.destroyed(uid, leaves, keys_version=1)
    assert store.certificate("ada", first.id).keys_destroyed_ms == it.clock[0]
    assert store.certificate("ada", second.id).keys_destroyed_ms == it.clock[0]
    assert store.doomed(limit=100) == {}
    assert it.stores.collections.by_uid(uid).keys_version == 2


def test_a_later_deletion_keeps_no_earlier_certificate_waiting(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan")
    first = it.stores.persons.delete(uid, "zoe", audit=NOTED)
    leaves = it.stores.forgetting.doomed(limit=100)[uid]
    second = it.stores.persons.delete(uid, "yan", audit=NOTED)

    it.stores.forgetting.destroyed(uid, leaves, keys_version=1)

    assert it.stores.forgetting.certificate("ada", first.id).keys_destroyed_ms == it.clock[0]
    assert it.stores.forgetting.certificate("ada", second.id).keys_destroyed_ms is None


def test_doomed_keys_are_told_as_many_as_asked_for(it: Gallery) -> None:
    uid = it.collection().uid
    people = [f"p{number}" for number in range(5)]
    it.known(uid, *people)
    for person_id in people:
        it.stores.persons.delete(uid, person_id, audit=NOTED)

    assert it.stores.forgetting.doomed(limit=3) == {uid: [1, 2, 3]}


def test_all_keys_of_a_deleted_collection_are_doomed(it: Gallery) -> None:
    uid, other = it.collection("a").uid, it.collection("b").uid
    it.known(uid, "zoe")
    it.known(other, "yan")
    person = it.stores.persons.delete(uid, "zoe", audit=NOTED)
    whole = it.stores.collections.delete(uid, audit=NOTED)
    store = it.stores.forgetting
    # Told by one who has read of the leaf before the collection was deleted.
    store.destroyed(uid, [1], keys_version=1)
    assert store.certificate("ada", person.id).keys_destroyed_ms is None

    assert store.doomed(limit=10) == {uid: None}
    it.destroy_keys()

    for certificate in (person, whole):
        assert store.certificate("ada", certificate.id).keys_destroyed_ms == it.clock[0]
    assert store.doomed(limit=10) == {}
    assert it.everybody(other) == ["yan"]


def test_a_certificate_waits_for_every_process_that_follows(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe")
    log, store = it.stores.log, it.stores.forgetting
    for process, seconds in (("a", 60), ("b", 60), ("c", 10)):
        log.followed(uid, process, 1, ttl_seconds=seconds)
    made = it.stores.persons.delete(uid, "zoe", audit=NOTED)
    log.followed(uid, "new", 2, ttl_seconds=60)

    def is_cleared() -> bool:
        waiting = store.reconcile(limit=10)
        cleared_ms = store.certificate("ada", made.id).workers_cleared_ms
        assert (cleared_ms is None) == (waiting == 1)
        return cleared_ms is not None

    assert not is_cleared()
    log.followed(uid, "a", 2, ttl_seconds=60)
    assert not is_cleared()
    log.followed(uid, "b", -1, ttl_seconds=60)
    assert not is_cleared()
    it.advance(11)  # c is silent
    assert is_cleared()
    assert store.certificate("ada", made.id).workers_cleared_ms == it.clock[0]


def test_only_who_holds_nothing_has_forgotten_a_collection(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe")
    it.stores.log.followed(uid, "a", 1, ttl_seconds=60)
    made = it.stores.collections.delete(uid, audit=NOTED)
    assert it.stores.forgetting.reconcile(limit=10) == 1

    it.stores.log.followed(uid, "a", -1, ttl_seconds=60)

    assert it.stores.forgetting.reconcile(limit=10) == 0
    assert it.stores.forgetting.certificate("ada", made.id).workers_cleared_ms


def test_a_certificate_that_waits_long_keeps_no_other_waiting(it: Gallery) -> None:
    slow, quick = it.collection("slow").uid, it.collection("quick").uid
    it.known(slow, "zoe")
    it.known(quick, "yan")
    it.stores.log.followed(slow, "stuck", 1, ttl_seconds=600)
    it.stores.persons.delete(slow, "zoe", audit=NOTED)
    it.advance(1)
    it.stores.persons.delete(quick, "yan", audit=NOTED)
    it.advance(1)

    assert it.stores.forgetting.reconcile(limit=1) == 2
    assert it.stores.forgetting.reconcile(limit=1) == 1


def test_what_was_deleted_can_not_be_opened_in_an_old_copy(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan", "xia")
    it.add(uid, "yan", "yan2")
    copy = old_copy(it)
    it.stores.persons.delete(uid, "zoe", audit=NOTED)
    it.stores.persons.delete_face(uid, face_id("yan2"), audit=NOTED)
    it.destroy_keys()

    put_back(it, copy)

    assert set(it.all_vectors(uid)) == {face_id("yan1"), face_id("xia1")}
    assert it.everybody(uid) == ["yan", "xia"]
    assert it.names_of(uid, "yan") == [face_id("yan1")]
    known = [face_id(name) for name in ("zoe1", "yan1", "yan2", "xia1")]
    found = it.stores.persons.resolve(uid, known)
    assert {id_: one.id for id_, one in found.items()} == {
        face_id("yan1"): "yan",
        face_id("xia1"): "xia",
    }
    for asked in (
        it.stores.persons.get,
        it.stores.persons.faces,
        lambda uid, person_id: it.add(uid, person_id, "new"),
    ):
        with pytest.raises(PersonNotFound):
            asked(uid, "zoe")
    # And the store can be used: destroyed leaves are passed over, places of the forgotten taken.
    it.known(uid, "zoe", "new")
    assert it.add(uid, "yan", "yan1", "yan2", "yan3").outcomes == ("known", "added", "added")
    assert it.everybody(uid) == ["yan", "xia", "zoe", "new"]
    assert it.names_of(uid, "zoe") == [face_id("zoe1")]


def test_a_merged_persons_old_name_is_forgotten_with_the_other_person(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan", "xia")
    copy = old_copy(it)
    it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)
    it.destroy_keys()
    put_back(it, copy)
    assert it.everybody(uid) == ["zoe", "yan", "xia"]
    it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)
    it.stores.persons.delete(uid, "zoe", audit=NOTED)
    it.destroy_keys()

    put_back(it, copy)

    assert it.everybody(uid) == ["xia"]
    assert set(it.all_vectors(uid)) == {face_id("xia1")}


def test_the_place_of_somebody_forgotten_can_be_taken_by_their_external_id(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe", external_id="hr-7")
    it.person(uid, "yan")
    copy = old_copy(it)
    it.stores.persons.delete(uid, "zoe", audit=NOTED)
    it.destroy_keys()
    put_back(it, copy)

    new = NewPerson(id="yan", external_id="hr-7")
    changed = it.stores.persons.change(uid, new, revision=None, audit=NOTED)

    assert it.stores.persons.by_external_id(uid, "hr-7") == changed
