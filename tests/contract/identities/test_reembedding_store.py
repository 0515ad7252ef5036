"""Every store keeps the same promises about a change of model."""

from collections.abc import Sequence

import pytest

from tests.contract.identities.gallery import (
    CONTRACT,
    NOTED,
    OTHER_CONTRACT,
    Gallery,
    event,
    face,
    face_id,
    vector,
)
from workers.identities.errors import ContractMismatch, PersonNotFound, ReembeddingUnderWay
from workers.identities.records import Collection, CollectionSettings, Face, FaceVector

JOB = "job_1"


def begun(it: Gallery, *people: str) -> str:
    """A collection with these persons, whose model is being changed."""
    uid = it.collection(settings=CollectionSettings(most_faces_per_person=1000)).uid
    it.known(uid, *people)
    it.stores.reembedding.begin(uid, model="another", job_id=JOB)
    return uid


def embed(it: Gallery, uid: str, faces: Sequence[Face]) -> Collection:
    """Give faces vectors of the new model."""
    made = [
        FaceVector(face_id=one.id, person_id=one.person_id, vector=vector(f"new {one.id}"))
        for one in faces
    ]
    return it.stores.reembedding.add_vectors(uid, JOB, made, contract=OTHER_CONTRACT)


def embed_all(it: Gallery, uid: str, *, limit: int = 3) -> int:
    """Embed until nothing is pending; how many it were."""
    count = 0
    while faces := it.stores.reembedding.pending(uid, JOB, limit=limit):
        assert len(faces) <= limit
        embed(it, uid, faces)
        count += len(faces)
    return count


def test_old_vectors_count_until_the_switch(it: Gallery) -> None:
    uid = begun(it, "zoe", "yan")
    under_way = it.stores.collections.by_uid(uid).reembedding
    assert under_way
    assert (under_way.model, under_way.contract, under_way.done) == ("another", None, 0)
    assert (under_way.job_id, under_way.started_ms, under_way.generation) == (
        JOB,
        it.clock[0],
        2,
    )

    assert embed_all(it, uid) == 2

    half_way = it.stores.collections.by_uid(uid)
    assert half_way.reembedding
    assert (half_way.reembedding.done, half_way.reembedding.contract) == (2, OTHER_CONTRACT)
    assert (half_way.contract, half_way.generation) == (CONTRACT, 1)
    assert it.all_vectors(uid)[face_id("zoe1")].vector == vector("zoe1")

    assert it.stores.reembedding.switch(uid, JOB, audit=event("collection.model_changed"))

    after = it.stores.collections.by_uid(uid)
    assert (after.contract, after.model, after.generation) == (OTHER_CONTRACT, "another", 2)
    assert (after.reembedding, after.persons, after.faces) == (None, 2, 2)
    new = {id_: one.vector for id_, one in it.all_vectors(uid).items()}
    assert new == {id_: vector(f"new {id_}") for id_ in (face_id("zoe1"), face_id("yan1"))}
    assert it.stores.persons.face(uid, face_id("zoe1")).source_sha256 == "zoe1"
    changes = it.stores.log.changes(uid, it.stores.log.head(uid).place)
    assert changes == []
    [*_, last] = it.stores.log.changes(uid, type(it.stores.log.head(uid).place)()) or ()
    assert (last.kind, last.person_id, last.face_ids) == ("reset", "", ())


def test_only_what_is_complete_is_switched_to(it: Gallery) -> None:
    uid = begun(it, "zoe", "yan", "xia")
    embed(it, uid, it.stores.reembedding.pending(uid, JOB, limit=2))

    assert not it.stores.reembedding.switch(uid, JOB, audit=NOTED)

    assert it.stores.collections.by_uid(uid).generation == 1
    embed_all(it, uid)
    for _ in range(2):
        assert it.stores.reembedding.switch(uid, JOB, audit=NOTED)
    assert it.stores.collections.by_uid(uid).generation == 2


def test_faces_enrolled_meanwhile_are_pending_too(it: Gallery) -> None:
    uid = begun(it, "zoe")
    embed_all(it, uid)
    it.known(uid, "yan")
    it.add(uid, "zoe", "zoe2")

    pending = it.stores.reembedding.pending(uid, JOB, limit=10)

    assert {one.id for one in pending} == {face_id("yan1"), face_id("zoe2")}
    assert not it.stores.reembedding.switch(uid, JOB, audit=NOTED)
    assert embed_all(it, uid) == 2
    assert it.stores.reembedding.switch(uid, JOB, audit=NOTED)
    assert it.names_of(uid, "zoe") == [face_id("zoe1"), face_id("zoe2")]


def test_what_is_pending_stays_so_until_it_is_done(it: Gallery) -> None:
    uid = begun(it, "zoe")
    it.add(uid, "zoe", *(f"{number}" for number in range(700)))
    # Taken by a worker that dies.
    taken = it.stores.reembedding.pending(uid, JOB, limit=350)
    assert len(taken) == 350

    assert embed_all(it, uid, limit=300) == 701

    assert it.stores.reembedding.switch(uid, JOB, audit=NOTED)


def test_what_was_deleted_meanwhile_is_in_neither(it: Gallery) -> None:
    uid = begun(it, "zoe", "yan", "xia")
    it.add(uid, "xia", "xia2")
    faces = it.stores.reembedding.pending(uid, JOB, limit=10)
    assert len(faces) == 4
    it.stores.persons.delete(uid, "zoe", audit=NOTED)
    embed(it, uid, faces)
    it.stores.persons.delete(uid, "yan", audit=NOTED)
    it.stores.persons.delete_face(uid, face_id("xia1"), audit=NOTED)

    assert it.stores.reembedding.switch(uid, JOB, audit=NOTED)

    assert set(it.all_vectors(uid)) == {face_id("xia2")}
    with pytest.raises(PersonNotFound):
        it.stores.persons.faces(uid, "zoe")


def test_who_was_merged_meanwhile_is_merged_in_both(it: Gallery) -> None:
    uid = begun(it, "zoe", "yan")
    embed_all(it, uid)
    it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)

    assert it.stores.reembedding.switch(uid, JOB, audit=NOTED)

    assert {one.person_id for one in it.all_vectors(uid).values()} == {"zoe"}
    assert len(it.names_of(uid, "zoe")) == 2


def test_a_change_of_model_is_one_jobs(it: Gallery) -> None:
    uid = begun(it, "zoe")
    store = it.stores.reembedding
    first = it.stores.collections.by_uid(uid)

    assert store.begin(uid, model="another", job_id=JOB) == first
    for asked in (
        lambda: store.begin(uid, model="another", job_id="job_2"),
        lambda: store.pending(uid, "job_2", limit=1),
        lambda: store.add_vectors(uid, "job_2", (), contract=OTHER_CONTRACT),
        lambda: store.switch(uid, "job_2", audit=NOTED),
    ):
        with pytest.raises(ReembeddingUnderWay):
            asked()
    store.abandon(uid, "job_2")
    assert it.stores.collections.by_uid(uid) == first


def test_a_job_that_was_done_is_done_again_without_harm(it: Gallery) -> None:
    uid = begun(it, "zoe")
    embed_all(it, uid)
    it.stores.reembedding.switch(uid, JOB, audit=NOTED)

    again = it.stores.reembedding.begin(uid, model="another", job_id=JOB)

    assert (again.reembedding, again.generation) == (None, 2)
    assert it.stores.reembedding.begin(uid, model=None, job_id="job_2").reembedding


def test_an_abandoned_change_leaves_everything_as_it_was(it: Gallery) -> None:
    uid = begun(it, "zoe")
    embed_all(it, uid)

    for _ in range(2):
        it.stores.reembedding.abandon(uid, JOB)

    found = it.stores.collections.by_uid(uid)
    assert (found.reembedding, found.contract, found.generation) == (None, CONTRACT, 1)
    with pytest.raises(ReembeddingUnderWay):
        it.stores.reembedding.pending(uid, JOB, limit=1)
    it.stores.reembedding.begin(uid, model="another", job_id="job_2")
    assert len(it.stores.reembedding.pending(uid, "job_2", limit=10)) == 1


def test_one_change_has_one_contract(it: Gallery) -> None:
    uid = begun(it, "zoe", "yan")
    faces = it.stores.reembedding.pending(uid, JOB, limit=1)
    embed(it, uid, faces)

    with pytest.raises(ContractMismatch):
        it.stores.reembedding.add_vectors(
            uid,
            JOB,
            [FaceVector(face_id=faces[0].id, person_id="zoe", vector=vector("x"))],
            contract=CONTRACT,
        )


def test_after_the_switch_only_the_new_model_adds(it: Gallery) -> None:
    uid = begun(it, "zoe")
    embed_all(it, uid)
    it.stores.reembedding.switch(uid, JOB, audit=NOTED)

    with pytest.raises(ContractMismatch):
        it.add(uid, "zoe", "zoe2")
    assert it.add(uid, "zoe", "zoe2", contract=OTHER_CONTRACT).outcomes == ("added",)


def test_an_empty_collection_changes_its_model_at_once(it: Gallery) -> None:
    uid = begun(it)

    assert it.stores.reembedding.pending(uid, JOB, limit=1) == ()
    assert it.stores.reembedding.switch(uid, JOB, audit=NOTED)
    assert it.stores.collections.by_uid(uid).model == "another"


def test_a_pending_face_tells_where_its_photo_is(it: Gallery) -> None:
    uid = begun(it, "zoe")
    embed_all(it, uid)
    it.stores.forgetting.announce_image("photo", ttl_seconds=60)
    it.stores.persons.add_faces(
        uid, "zoe", [face("zoe2", image="photo")], contract=CONTRACT, audit=NOTED
    )

    [pending] = it.stores.reembedding.pending(uid, JOB, limit=10)

    assert pending == it.stores.persons.face(uid, face_id("zoe2"))
    assert pending.image_secret == face("zoe2", image="photo").image_secret


def test_snapshots_of_old_vectors_are_none_any_more(it: Gallery) -> None:
    uid = begun(it, "zoe")
    it.stores.log.take_leaf(uid)
    embed_all(it, uid)

    it.stores.reembedding.switch(uid, JOB, audit=NOTED)

    assert it.stores.log.snapshot_leaves(uid) == set()


def test_faces_that_are_given_up_stand_in_the_way_until_they_are_forgotten(it: Gallery) -> None:
    uid = begun(it, "zoe", "yan", "xia")
    store = it.stores.reembedding
    assert store.without_image(uid) == 3
    for _ in range(2):
        store.skip(uid, JOB, {face_id("zoe1"): "no_image", face_id("none"): "no_image"})

    assert embed_all(it, uid) == 2

    assert not store.switch(uid, JOB, audit=NOTED)
    count, [skipped] = store.skipped(uid, JOB, limit=10)
    assert (count, skipped.face_id, skipped.person_id) == (1, face_id("zoe1"), "zoe")
    assert skipped.reason == "no_image"
    it.stores.persons.merge(uid, into="yan", person_id="zoe", audit=NOTED)
    assert store.skipped(uid, JOB, limit=10)[1][0].person_id == "yan"
    assert store.forget_skipped(uid, JOB, limit=10, audit=event("face.deleted")) == 0
    assert store.switch(uid, JOB, audit=NOTED)
    assert it.names_of(uid, "yan") == [face_id("yan1")]
    [noted] = [
        one
        for one in it.stores.forgetting.audited(uid, limit=10).items
        if one.event.action == "face.deleted"
    ]
    assert noted.event == event("face.deleted")


def test_a_face_that_is_given_up_may_be_deleted_embedded_or_left_alone(it: Gallery) -> None:
    uid = begun(it, "zoe", "yan", "xia")
    store = it.stores.reembedding
    store.skip(uid, JOB, {face_id(f"{name}1"): "image_lost" for name in ("zoe", "yan", "xia")})
    assert store.pending(uid, JOB, limit=10) == ()
    it.stores.persons.delete(uid, "zoe", audit=NOTED)
    embed(it, uid, [it.stores.persons.face(uid, face_id("yan1"))])

    count, [left] = store.skipped(uid, JOB, limit=10)

    assert (count, left.face_id) == (1, face_id("xia1"))
    with pytest.raises(ReembeddingUnderWay):
        store.skip(uid, "job_2", {})
    with pytest.raises(ReembeddingUnderWay):
        store.forget_skipped(uid, "job_2", limit=1, audit=NOTED)
    store.abandon(uid, JOB)
    store.begin(uid, model=None, job_id=JOB)
    assert store.skipped(uid, JOB, limit=10) == (0, [])
