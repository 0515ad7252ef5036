"""What follows a deletion, round by round, on every store: until no copy can be read."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence

import pytest

from tests.contract.identities.faulty import BrokenOnce, Killed, Mortal, Stand
from tests.contract.identities.gallery import (
    RESULTS_MS,
    SECOND_MS,
    Gallery,
    event,
    gallery,
    keep,
)
from workers.blobs.store import MemoryBlobs
from workers.errors import BlobStoreFailed, StoreUnavailable
from workers.identities.errors import KeyDestroyed, PersonNotFound, VaultUnavailable
from workers.identities.forgetting import AGAIN_SECONDS, MOST_FAILURES, Forgetting, Forgotten
from workers.identities.kept_images import ANNOUNCED_SECONDS, KeptImages
from workers.identities.keys import VaultSeals
from workers.identities.opening import Identities
from workers.identities.records import CollectionSettings
from workers.identities.told_persons import sealed_person, told_results
from workers.identities.trace_records import Certificate
from workers.identities.vault import MemoryVault

DAY_SECONDS = 86_400
#: What a round does, in its order.
STEPS = ("expire", "destroy_leaves", "destroyed", "delete", "images_deleted", "reconcile")


def deleted(it: Gallery, uid: str, person_id: str) -> Certificate:
    return it.stores.persons.delete(uid, person_id, audit=event("person.deleted"))


def now_of(it: Gallery, certificate: Certificate) -> Certificate:
    return it.stores.forgetting.certificate("ada", certificate.id)


def test_after_a_round_the_keys_of_deleted_persons_are_gone_and_the_certificate_says_so(
    it: Gallery, forget: Callable[[], Forgotten]
) -> None:
    uid = it.collection().uid
    it.known(uid, "anna", "ben")
    leaf = it.stores.log.take_leaf(uid)
    snapshot = it.seals.seal(uid, leaf, b"everybody", purpose="snapshot")
    certificate = deleted(it, uid, "anna")
    assert now_of(it, certificate).keys_destroyed_ms is None
    it.advance(5)

    done = forget()

    # Anna's, her face's, and that of the snapshot that may hold her.
    assert done.keys_destroyed == 3
    assert now_of(it, certificate).keys_destroyed_ms == certificate.deleted_ms + 5 * SECOND_MS
    with pytest.raises(KeyDestroyed):
        it.seals.open(uid, leaf, snapshot, purpose="snapshot")
    assert it.stores.persons.get(uid, "ben").faces == 1
    assert len(it.all_vectors(uid)) == 1
    assert forget().keys_destroyed == 0


def test_a_deleted_collection_s_keys_are_gone_whole(
    it: Gallery, forget: Callable[[], Forgotten]
) -> None:
    uid, other = it.collection().uid, it.collection("other").uid
    it.known(uid, "anna")
    it.known(other, "ben")
    certificate = it.stores.collections.delete(uid, audit=event("collection.deleted"))

    assert forget().keys_destroyed == 1

    assert now_of(it, certificate).keys_destroyed_ms is not None
    with pytest.raises(KeyDestroyed):
        it.seals.seal(uid, 1_000_000, b"", purpose="p")
    assert len(it.all_vectors(other)) == 1


def test_on_an_old_copy_of_the_keys_nothing_is_destroyed_and_nobody_comes_back(
    it: Gallery, forget: Callable[[], Forgotten]
) -> None:
    uid = it.collection().uid
    it.known(uid, "anna", "ben")
    anna = sealed_person(it.seals, uid, it.stores.persons.get(uid, "anna"))
    result = anna.model_dump_json()
    old = it.vault.read(uid)
    assert old is not None
    deleted(it, uid, "anna")
    forget()
    vault = MemoryVault()
    vault.swap(uid, old=None, new=old)
    later = gallery(it.client, seals=VaultSeals(vault), vault=vault)
    certificate = deleted(it, uid, "ben")

    # As often as keys were destroyed since the copy was made, so that their versions would be one.
    for _ in range(3):
        assert Forgetting(later.stores, MemoryBlobs()).round().keys_destroyed == 0

    assert vault.read(uid) == old
    assert now_of(it, certificate).keys_destroyed_ms is None
    told = told_results(later.stores, uid, [result]).texts[0]
    assert json.loads(told)["unreadable"] == "keys_unavailable"
    assert forget().keys_destroyed == 2
    assert now_of(it, certificate).keys_destroyed_ms is not None


def test_a_certificate_is_complete_when_the_last_process_has_followed(
    it: Gallery, forget: Callable[[], Forgotten]
) -> None:
    uid = it.collection().uid
    it.known(uid, "anna")
    it.stores.log.followed(uid, "box:1", 1, ttl_seconds=60)
    it.stores.log.followed(uid, "box:2", 1, ttl_seconds=60)
    certificate = deleted(it, uid, "anna")

    it.stores.log.followed(uid, "box:1", certificate.version, ttl_seconds=60)
    assert forget().certificates_waiting == 1
    assert now_of(it, certificate).workers_cleared_ms is None
    it.stores.log.followed(uid, "box:2", certificate.version, ttl_seconds=60)

    assert forget().certificates_waiting == 0
    found = now_of(it, certificate)
    assert found.workers_cleared_ms == found.deleted_ms
    assert found.results_expire_ms == found.deleted_ms + RESULTS_MS


def test_persons_are_forgotten_when_their_time_is_over(
    it: Gallery, forget: Callable[[], Forgotten]
) -> None:
    settings = CollectionSettings(retention_seconds=30 * DAY_SECONDS)
    uid = it.collection(settings=settings).uid
    it.known(uid, "anna", "ben")
    it.advance(20 * DAY_SECONDS)
    it.add(uid, "ben", "ben2")
    it.advance(11 * DAY_SECONDS)

    assert forget().persons_expired == 1

    with pytest.raises(PersonNotFound):
        it.stores.persons.get(uid, "anna")
    assert it.stores.persons.get(uid, "ben").faces == 2
    (latest, *_) = it.stores.forgetting.audited(uid, limit=1).items
    assert (latest.event.action, latest.event.person_ids) == ("person.expired", ("anna",))
    (certificate,) = it.stores.forgetting.certificates("ada", limit=9).items
    assert certificate.person_id == "anna"
    # The same round destroyed her keys.
    assert certificate.keys_destroyed_ms is not None
    assert forget() == Forgotten()


def test_who_got_a_face_just_before_being_forgotten_stays(it: Gallery, blobs: MemoryBlobs) -> None:
    settings = CollectionSettings(retention_seconds=DAY_SECONDS)
    uid = it.collection(settings=settings).uid
    it.known(uid, "anna")
    it.advance(2 * DAY_SECONDS)

    class Late(Stand):
        def expired(self, *, limit: int) -> Sequence[tuple[str, str]]:
            found = it.stores.forgetting.expired(limit=limit)
            it.add(uid, "anna", "anna2")
            return found

    stores = dataclasses.replace(it.stores, forgetting=Late(it.stores.forgetting))

    assert Forgetting(stores, blobs).round().persons_expired == 0

    assert it.stores.persons.get(uid, "anna").faces == 2


def test_what_can_t_be_done_now_is_done_in_a_later_round(
    it: Gallery, images: KeptImages, blobs: MemoryBlobs
) -> None:
    uid, other = it.collection().uid, it.collection("other").uid
    for one in (uid, other):
        it.person(one, "anna")
        keep(it, images, one, "anna", f"anna of {one}")
    certificates = [deleted(it, one, "anna") for one in (uid, other)]
    broken = BrokenOnce(it.seals, VaultUnavailable(), "destroy_leaves")
    stores = dataclasses.replace(it.stores, seals=broken)
    forgetting = Forgetting(stores, BrokenOnce(blobs, BlobStoreFailed(), "delete"))

    first = forgetting.round()
    it.advance(AGAIN_SECONDS)
    second = forgetting.round()

    # Of two collections one, a person's and a face's: trouble with one is none of the other's.
    assert (first.keys_destroyed, second.keys_destroyed) == (2, 2)
    assert (first.images_deleted, second.images_deleted) == (1, 1)
    assert None not in [now_of(it, one).keys_destroyed_ms for one in certificates]


def test_photos_that_can_never_be_deleted_hold_up_no_others(
    it: Gallery, images: KeptImages, blobs: MemoryBlobs
) -> None:
    stuck = {images.keep(b"stuck").key for _ in range(MOST_FAILURES)}
    it.advance(ANNOUNCED_SECONDS)
    late = images.keep(b"late")
    it.advance(ANNOUNCED_SECONDS)

    class Stuck(Stand):
        def delete(self, key: str) -> None:
            if key in stuck:
                raise BlobStoreFailed
            blobs.delete(key)

    forgetting = Forgetting(it.stores, Stuck(blobs))

    assert [forgetting.round().images_deleted for _ in range(2)] == [0, 1]
    assert late.key not in it.stores.forgetting.doomed_images(limit=9)
    it.advance(AGAIN_SECONDS)
    assert set(it.stores.forgetting.doomed_images(limit=9)) == stuck


def test_without_the_store_nothing_is_claimed(it: Gallery, blobs: MemoryBlobs) -> None:
    uid = it.collection().uid
    it.known(uid, "anna")
    certificate = deleted(it, uid, "anna")

    away = BrokenOnce(it.stores.forgetting, StoreUnavailable(), "destroyed")
    stores = dataclasses.replace(it.stores, forgetting=away)
    with pytest.raises(StoreUnavailable):
        Forgetting(stores, blobs).round()

    assert now_of(it, certificate).keys_destroyed_ms is None
    # The key is gone all the same; the next round finds that and says so.
    Forgetting(it.stores, blobs).round()
    assert now_of(it, certificate).keys_destroyed_ms is not None


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_dies_at_any_step_leaves_it_to_the_next(
    it: Gallery, images: KeptImages, blobs: MemoryBlobs, step: str, when: str
) -> None:
    settings = CollectionSettings(retention_seconds=DAY_SECONDS)
    uid = it.collection(settings=settings).uid
    for name in ("anna", "ben"):
        it.person(uid, name)
        keep(it, images, uid, name, f"{name}1")
    it.advance(DAY_SECONDS / 2)
    it.known(uid, "carl")
    deleted(it, uid, "anna")
    leaves = it.stores.forgetting.doomed(limit=9)[uid]
    it.advance(DAY_SECONDS * 2 / 3)

    stores = {
        field.name: Mortal(getattr(it.stores, field.name), step, when)
        for field in dataclasses.fields(Identities)
    }
    with pytest.raises(Killed):
        Forgetting(Identities(**stores), Mortal(blobs, step, when)).round()

    Forgetting(it.stores, blobs).round()

    assert leaves
    for leaf in leaves:
        with pytest.raises(KeyDestroyed):
            it.seals.seal(uid, leaf, b"", purpose="p")
    assert it.everybody(uid) == ["carl"]
    assert list(blobs.older_than(-1)) == []
    found: Mapping[str | None, Certificate] = {
        one.person_id: one for one in it.stores.forgetting.certificates("ada", limit=9).items
    }
    assert set(found) == {"anna", "ben"}
    for one in found.values():
        assert one.keys_destroyed_ms is not None
        assert one.workers_cleared_ms is not None
    assert Forgetting(it.stores, blobs).round() == Forgotten()
