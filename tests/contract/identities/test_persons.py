"""Every store of persons keeps the same promises: persons themselves."""

import pytest

from tests.contract.identities.gallery import CONSENT, NOTED, Gallery, event, face_id
from workers.identities.errors import (
    ExternalIdTaken,
    PersonExists,
    PersonNotFound,
    RevisionMismatch,
    TooManyPersons,
)
from workers.identities.records import CollectionSettings, NewPerson

ZOE = NewPerson(
    id="zoe",
    name="Zoë Ωmega",
    external_id="hr-7",
    metadata={"floor": 3, "part-time": True, "note": None, "share": 0.5, "team": "rot"},
    consent=CONSENT,
)


def test_a_person_is_read_as_they_were_made(it: Gallery) -> None:
    uid = it.collection().uid

    made, is_new = it.stores.persons.put(uid, ZOE, audit=NOTED)

    assert is_new
    assert (
        made == it.stores.persons.get(uid, "zoe") == it.stores.persons.by_external_id(uid, "hr-7")
    )
    assert (made.name, made.external_id, made.metadata) == (ZOE.name, "hr-7", ZOE.metadata)
    assert (made.consent, made.faces, made.enrolled_ms) == (CONSENT, 0, None)
    assert (made.revision, made.created_ms, made.updated_ms) == (1, it.clock[0], it.clock[0])
    assert it.stores.collections.by_uid(uid).persons == 1


def test_nothing_of_a_person_but_id_and_counts_lies_in_the_open(it: Gallery) -> None:
    uid = it.collection().uid
    it.stores.persons.put(uid, ZOE, audit=NOTED)
    it.add(uid, "zoe", "holiday.jpg")

    stored = b"".join(it.client.dump(key) or b"" for key in it.client.scan_iter("*"))

    assert b"zoe" in stored
    for secret in (ZOE.name, "hr-7", "part-time", "the album", "holiday.jpg"):
        assert secret.encode() not in stored


def test_making_a_person_again_gives_the_one_who_is_there(it: Gallery) -> None:
    uid = it.collection().uid
    made, _ = it.stores.persons.put(uid, ZOE, audit=NOTED)

    again, is_new = it.stores.persons.put(uid, ZOE, audit=NOTED)

    assert (again, is_new) == (made, False)


def test_an_id_is_not_given_to_another_person(it: Gallery) -> None:
    uid = it.collection().uid
    it.stores.persons.put(uid, ZOE, audit=NOTED)

    with pytest.raises(PersonExists):
        it.person(uid, "zoe", name="Another")


def test_an_external_id_is_one_persons(it: Gallery) -> None:
    uid = it.collection().uid
    it.stores.persons.put(uid, ZOE, audit=NOTED)
    it.person(uid, "yan")

    with pytest.raises(ExternalIdTaken):
        it.person(uid, "xia", external_id="hr-7")
    with pytest.raises(ExternalIdTaken):
        it.stores.persons.change(
            uid, NewPerson(id="yan", external_id="hr-7"), revision=None, audit=NOTED
        )
    with pytest.raises(PersonNotFound):
        it.stores.persons.get(uid, "xia")


def test_a_collection_has_no_more_persons_than_it_may(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(most_persons=2)).uid
    it.known(uid, "a", "b")

    with pytest.raises(TooManyPersons):
        it.person(uid, "c")
    assert it.person(uid, "b").id == "b"


def test_collections_do_not_share_persons(it: Gallery) -> None:
    one, other = it.collection("one").uid, it.collection("other").uid
    it.stores.persons.put(one, ZOE, audit=NOTED)
    it.add(one, "zoe", "a")

    it.person(other, "zoe", name="Another")

    assert it.stores.persons.get(one, "zoe").name == ZOE.name
    assert it.stores.persons.resolve(other, [face_id("a")]) == {}
    with pytest.raises(PersonNotFound):
        it.stores.persons.by_external_id(other, "hr-7")


def test_persons_are_listed_in_the_order_they_were_made(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "e", "a", "d", "b", "c")
    it.stores.persons.delete(uid, "d", audit=NOTED)
    it.known(uid, "d")

    assert it.everybody(uid) == ["e", "a", "b", "c", "d"]
    assert it.stores.persons.list(uid, limit=5).after is None
    assert it.stores.persons.list(uid, limit=5, after="none of ours").items == ()


def test_a_person_is_changed_only_by_who_knows_the_present_data(it: Gallery) -> None:
    uid = it.collection().uid
    it.stores.persons.put(uid, ZOE, audit=NOTED)
    new = NewPerson(id="zoe", name="Zoe")
    it.advance(1)

    changed = it.stores.persons.change(uid, new, revision=1, audit=NOTED)

    assert (changed.name, changed.external_id, changed.consent) == ("Zoe", "", None)
    assert (changed.revision, changed.updated_ms) == (2, it.clock[0])
    assert changed.created_ms == it.clock[0] - 1000
    assert it.stores.persons.change(uid, new, revision=1, audit=NOTED) == changed
    with pytest.raises(RevisionMismatch):
        it.stores.persons.change(uid, ZOE, revision=1, audit=NOTED)
    with pytest.raises(PersonNotFound):
        it.stores.persons.by_external_id(uid, "hr-7")
    it.person(uid, "yan", external_id="hr-7")
    with pytest.raises(PersonNotFound):
        it.stores.persons.change(uid, NewPerson(id="nobody"), revision=None, audit=NOTED)


def test_adding_a_face_changes_a_person(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe")
    it.advance(5)
    it.add(uid, "zoe", "a", "b")

    person = it.stores.persons.get(uid, "zoe")

    assert (person.faces, person.revision, person.enrolled_ms) == (2, 2, it.clock[0])


def test_merged_faces_belong_to_the_other_person(it: Gallery) -> None:
    uid = it.collection().uid
    it.stores.persons.put(uid, ZOE, audit=NOTED)
    it.add(uid, "zoe", "a")
    it.advance(1)
    it.person(uid, "yan", name="Yan", external_id="hr-8")
    it.add(uid, "yan", "b", "c")

    merged = it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)

    assert (merged.id, merged.name, merged.faces) == ("zoe", ZOE.name, 3)
    assert merged.enrolled_ms == it.clock[0]
    assert it.names_of(uid, "zoe") == [face_id(name) for name in "abc"]
    assert {one.person_id for one in it.all_vectors(uid).values()} == {"zoe"}
    with pytest.raises(PersonNotFound):
        it.stores.persons.get(uid, "yan")
    with pytest.raises(PersonNotFound):
        it.stores.persons.by_external_id(uid, "hr-8")


def test_merging_again_changes_nothing(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan", "xia")
    merged = it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)
    version = it.stores.log.head(uid).place

    assert it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED) == merged
    assert it.stores.persons.merge(uid, into="zoe", person_id="zoe", audit=NOTED) == merged
    assert it.stores.log.head(uid).place == version
    for into, person_id in (("xia", "yan"), ("zoe", "nobody"), ("nobody", "zoe")):
        with pytest.raises(PersonNotFound):
            it.stores.persons.merge(uid, into=into, person_id=person_id, audit=NOTED)


def test_a_merged_person_has_no_more_faces_than_they_may(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(most_faces_per_person=3)).uid
    it.person(uid, "zoe")
    it.person(uid, "yan")
    for person_id, name in (("zoe", "a"), ("yan", "b"), ("yan", "c"), ("zoe", "d")):
        it.advance(1)
        it.add(uid, person_id, name)

    it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)

    assert it.names_of(uid, "zoe") == [face_id(name) for name in "bcd"]
    assert set(it.all_vectors(uid)) == {face_id(name) for name in "bcd"}


def test_a_deleted_person_is_gone_at_once(it: Gallery) -> None:
    uid = it.collection().uid
    it.stores.persons.put(uid, ZOE, audit=NOTED)
    it.add(uid, "zoe", "a", "b")
    it.known(uid, "yan")

    certificate = it.stores.persons.delete(uid, "zoe", audit=event("person.deleted"))

    assert (certificate.person_id, certificate.faces, certificate.collection_id) == (
        "zoe",
        2,
        "album",
    )
    assert certificate.version == it.stores.log.head(uid).place.version
    assert it.stores.persons.delete(uid, "zoe", audit=NOTED) == certificate
    assert it.everybody(uid) == ["yan"]
    assert it.stores.persons.resolve(uid, [face_id("a"), face_id("yan1")]).keys() == {
        face_id("yan1")
    }
    assert it.stores.persons.vectors(uid, [face_id("a")]) == ()
    assert set(it.all_vectors(uid)) == {face_id("yan1")}
    for asked in (
        lambda: it.stores.persons.get(uid, "zoe"),
        lambda: it.stores.persons.by_external_id(uid, "hr-7"),
        lambda: it.stores.persons.faces(uid, "zoe"),
        lambda: it.add(uid, "zoe", "c"),
        lambda: it.stores.persons.delete(uid, "nobody", audit=NOTED),
    ):
        with pytest.raises(PersonNotFound):
            asked()


def test_a_person_who_came_back_is_another_one(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan")
    first = it.stores.persons.delete(uid, "zoe", audit=NOTED)
    it.known(uid, "zoe")

    second = it.stores.persons.delete(uid, "zoe", audit=NOTED)

    assert second.id != first.id
    it.known(uid, "zoe")
    it.stores.persons.merge(uid, into="yan", person_id="zoe", audit=NOTED)
    with pytest.raises(PersonNotFound):
        it.stores.persons.delete(uid, "zoe", audit=NOTED)


def test_persons_expire_some_time_after_their_last_face(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(retention_seconds=100)).uid
    kept = it.collection("kept").uid
    it.known(kept, "old")
    it.known(uid, "old", "renewed")
    it.person(uid, "faceless")
    it.advance(60)
    it.add(uid, "renewed", "renewed2")
    assert it.stores.forgetting.expired(limit=10) == ()
    it.advance(41)

    due = it.stores.forgetting.expired(limit=10)

    assert sorted(due) == [(uid, "faceless"), (uid, "old")]
    assert len(it.stores.forgetting.expired(limit=1)) == 1
    assert it.stores.persons.expire(uid, "renewed", audit=NOTED) is None
    assert it.stores.persons.expire(kept, "old", audit=NOTED) is None
    certificate = it.stores.persons.expire(uid, "old", audit=NOTED)
    assert certificate
    assert certificate.person_id == "old"
    assert it.stores.persons.expire(uid, "old", audit=NOTED) is None


def test_a_retention_that_is_lifted_expires_nobody(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(retention_seconds=100)).uid
    it.known(uid, "old")
    it.advance(200)

    it.stores.collections.change(uid, CollectionSettings(), revision=None, audit=NOTED)

    assert it.stores.forgetting.expired(limit=10) == ()
    assert it.stores.persons.expire(uid, "old", audit=NOTED) is None
