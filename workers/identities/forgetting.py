"""What is done after deletions until every copy is gone; periodic, in any number of processes.

A deletion itself is done at once by the store: from then on nobody is found or told. What is left
is to destroy keys, so that old copies can't be read; to delete kept photos; to delete persons whose
time is over; and to note on certificates how far all that has got. Every step may be repeated: the
store goes on naming what is to be done until it is told that it was done.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from workers.blobs.store import BlobStore
from workers.errors import BlobStoreFailed
from workers.identities.errors import CollectionNotFound, IdentityError, VaultUnavailable
from workers.identities.index.snapshots import snapshot_key
from workers.identities.opening import Identities
from workers.identities.trace_records import AuditEvent

#: Most leaves destroyed in one round: of each collection all together, in one write of its file.
MOST_LEAVES = 10_000
#: Most kept photos deleted, persons expired and certificates looked at in one round.
MOST_STEPS = 500
#: Kept photos that can't be deleted before a round gives up.
MOST_FAILURES = 5
#: When a photo that could not be deleted is tried again: others come first.
AGAIN_SECONDS = 300.0
#: Longest time a round takes; the next one goes on.
ROUND_SECONDS = 20.0

#: What is half-written for so long is nobody's any more; and how often that is looked for.
HALF_WRITTEN_SECONDS = 3600.0

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """What one round did."""

    persons_expired: int = 0
    #: Leaves, and whole collections.
    keys_destroyed: int = 0
    images_deleted: int = 0
    #: Certificates that wait for workers.
    certificates_waiting: int = 0
    #: Certificates of long ago.
    certificates_deleted: int = 0


class Forgetting:
    """The periodic work.

    Args:
        identities: The stores of known people.
        blobs: Where kept photos are.
        certificates_kept_seconds: How long certificates are kept that are complete; 0: for ever.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        identities: Identities,
        blobs: BlobStore,
        *,
        certificates_kept_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._certificates_kept_seconds = certificates_kept_seconds
        self._persons = identities.persons
        self._store = identities.forgetting
        self._seals = identities.seals
        self._blobs = blobs
        self._clock = clock
        self._tidy_at = clock()

    def round(self) -> Forgotten:
        """Do what is due. What can't be done now is left for the next round, and said.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        self._tidy()
        deadline = self._clock() + ROUND_SECONDS
        return Forgotten(
            persons_expired=self._expire(deadline),
            keys_destroyed=self._destroy_keys(deadline),
            images_deleted=self._delete_images(deadline),
            certificates_waiting=self._store.reconcile(limit=MOST_STEPS),
            certificates_deleted=self._sweep_certificates(),
        )

    def _expire(self, deadline: float) -> int:
        """Delete persons whose retention is over; who got a face meanwhile stays."""
        count = 0
        for uid, person_id in self._store.expired(limit=MOST_STEPS):
            event = AuditEvent(action="person.expired", by="", person_ids=(person_id,))
            try:
                count += self._persons.expire(uid, person_id, audit=event) is not None
            except CollectionNotFound:
                continue
            except IdentityError as error:
                _log.error("forgetting.not_expired", collection=uid, error=str(error))
            if self._clock() > deadline:
                break
        return count

    def _destroy_keys(self, deadline: float) -> int:
        count = 0
        for uid, leaves in self._store.doomed(limit=MOST_LEAVES).items():
            try:
                version = self._destroy(uid, leaves)
            except VaultUnavailable as error:
                # Whoever runs the service must know: what was deleted can still be read in backups.
                _log.error("forgetting.keys_not_destroyed", collection=uid, error=str(error))
                continue
            self._store.destroyed(uid, leaves, keys_version=version)
            count += 1 if leaves is None else len(leaves)
            if self._clock() > deadline:
                break
        return count

    def _destroy(self, uid: str, leaves: Sequence[int] | None) -> int:
        if leaves is None:
            # Nobody may have loaded the collection, and so nobody else would delete this.
            self._delete_blob(snapshot_key(uid))
            return self._seals.destroy(uid)
        return self._seals.destroy_leaves(uid, leaves)

    def _delete_images(self, deadline: float) -> int:
        deleted: list[str] = []
        failed: list[str] = []
        for key in self._store.doomed_images(limit=MOST_STEPS):
            if self._delete_blob(key):
                deleted.append(key)
            else:
                failed.append(key)
            # One that can't be deleted holds up no other; when none can, trying on is of no use.
            if len(failed) == MOST_FAILURES or self._clock() > deadline:
                break
        if deleted:
            self._store.images_deleted(deleted)
        if failed:
            self._store.images_postponed(failed, delay_seconds=AGAIN_SECONDS)
        return len(deleted)

    def _delete_blob(self, key: str) -> bool:
        try:
            self._blobs.delete(key)
        except BlobStoreFailed as error:
            _log.error("forgetting.blob_not_deleted", key=key, error=str(error))
            return False
        return True

    def _sweep_certificates(self) -> int:
        if not self._certificates_kept_seconds:
            return 0
        count = self._store.sweep_certificates(
            kept_seconds=self._certificates_kept_seconds, limit=MOST_STEPS
        )
        if count:
            _log.info("forgetting.certificates_deleted", certificates=count)
        return count

    def _tidy(self) -> None:
        """Delete what killed writers left half-written: looking for old blobs does that."""
        if self._clock() < self._tidy_at:
            return
        self._tidy_at = self._clock() + HALF_WRITTEN_SECONDS
        try:
            next(iter(self._blobs.older_than(HALF_WRITTEN_SECONDS)), None)
        except BlobStoreFailed as error:
            _log.warning("forgetting.not_tidied", error=str(error))
