"""Every store keeps the same promises about certificates of long ago."""

import pytest

from tests.contract.identities.gallery import Gallery, event
from workers.blobs.store import MemoryBlobs
from workers.identities.errors import CertificateNotFound, CollectionNotFound, PersonNotFound
from workers.identities.forgetting import Forgetting, Forgotten
from workers.identities.trace_records import Certificate

DAY_SECONDS = 86_400
YEAR_SECONDS = 365 * DAY_SECONDS


def a_round(it: Gallery, *, kept_seconds: float = YEAR_SECONDS) -> Forgotten:
    """What any process does that keeps certificates so long."""
    return Forgetting(it.stores, MemoryBlobs(), certificates_kept_seconds=kept_seconds).round()


def deleted(it: Gallery, uid: str, person_id: str) -> Certificate:
    return it.stores.persons.delete(uid, person_id, audit=event("person.deleted"))


def kept(it: Gallery) -> list[str]:
    """Ids of the certificates there are; each can be read."""
    ids = [one.id for one in it.stores.forgetting.certificates("ada", limit=100).items]
    for id_ in ids:
        it.stores.forgetting.certificate("ada", id_)
    return ids


def test_complete_certificates_go_with_what_is_remembered_of_who_was_deleted(it: Gallery) -> None:
    uid, gone = it.collection("album").uid, it.collection("gone").uid
    it.known(uid, "anna", "ben")
    anna = deleted(it, uid, "anna")
    whole = it.stores.collections.delete(gone, audit=event("collection.deleted"))
    a_round(it)
    it.advance(DAY_SECONDS)
    ben = deleted(it, uid, "ben")
    a_round(it)
    it.advance(YEAR_SECONDS - DAY_SECONDS - 1)

    assert a_round(it).certificates_deleted == 0
    it.advance(1)
    assert a_round(it).certificates_deleted == 2

    assert kept(it) == [ben.id]
    for id_ in (anna.id, whole.id):
        with pytest.raises(CertificateNotFound):
            it.stores.forgetting.certificate("ada", id_)
    with pytest.raises(PersonNotFound):
        deleted(it, uid, "anna")
    with pytest.raises(CollectionNotFound):
        it.stores.collections.delete(gone, audit=event("collection.deleted"))
    assert deleted(it, uid, "ben").id == ben.id


def test_a_certificate_that_is_not_complete_stays_and_holds_up_no_other(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "anna", "ben")
    # A process that holds the collection is silent, and believed, for all that time.
    it.stores.log.followed(uid, "there:1", 0, ttl_seconds=2 * YEAR_SECONDS)
    anna = deleted(it, uid, "anna")
    it.advance(1)
    other = it.collection("other").uid
    it.known(other, "carl")
    deleted(it, other, "carl")
    a_round(it)
    it.advance(YEAR_SECONDS)
    store = it.stores.forgetting

    assert store.sweep_certificates(kept_seconds=YEAR_SECONDS, limit=1) == 0
    assert store.sweep_certificates(kept_seconds=YEAR_SECONDS, limit=1) == 1
    assert store.sweep_certificates(kept_seconds=YEAR_SECONDS, limit=1) == 0
    assert kept(it) == [anna.id]

    it.stores.log.followed(uid, "there:1", -1, ttl_seconds=1)
    a_round(it)
    it.advance(DAY_SECONDS)
    assert a_round(it).certificates_deleted == 1


def test_certificates_whose_results_can_still_be_read_stay(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "anna")
    deleted(it, uid, "anna")
    a_round(it)

    it.advance(1)
    assert it.stores.forgetting.sweep_certificates(kept_seconds=1, limit=9) == 0
    assert len(kept(it)) == 1


def test_who_was_deleted_again_since_is_remembered_by_the_later_one(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "anna")
    deleted(it, uid, "anna")
    it.advance(DAY_SECONDS)
    it.person(uid, "anna")
    later = deleted(it, uid, "anna")
    a_round(it)
    it.advance(YEAR_SECONDS - DAY_SECONDS)

    assert a_round(it).certificates_deleted == 1
    assert deleted(it, uid, "anna").id == later.id


def test_certificates_are_kept_for_ever_where_that_is_wanted(it: Gallery) -> None:
    uid = it.collection().uid
    it.known(uid, "anna")
    deleted(it, uid, "anna")
    a_round(it)
    it.advance(100 * YEAR_SECONDS)

    assert a_round(it, kept_seconds=0).certificates_deleted == 0
    assert len(kept(it)) == 1
