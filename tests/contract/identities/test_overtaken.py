"""Every store keeps the same promises to calls that are overtaken, or killed, before they write.

And in a store that was put back from an old copy.
"""

from collections.abc import Callable

import pytest
import redis

from tests.contract.identities.gallery import (
    CONTRACT,
    NOTED,
    Gallery,
    face,
    face_id,
    gallery,
    old_copy,
    put_back,
    vector,
)
from tests.properties.identity_seals import KilledError, WatchedSeals
from workers.identities.errors import CollectionNotFound, PersonNotFound
from workers.identities.records import FaceVector, NewPerson
from workers.identities.seen import Seen
from workers.identities.vault import MemoryVault


@pytest.fixture
def overtaken(it: Gallery) -> tuple[Gallery, WatchedSeals]:
    """Stores whose calls may be overtaken right before they seal."""
    client: redis.Redis = it.client
    seals = WatchedSeals(MemoryVault())
    return gallery(client, seals=seals), seals


def killed() -> None:
    raise KilledError


def test_who_is_killed_before_writing_has_written_nothing(
    overtaken: tuple[Gallery, WatchedSeals],
) -> None:
    it, seals = overtaken
    uid = it.collection().uid
    it.person(uid, "zoe")
    calls: tuple[Callable[[], object], ...] = (
        lambda: it.person(uid, "yan"),
        lambda: it.add(uid, "zoe", "a"),
        lambda: it.stores.persons.change(
            uid, NewPerson(id="zoe", name="Z"), revision=None, audit=NOTED
        ),
    )
    for call in calls:
        seals.meanwhile = killed
        with pytest.raises(KilledError):
            call()
    assert it.everybody(uid) == ["zoe"]
    assert it.stores.persons.get(uid, "zoe").revision == 1

    for call in calls:
        call()

    assert it.everybody(uid) == ["zoe", "yan"]
    assert it.names_of(uid, "zoe") == [face_id("a")]
    assert it.stores.persons.get(uid, "zoe").name == "Z"


@pytest.mark.parametrize("is_destroyed", [False, True])
def test_data_of_who_came_back_are_sealed_under_their_new_leaf(
    overtaken: tuple[Gallery, WatchedSeals], *, is_destroyed: bool
) -> None:
    it, seals = overtaken
    uid = it.collection().uid
    it.person(uid, "zoe")

    def come_back() -> None:
        it.stores.persons.delete(uid, "zoe", audit=NOTED)
        it.person(uid, "zoe")
        if is_destroyed:
            it.destroy_keys()

    seals.meanwhile = come_back
    it.stores.persons.change(uid, NewPerson(id="zoe", name="Z"), revision=None, audit=NOTED)

    assert it.stores.persons.get(uid, "zoe").name == "Z"


def test_faces_are_not_given_to_who_is_made_anew_before_they_are_written(
    overtaken: tuple[Gallery, WatchedSeals],
) -> None:
    it, seals = overtaken
    uid = it.collection().uid
    meant = it.person(uid, "zoe")

    def come_back() -> None:
        it.stores.persons.delete(uid, "zoe", audit=NOTED)
        it.person(uid, "zoe")

    seals.meanwhile = come_back
    with pytest.raises(PersonNotFound):
        it.stores.persons.add_faces(
            uid, "zoe", [face("a")], contract=CONTRACT, seen=Seen(leaf=meant.leaf), audit=NOTED
        )

    assert it.names_of(uid, "zoe") == []


def test_faces_are_sealed_for_the_generation_they_are_added_to(
    overtaken: tuple[Gallery, WatchedSeals],
) -> None:
    it, seals = overtaken
    uid = it.collection().uid
    it.known(uid, "zoe")

    def change_model() -> None:
        store = it.stores.reembedding
        store.begin(uid, model=None, job_id="job_1")
        vectors = [FaceVector(face_id=face_id("zoe1"), person_id="", vector=vector("new"))]
        store.add_vectors(uid, "job_1", vectors, contract=CONTRACT)
        assert store.switch(uid, "job_1", audit=NOTED)

    seals.meanwhile = change_model
    added = it.add(uid, "zoe", "a")

    assert added.outcomes == ("added",)
    found = {id_: one.vector for id_, one in it.all_vectors(uid).items()}
    assert found == {face_id("zoe1"): vector("new"), face_id("a"): vector("a")}


@pytest.mark.parametrize("what", ["delete", "merge", "drop", "destroy"])
def test_nothing_is_added_to_who_is_gone_by_then(
    overtaken: tuple[Gallery, WatchedSeals], what: str
) -> None:
    it, seals = overtaken
    uid = it.collection().uid
    it.known(uid, "zoe", "yan")

    def go() -> None:
        persons = it.stores.persons
        if what == "delete":
            persons.delete(uid, "zoe", audit=NOTED)
        elif what == "merge":
            persons.merge(uid, into="yan", person_id="zoe", audit=NOTED)
        else:
            it.stores.collections.delete(uid, audit=NOTED)
        if what == "destroy":
            it.destroy_keys()

    seals.meanwhile = go
    is_whole = what in {"drop", "destroy"}
    with pytest.raises(CollectionNotFound if is_whole else PersonNotFound):
        it.add(uid, "zoe", "a")
    if not is_whole:
        assert face_id("a") not in it.all_vectors(uid)


def test_a_face_that_came_back_gets_its_new_vector_all_the_same(
    overtaken: tuple[Gallery, WatchedSeals],
) -> None:
    it, seals = overtaken
    uid = it.collection().uid
    it.known(uid, "zoe")
    store = it.stores.reembedding
    store.begin(uid, model=None, job_id="job_1")

    def come_back() -> None:
        it.stores.persons.delete_face(uid, face_id("zoe1"), audit=NOTED)
        it.add(uid, "zoe", "zoe1")

    seals.meanwhile = come_back
    vectors = [FaceVector(face_id=face_id("zoe1"), person_id="", vector=vector("new"))]
    store.add_vectors(uid, "job_1", vectors, contract=CONTRACT)

    assert store.switch(uid, "job_1", audit=NOTED)
    assert it.all_vectors(uid)[face_id("zoe1")].vector == vector("new")


def test_leaves_that_were_destroyed_after_a_copy_was_made_are_passed_over(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe")
    copy = old_copy(it)
    it.known(uid, "yan", "xia")
    it.stores.persons.delete(uid, "xia", audit=NOTED)
    it.destroy_keys()
    put_back(it, copy)

    it.known(uid, "wim", "vera")
    it.add(uid, "wim", *(f"{number}" for number in range(5)))

    assert it.everybody(uid) == ["zoe", "wim", "vera"]
    assert len(it.all_vectors(uid)) == 8


def test_nobodys_faces_are_given_to_somebody_forgotten(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "zoe", "yan")
    copy = old_copy(it)
    it.stores.persons.delete(uid, "zoe", audit=NOTED)
    it.destroy_keys()
    put_back(it, copy)

    for into, person_id in (("zoe", "yan"), ("yan", "zoe")):
        with pytest.raises(PersonNotFound):
            it.stores.persons.merge(uid, into=into, person_id=person_id, audit=NOTED)

    assert it.names_of(uid, "yan") == [face_id("yan1")]
