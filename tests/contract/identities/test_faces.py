"""Every store of persons keeps the same promises: their faces."""

import pytest

from tests.contract.identities.gallery import (
    CONSENT,
    CONTRACT,
    NOTED,
    OTHER_CONTRACT,
    Gallery,
    event,
    face,
    face_id,
    vector,
)
from workers.identities.errors import (
    ConsentMissing,
    ContractMismatch,
    FaceNotFound,
    PersonNotFound,
)
from workers.identities.records import (
    CollectionSettings,
    Consent,
    Face,
    FaceVector,
    NewFace,
    NewPerson,
)
from workers.identities.seen import Seen
from workers.identities.store import MOST_LISTED


def test_a_face_is_read_as_it_was_added(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe")

    added = it.add(uid, "zoe", "a", "b")

    assert (added.outcomes, added.version) == (("added", "added"), 1)
    read = it.stores.persons.face(uid, face_id("a"))
    assert read == Face(
        id=face_id("a"),
        person_id="zoe",
        quality=0.75,
        source_sha256="a",
        origin="job_1",
        added_by="ada",
        added_ms=it.clock[0],
        image_key="",
        image_secret="",
    )
    assert it.stores.persons.faces(uid, "zoe") == (read, it.stores.persons.face(uid, face_id("b")))
    [found] = it.stores.persons.vectors(uid, [face_id("b"), face_id("none"), "nonsense"])
    assert found == FaceVector(face_id=face_id("b"), person_id="zoe", vector=vector("b"))
    for unknown in (face_id("none"), "nonsense"):
        with pytest.raises(FaceNotFound):
            it.stores.persons.face(uid, unknown)


def test_a_face_without_quality_or_photo_is_kept_as_well(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe")
    imported = [
        NewFace(
            id=face_id(name),
            vector=vector(name),
            quality=None,
            source_sha256="",
            origin="import",
            added_by="ada",
        )
        for name in "ab"
    ]

    added = it.stores.persons.add_faces(uid, "zoe", imported, contract=CONTRACT, audit=NOTED)

    assert added.outcomes == ("added", "added")
    assert it.stores.persons.face(uid, face_id("a")).quality is None


def test_the_first_face_fixes_the_contract(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe")
    it.person(uid, "yan")

    it.add(uid, "zoe", "a")

    made = it.stores.collections.by_uid(uid)
    assert (made.contract, made.faces, made.revision) == (CONTRACT, 1, 2)
    with pytest.raises(ContractMismatch):
        it.add(uid, "yan", "b", contract=OTHER_CONTRACT)
    with pytest.raises(ContractMismatch):
        it.stores.persons.add_faces(
            uid, "yan", [face("b")], contract=CONTRACT, seen=Seen(generation=2), audit=NOTED
        )
    assert it.stores.persons.get(uid, "yan").faces == 0


def test_adding_again_adds_nothing(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe")
    it.add(uid, "zoe", "a", "b")

    again = it.add(uid, "zoe", "b", "c", "c", "a")

    assert again.outcomes == ("known", "added", "known", "known")
    assert it.names_of(uid, "zoe") == [face_id(name) for name in "abc"]
    nothing = it.add(uid, "zoe", "a")
    assert (nothing.outcomes, nothing.version) == (("known",), again.version)
    noted = it.stores.forgetting.audited(uid, limit=10).items
    assert sum(one.event.action == "faces.enrolled" for one in noted) == 2


def test_a_photo_a_person_has_a_face_of_is_a_duplicate(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe")
    it.person(uid, "yan")
    it.add(uid, "zoe", "a")
    faces = [face("b", photo="a"), face("c"), face("d", photo="c")]

    for person_id, outcomes in (
        ("zoe", ("duplicate", "added", "duplicate")),
        ("yan", ("added", "known", "added")),
    ):
        added = it.stores.persons.add_faces(uid, person_id, faces, contract=CONTRACT, audit=NOTED)
        assert added.outcomes == outcomes


def test_a_photo_is_a_duplicate_after_a_merge_too(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan")
    it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)

    added = it.stores.persons.add_faces(
        uid, "zoe", [face("new", photo="yan1")], contract=CONTRACT, audit=NOTED
    )

    assert added.outcomes == ("duplicate",)


def test_a_person_has_no_more_faces_than_they_may(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(most_faces_per_person=2)).uid
    it.person(uid, "zoe")

    assert it.add(uid, "zoe", "a", "b", "c").outcomes == ("added", "added", "full")
    assert it.add(uid, "zoe", "d", "a").outcomes == ("full", "known")


def test_where_consent_is_required_it_must_hold(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(consent_required=True)).uid
    it.person(uid, "none")
    it.person(uid, "for good", consent=CONSENT)
    expires_ms = it.clock[0] + 10_000
    consent = Consent(given_ms=1, purpose="a party", expires_ms=expires_ms)
    it.person(uid, "for a while", consent=consent)

    for person_id in ("for good", "for a while"):
        assert it.add(uid, person_id, person_id).outcomes == ("added",)
    it.advance(10)
    for person_id in ("none", "for a while"):
        with pytest.raises(ConsentMissing):
            it.add(uid, person_id, "another")
    assert it.add(uid, "for good", "more").outcomes == ("added",)
    it.stores.persons.change(uid, NewPerson(id="for good"), revision=None, audit=NOTED)
    with pytest.raises(ConsentMissing):
        it.add(uid, "for good", "another")


def test_where_consent_is_required_a_merge_gives_faces_to_nobody_without_it(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(consent_required=True)).uid
    it.person(uid, "zoe", consent=CONSENT)
    it.person(uid, "zoë")
    it.person(uid, "nobody")
    it.add(uid, "zoe", "a")

    with pytest.raises(ConsentMissing):
        it.stores.persons.merge(uid, into="zoë", person_id="zoe", audit=NOTED)

    assert it.stores.persons.get(uid, "zoe").faces == 1
    # Who has no face gives none away.
    it.stores.persons.merge(uid, into="zoë", person_id="nobody", audit=NOTED)
    merged = it.stores.persons.merge(uid, into="zoe", person_id="zoë", audit=NOTED)
    assert (merged.id, merged.faces) == ("zoe", 1)


def test_a_deleted_face_is_gone_and_the_others_stay(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe", name="Zoë")
    it.add(uid, "zoe", "a", "b", "c")
    before = it.stores.persons.faces(uid, "zoe")

    for _ in range(2):
        it.stores.persons.delete_face(uid, face_id("b"), audit=event("face.deleted"))
    it.stores.persons.delete_face(uid, "nonsense", audit=NOTED)

    assert it.stores.persons.faces(uid, "zoe") == (before[0], before[2])
    assert it.stores.persons.get(uid, "zoe").name == "Zoë"
    assert set(it.all_vectors(uid)) == {face_id("a"), face_id("c")}
    with pytest.raises(FaceNotFound):
        it.stores.persons.face(uid, face_id("b"))
    noted = it.stores.forgetting.audited(uid, limit=10).items
    assert sum(one.event.action == "face.deleted" for one in noted) == 1
    assert it.add(uid, "zoe", "b").outcomes == ("added",)


def test_the_last_face_can_be_deleted(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe")

    it.stores.persons.delete_face(uid, face_id("zoe1"), audit=NOTED)

    assert it.stores.persons.get(uid, "zoe").faces == 0
    assert it.stores.collections.by_uid(uid).contract == CONTRACT


def test_a_face_is_resolved_to_whom_it_belongs_to_now(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan")
    it.add(uid, "zoe", "zoe2")
    faces = {face_id(name) for name in ("zoe1", "zoe2", "yan1", "none")} | {"nonsense"}

    found = it.stores.persons.resolve(uid, faces)

    assert {id_: person.id for id_, person in found.items()} == {
        face_id("zoe1"): "zoe",
        face_id("zoe2"): "zoe",
        face_id("yan1"): "yan",
    }
    assert found[face_id("zoe1")] == it.stores.persons.get(uid, "zoe")
    it.stores.persons.merge(uid, into="yan", person_id="zoe", audit=NOTED)
    assert {one.id for one in it.stores.persons.resolve(uid, faces).values()} == {"yan"}


def test_a_thousand_faces_are_added_in_one_call(it: Gallery) -> None:
    uid = it.collection(settings=CollectionSettings(most_faces_per_person=5000)).uid
    it.person(uid, "zoe")
    names = [f"{number}" for number in range(MOST_LISTED)]

    added = it.add(uid, "zoe", *names)

    assert added.outcomes == ("added",) * MOST_LISTED
    assert len(it.all_vectors(uid)) == MOST_LISTED
    with pytest.raises(ValueError, match="More than"):
        it.add(uid, "zoe", *names, "one more")


def test_a_photo_is_kept_only_if_it_was_announced_in_time(it: Gallery) -> None:
    uid = it.collection().uid
    it.person(uid, "zoe")
    forgetting = it.stores.forgetting
    for image in ("kept", "late", "for nothing"):
        forgetting.announce_image(image, ttl_seconds=60)
    faces = [face("a", image="kept"), face("b", image="unheard of")]
    it.stores.persons.add_faces(uid, "zoe", faces, contract=CONTRACT, audit=NOTED)
    assert forgetting.doomed_images(limit=10) == ()

    it.advance(60)
    assert sorted(forgetting.doomed_images(limit=10)) == ["for nothing", "late"]
    forgetting.images_deleted(["late"])
    it.stores.persons.add_faces(
        uid, "zoe", [face("c", image="late")], contract=CONTRACT, audit=NOTED
    )

    read = [(one.image_key, one.image_secret) for one in it.stores.persons.faces(uid, "zoe")]
    assert read == [("kept", "secret of kept"), ("", ""), ("", "")]
    assert forgetting.doomed_images(limit=10) == ("for nothing",)


def test_photos_of_forgotten_faces_are_doomed(it: Gallery) -> None:
    uid = it.collection().uid
    forgetting = it.stores.forgetting
    for person_id, names in (("zoe", "ab"), ("yan", "c"), ("xia", "d")):
        it.person(uid, person_id)
        for name in names:
            forgetting.announce_image(f"photo {name}", ttl_seconds=60)
        faces = [face(name, image=f"photo {name}") for name in names]
        it.stores.persons.add_faces(uid, person_id, faces, contract=CONTRACT, audit=NOTED)

    it.stores.persons.delete_face(uid, face_id("a"), audit=NOTED)
    assert forgetting.doomed_images(limit=10) == ("photo a",)
    it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)
    it.stores.persons.delete(uid, "zoe", audit=NOTED)
    assert sorted(forgetting.doomed_images(limit=10)) == ["photo a", "photo b", "photo c"]
    forgetting.images_deleted(["photo a", "photo b"])
    it.stores.collections.delete(uid, audit=NOTED)

    assert forgetting.doomed_images(limit=1) == ("photo c",)
    forgetting.images_deleted(["photo c"])
    assert forgetting.doomed_images(limit=1) == ("photo d",)
    forgetting.images_deleted(["photo d"])
    assert forgetting.doomed_images(limit=1) == ()


def test_nobody_is_added_to_who_is_not_there(it: Gallery) -> None:
    uid = it.collection().uid

    with pytest.raises(PersonNotFound):
        it.add(uid, "nobody", "a")
