"""A collection in the memory of one process, and what the store is told of it."""

import threading
import zlib
from collections.abc import Callable

import structlog

from workers.errors import BlobStoreFailed, StoreUnavailable
from workers.identities.errors import CollectionNotFound, VaultUnavailable
from workers.identities.index.face_index import FaceIndex
from workers.identities.index.follower import Follower
from workers.identities.index.snapshot import About
from workers.identities.index.snapshots import Snapshots
from workers.identities.store import FaceLog

#: For how long others believe a process's word on how far it has followed, seconds. A process that
#: can't follow for half of that forgets what it has: nobody may hold what others think is gone.
BELIEVED_SECONDS = 300.0
#: Without anything new it is repeated so often, seconds: a store put back from a backup knows of
#: nobody.
_REPEATED_SECONDS = 15.0
#: Seconds between two looks whether a snapshot is to be written: so many for each MB of it, so that
#: deletions, each of which spoils the snapshot, don't keep the disk busy; and at least so many.
_SNAPSHOT_SECONDS_PER_MB, _LEAST_SNAPSHOT_SECONDS = 2.0, 60.0
#: A snapshot is renewed when so many entries of the log have come since.
_SNAPSHOT_CHANGES = 10_000
_MEGABYTE = 1024 * 1024

_log = structlog.get_logger()


class LoadedCollection:
    """A collection in memory. All but `save` is called with the lock held.

    Args:
        uid: Of the collection.
        follow_with: Makes the follower; what it is given is to be called before anything is read.
        log: Is told how far the index has followed.
        process: Name of this process.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        uid: str,
        follow_with: Callable[[Callable[[], None]], Follower],
        log: FaceLog,
        *,
        process: str,
        clock: Callable[[], float],
    ) -> None:
        self.uid = uid
        self.follower = follow_with(self._begin)
        #: Held while the index is read or written.
        self.lock = threading.Lock()
        #: Whether it has left memory for good.
        self.is_dropped = False
        self._log = log
        self._process = process
        self._clock = clock
        self._told_version: int | None = None
        self._told_at = self._followed_at = clock()
        # Processes that began together don't write the same snapshot together.
        spread = zlib.crc32(process.encode()) / 2**32
        self._looked_at = clock() + spread * _LEAST_SNAPSHOT_SECONDS

    def follow(self) -> None:
        """Bring the index up to date.

        Raises:
            CollectionNotFound: there is none (any more); the index has left memory.
            StoreUnavailable: the store does not answer.
            VaultUnavailable: the keys can't be read.
        """
        try:
            self.follower.follow()
        except CollectionNotFound:
            self.drop()
            raise
        self._followed_at = self._clock()

    def keep(self) -> None:
        """Follow, and tell the store; without an answer for long, leave memory.

        Raises:
            CollectionNotFound: see `follow`.
        """
        if self.is_dropped or self._told_version is None:
            return
        try:
            self.follow()
            version = self.follower.version
            is_due = self._clock() - self._told_at > _REPEATED_SECONDS
            if version != self._told_version or is_due:
                self._tell(version)
        except (StoreUnavailable, VaultUnavailable) as error:
            if self._clock() - self._followed_at > BELIEVED_SECONDS / 2:
                _log.warning("identities.index_left_behind", collection=self.uid, error=str(error))
                self.drop()

    def drop(self) -> None:
        """Overwrite the index for good, and say so."""
        if self.is_dropped:
            return
        self.follower.forget()
        try:
            self._tell(-1)
        except (StoreUnavailable, CollectionNotFound) as error:
            # Its last word runs out.
            _log.warning("identities.index_not_told", collection=self.uid, error=str(error))
        finally:
            # Only now: who loads the collection again from here on says so after this.
            self.is_dropped = True

    def save(self, snapshots: Snapshots, *, at_once: bool = False) -> None:
        """Write a snapshot if one is due, or in any case. Takes the lock by itself.

        Raises:
            CollectionNotFound: there is no collection any more.
            StoreUnavailable: the store does not answer.
            VaultUnavailable: the keys can't be read.
        """
        follower = self.follower
        wait = follower.size_bytes / _MEGABYTE * _SNAPSHOT_SECONDS_PER_MB
        if not at_once and self._clock() - self._looked_at < max(wait, _LEAST_SNAPSHOT_SECONDS):
            return
        self._looked_at = self._clock()
        if self.is_dropped or follower.faces < snapshots.least_faces:
            return
        try:
            if at_once or self._is_snapshot_due(snapshots.good_leaf(self.uid)):
                leaf = snapshots.save(self.uid, self._followed, lock=self.lock)
                follower.saved_leaf = leaf
        except BlobStoreFailed as error:
            _log.warning("identities.snapshot_not_written", collection=self.uid, error=str(error))

    def _is_snapshot_due(self, leaf: int | None) -> bool:
        follower = self.follower
        if leaf is not None and leaf != follower.saved_leaf:
            # Another process wrote it since.
            follower.saved_leaf, follower.saved_version = leaf, follower.version
        return leaf is None or follower.version - follower.saved_version >= _SNAPSHOT_CHANGES

    def _followed(self) -> tuple[About, FaceIndex] | None:
        if self.is_dropped:
            return None
        self.follow()
        self.follower.saved_version = self.follower.version
        return self.follower.about()

    def _begin(self) -> None:
        """Before anything is read: from now on a deletion waits until it was followed here."""
        if self._told_version != 0 or self._clock() - self._told_at > _REPEATED_SECONDS:
            self._tell(0)

    def _tell(self, version: int) -> None:
        self._log.followed(self.uid, self._process, version, ttl_seconds=BELIEVED_SECONDS)
        self._told_version, self._told_at = version, self._clock()
