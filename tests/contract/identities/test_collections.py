"""Every store of collections keeps the same promises."""

import dataclasses

import pytest

from tests.contract.identities.gallery import (
    CONTRACT,
    NOTED,
    OTHER_CONTRACT,
    Gallery,
    event,
    uid_of,
)
from workers.identities.errors import (
    CollectionExists,
    CollectionNotFound,
    ContractMismatch,
    RevisionMismatch,
    TooManyCollections,
)
from workers.identities.records import (
    CalibratedPoint,
    CalibratedSearch,
    Calibration,
    CollectionSettings,
    NewCollection,
    NewPerson,
    ThresholdPolicy,
)

STRICT = CollectionSettings(
    title="Été 2031",
    quality="strict",
    thresholds=ThresholdPolicy(source="fixed", similarity=0.5),
    consent_required=True,
    retention_seconds=3600,
    most_persons=2,
    most_faces_per_person=3,
)
CALIBRATION = Calibration(
    points=(
        CalibratedPoint(
            far=1e-3,
            similarity=0.4,
            far_low=5e-4,
            far_high=2e-3,
            tar=0.9,
            tar_low=0.8,
            tar_high=0.95,
        ),
    ),
    unsupported=((1e-5, "too few pairs"),),
    genuine_pairs=10,
    impostor_pairs=1000,
    persons=5,
    measured_ms=7,
    at_version=3,
    contract=CONTRACT,
    searches=(CalibratedSearch(fpir=1e-2, similarity=0.6, measured=0.004, faces=100),),
)


def test_a_collection_is_read_as_it_was_made(it: Gallery) -> None:
    new = NewCollection(uid=uid_of(7), id="album", owner="ada", model="sface", settings=STRICT)

    made = it.stores.collections.create(new, most=1, audit=NOTED)

    assert made == it.stores.collections.get("ada", "album")
    assert made == it.stores.collections.by_uid(new.uid)
    assert (made.uid, made.id, made.owner, made.model) == (new.uid, "album", "ada", "sface")
    assert made.settings == STRICT
    assert (made.contract, made.calibration, made.reembedding) == (None, None, None)
    assert (made.persons, made.faces, made.version, made.revision) == (0, 0, 0, 1)
    assert made.created_ms == made.updated_ms == it.clock[0]


def test_making_a_collection_again_gives_the_one_that_is_there(it: Gallery) -> None:
    first = it.collection()

    assert it.collection() == first


def test_an_id_is_not_given_to_a_collection_with_other_settings(it: Gallery) -> None:
    it.collection()

    with pytest.raises(CollectionExists):
        it.collection(settings=STRICT)


def test_owners_have_their_ids_to_themselves(it: Gallery) -> None:
    hers, his = it.collection(owner="ada"), it.collection(owner="bob")

    assert hers.uid != his.uid
    assert it.stores.collections.get("bob", "album").uid == his.uid
    with pytest.raises(CollectionNotFound):
        it.stores.collections.get("eve", "album")


def test_an_owner_has_no_more_collections_than_they_may(it: Gallery) -> None:
    it.collection("a")
    new = NewCollection(uid=uid_of(9), id="b", owner="ada")

    with pytest.raises(TooManyCollections):
        it.stores.collections.create(new, most=1, audit=NOTED)
    assert it.stores.collections.create(new, most=2, audit=NOTED).uid == new.uid


def test_collections_are_listed_by_their_ids(it: Gallery) -> None:
    for id_ in ("c", "a", "d", "b"):
        it.collection(id_)
    it.collection("z", owner="bob")

    first = it.stores.collections.list("ada", limit=3)
    second = it.stores.collections.list("ada", limit=3, after=first.after)

    assert [one.id for one in (*first.items, *second.items)] == ["a", "b", "c", "d"]
    assert second.after is None
    assert it.stores.collections.list("ada", limit=4).after is None


def test_settings_are_changed_only_by_who_knows_the_present_ones(it: Gallery) -> None:
    made = it.collection()

    changed = it.stores.collections.change(made.uid, STRICT, revision=1, audit=NOTED)

    assert (changed.settings, changed.revision) == (STRICT, 2)
    with pytest.raises(RevisionMismatch):
        it.stores.collections.change(made.uid, CollectionSettings(), revision=1, audit=NOTED)
    again = it.stores.collections.change(made.uid, STRICT, revision=1, audit=NOTED)
    assert again == changed
    plain = it.stores.collections.change(made.uid, CollectionSettings(), revision=None, audit=NOTED)
    assert plain.settings == CollectionSettings()


def test_a_calibration_is_kept_for_the_model_it_was_measured_with(it: Gallery) -> None:
    made = it.collection()
    it.known(made.uid, "zoe")

    kept = it.stores.collections.calibrated(made.uid, CALIBRATION, audit=NOTED)

    assert it.stores.collections.by_uid(made.uid).calibration == CALIBRATION
    assert kept.revision == 3
    other = dataclasses.replace(CALIBRATION, contract=OTHER_CONTRACT)
    with pytest.raises(ContractMismatch):
        it.stores.collections.calibrated(made.uid, other, audit=NOTED)


def test_a_deleted_collection_is_gone_with_everything_in_it(it: Gallery) -> None:
    made = it.collection()
    it.known(made.uid, "zoe", "yan")

    certificate = it.stores.collections.delete(made.uid, audit=NOTED)

    assert certificate == it.stores.collections.delete(made.uid, audit=NOTED)
    assert (certificate.person_id, certificate.faces) == (None, 2)
    assert (certificate.owner, certificate.collection_id) == ("ada", "album")
    people, log = it.stores.persons, it.stores.log
    for asked in (
        lambda: it.stores.collections.by_uid(made.uid),
        lambda: it.stores.collections.get("ada", "album"),
        lambda: people.get(made.uid, "zoe"),
        lambda: people.put(made.uid, NewPerson(id="new"), audit=NOTED),
        lambda: it.add(made.uid, "zoe", "zoe2"),
        lambda: people.resolve(made.uid, []),
        lambda: log.head(made.uid),
        lambda: log.scan(made.uid),
        lambda: log.take_leaf(made.uid),
        lambda: log.snapshot_leaves(made.uid),
        lambda: it.stores.forgetting.audit(made.uid, NOTED),
    ):
        with pytest.raises(CollectionNotFound):
            asked()
    left = {key.decode().rpartition(":")[2] for key in it.client.scan_iter("*")}
    assert left - {certificate.id, made.uid} == {
        "audit",
        "waiting",
        "ada",
        "doomed_collections",
        "uncleared",
        "issued",
    }


def test_an_id_is_free_again_after_its_collection_was_deleted(it: Gallery) -> None:
    first = it.collection()
    it.known(first.uid, "zoe")
    it.stores.collections.delete(first.uid, audit=NOTED)

    second = it.collection()

    assert second.uid != first.uid
    assert second.persons == 0


def test_what_is_done_to_a_collection_is_noted_once(it: Gallery) -> None:
    made = it.collection()
    it.collection()
    for _ in range(2):
        it.stores.collections.change(
            made.uid, STRICT, revision=None, audit=event("collection.changed")
        )
        it.person(made.uid, consent=None)

    noted = it.stores.forgetting.audited(made.uid, limit=10).items

    assert [one.event.action for one in noted] == [
        "person.created",
        "collection.changed",
        "collection.created",
    ]
