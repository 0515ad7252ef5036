"""Kept photos of enrolled faces: encrypted, and gone with their faces."""

import dataclasses
import re
from collections.abc import Callable

import pytest

from tests.contract.identities.gallery import CONTRACT, NOTED, Gallery, event, face, keep
from workers.blobs.store import MemoryBlobs
from workers.errors import BlobMissing
from workers.identities.errors import SealBroken
from workers.identities.forgetting import Forgotten
from workers.identities.kept_images import ANNOUNCED_SECONDS, KeptImage, KeptImages


def test_a_kept_photo_is_encrypted_and_says_nothing_of_whose_it_is(
    it: Gallery, images: KeptImages, blobs: MemoryBlobs
) -> None:
    uid = it.collection().uid
    it.person(uid, "anna")

    kept = keep(it, images, uid, "anna", "anna1")

    assert re.fullmatch(r"identity_[0-9a-f]{32}", kept.key)
    assert b"photo of" not in blobs.get(kept.key)
    (found,) = it.stores.persons.faces(uid, "anna")
    known = KeptImage(key=found.image_key, secret=found.image_secret)
    assert images.read(known) == b"photo of anna1"


def test_a_kept_photo_goes_with_its_face_and_stays_with_a_merge(
    it: Gallery, images: KeptImages, blobs: MemoryBlobs, forget: Callable[[], Forgotten]
) -> None:
    uid = it.collection().uid
    for name in ("anna", "ben", "carl"):
        it.person(uid, name)
        keep(it, images, uid, name, f"{name}1")
    it.stores.persons.merge(uid, into="anna", person_id="ben", audit=event("person.merged"))
    it.advance(2 * ANNOUNCED_SECONDS)
    assert forget().images_deleted == 0

    (carls,) = it.stores.persons.faces(uid, "carl")
    it.stores.persons.delete(uid, "carl", audit=event("person.deleted"))
    assert forget().images_deleted == 1

    with pytest.raises(BlobMissing):
        blobs.get(carls.image_key)
    assert sorted(
        images.read(KeptImage(key=one.image_key, secret=one.image_secret))
        for one in it.stores.persons.faces(uid, "anna")
    ) == [b"photo of anna1", b"photo of ben1"]


def test_photos_of_a_deleted_collection_go(
    it: Gallery, images: KeptImages, blobs: MemoryBlobs, forget: Callable[[], Forgotten]
) -> None:
    uid = it.collection().uid
    it.person(uid, "anna")
    for number in range(3):
        keep(it, images, uid, "anna", f"anna{number}")

    it.stores.collections.delete(uid, audit=event("collection.deleted"))

    assert forget().images_deleted == 3
    assert list(blobs.older_than(-1)) == []


def test_a_photo_whose_process_was_killed_before_the_face_is_deleted_in_an_hour(
    images: KeptImages, it: Gallery, blobs: MemoryBlobs, forget: Callable[[], Forgotten]
) -> None:
    kept = images.keep(b"photo")
    it.advance(ANNOUNCED_SECONDS - 1)
    assert forget().images_deleted == 0
    assert images.read(kept) == b"photo"

    it.advance(2)

    assert forget().images_deleted == 1
    assert list(blobs.older_than(-1)) == []
    assert forget().images_deleted == 0


def test_a_face_that_comes_too_late_for_its_photo_is_added_without_it(
    it: Gallery, images: KeptImages, forget: Callable[[], Forgotten]
) -> None:
    uid = it.collection().uid
    it.person(uid, "anna")
    kept = images.keep(b"photo")
    it.advance(ANNOUNCED_SECONDS + 1)
    new = dataclasses.replace(face("anna1"), image_key=kept.key, image_secret=kept.secret)

    # Somebody may be deleting it at this very moment.
    it.stores.persons.add_faces(uid, "anna", [new], contract=CONTRACT, audit=NOTED)

    (found,) = it.stores.persons.faces(uid, "anna")
    assert found.image_key == ""
    assert forget().images_deleted == 1


def test_a_kept_photo_is_opened_by_its_own_secret_only(images: KeptImages) -> None:
    one, two = images.keep(b"one"), images.keep(b"two")

    for secret in (two.secret, "", "x", one.secret[:-4]):
        with pytest.raises(SealBroken):
            images.read(KeptImage(key=one.key, secret=secret))
