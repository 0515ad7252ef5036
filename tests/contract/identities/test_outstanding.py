"""What deletions have left to do can be read off, and comes to nothing."""

from collections.abc import Callable

from tests.contract.identities.gallery import Gallery, event
from workers.identities.forgetting import Forgotten
from workers.identities.forgetting_store import Outstanding

NOTHING = Outstanding(keys=0, images=0, certificates=0)


def test_a_deletion_is_outstanding_until_its_rounds_are_done(
    it: Gallery, forget: Callable[[], Forgotten]
) -> None:
    uid = it.collection().uid
    it.known(uid, "anna", "ben")
    assert it.stores.forgetting.outstanding() == NOTHING

    it.stores.persons.delete(uid, "anna", audit=event("person.deleted"))

    left = it.stores.forgetting.outstanding()
    # Hers and her face's.
    assert (left.keys, left.certificates) == (2, 1)
    forget()
    assert it.stores.forgetting.outstanding() == NOTHING


def test_a_deleted_collection_and_photos_that_are_due_are_outstanding(
    it: Gallery, forget: Callable[[], Forgotten]
) -> None:
    uid = it.collection().uid
    it.known(uid, "anna")
    it.stores.forgetting.announce_image("photo", ttl_seconds=60)
    assert it.stores.forgetting.outstanding().images == 0
    it.advance(61)
    assert it.stores.forgetting.outstanding().images == 1

    it.stores.collections.delete(uid, audit=event("collection.deleted"))

    assert it.stores.forgetting.outstanding().keys >= 1
    forget()
    assert it.stores.forgetting.outstanding() == NOTHING
