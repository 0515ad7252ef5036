"""Snapshots of indexes in the blob store, so that a start doesn't read millions of records.

A collection has one, under one name, replaced as a whole. It is sealed with a leaf of its own; as
soon as a face is deleted, that leaf is doomed and the snapshot no good any more.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import structlog

from workers.blobs.store import BlobStore
from workers.errors import BlobMissing, BlobStoreFailed
from workers.identities.errors import KeyDestroyed, SealBroken
from workers.identities.index.face_index import FaceIndex
from workers.identities.index.snapshot import (
    HEADER_BYTES,
    About,
    SnapshotReader,
    leaf_of,
    snapshot_parts,
)
from workers.identities.index.vectors import BLOCK_ROWS, Halves
from workers.identities.log_records import LogHead, LogPlace
from workers.identities.seals import Seals
from workers.identities.store import FaceLog

#: Fewer faces are read from the store in about a second: no snapshot is worth it.
LEAST_FACES = 5000

_log = structlog.get_logger()


class Outdated(Exception):
    """Faces were removed while the snapshot was written: it would be no good."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Loaded:
    """A snapshot that is in memory again."""

    index: FaceIndex
    #: Where to follow the log from.
    place: LogPlace
    leaf: int


#: Brings an index up to date and tells of it; None: there is nothing.
Follow = Callable[[], tuple[About, FaceIndex] | None]


def snapshot_key(uid: str) -> str:
    """Where a collection's snapshot lies in the blob store."""
    return f"identity_index_{uid}"


class Snapshots:
    """Writes and reads snapshots.

    Args:
        blobs: Where they lie: the store of what outlives jobs.
        seals: What seals them.
        log: Tells which are good.
        exact_faces: See `IdentitySettings.identity_exact_faces`.
        least_faces: No snapshot is written of an index with fewer.
    """

    def __init__(
        self,
        blobs: BlobStore,
        seals: Seals,
        log: FaceLog,
        *,
        exact_faces: int,
        least_faces: int = LEAST_FACES,
    ) -> None:
        self.least_faces = least_faces
        self._blobs = blobs
        self._seals = seals
        self._log = log
        self._exact_faces = exact_faces

    def load(self, uid: str, head: LogHead) -> Loaded | None:
        """The collection's index as it was, if there is a snapshot that is good.

        One that is damaged, of another model, or of a time before a deletion is deleted.

        Args:
            uid: Of the collection.
            head: What the log said a moment ago.

        Raises:
            StoreUnavailable: the store does not answer.
            VaultUnavailable: the keys can't be read now.
        """
        try:
            return self._load_latest(uid, head)
        except BlobMissing:
            return None
        except BlobStoreFailed as error:
            _log.warning("identities.snapshot_unread", collection=uid, error=str(error))
            return None
        except (SealBroken, KeyDestroyed, ValueError, LookupError, TypeError) as error:
            _log.warning(
                "identities.snapshot_unusable", collection=uid, reason=type(error).__name__
            )
            self.delete(uid)
            return None

    def save(self, uid: str, follow: Follow, *, lock: AbstractContextManager[object]) -> int | None:
        """Write the collection's snapshot.

        Args:
            uid: Of the collection.
            follow: Called with the lock held.
            lock: Held while the index is read; never for longer than a block takes.

        Returns:
            The snapshot's leaf; None: it was not written, for faces were removed meanwhile.

        Raises:
            StoreUnavailable: the store does not answer.
            VaultUnavailable: the keys can't be read now.
            BlobStoreFailed: the snapshot can't be stored.
        """
        # Before following: a face removed from now on dooms the leaf, one removed before is not in.
        leaf = self._log.take_leaf(uid)
        try:
            self._blobs.put(snapshot_key(uid), self._parts(uid, leaf, follow, lock))
        except (Outdated, KeyDestroyed):
            return None
        _log.info("identities.snapshot_written", collection=uid, leaf=leaf)
        return leaf

    def good_leaf(self, uid: str) -> int | None:
        """The leaf of the snapshot that is there and may be loaded, as far as its header tells."""
        try:
            leaf = leaf_of(self._header(uid))
        except (BlobMissing, SealBroken):
            return None
        return leaf if leaf in self._log.snapshot_leaves(uid) else None

    def delete(self, uid: str) -> None:
        """Delete the collection's snapshot, if there is one."""
        try:
            self._blobs.delete(snapshot_key(uid))
        except BlobStoreFailed as error:
            _log.warning("identities.snapshot_not_deleted", collection=uid, error=str(error))

    def _load_latest(self, uid: str, head: LogHead) -> Loaded:
        header = self._header(uid)
        try:
            return self._load(uid, head, header)
        except SealBroken:
            # Another process may have replaced it while it was read.
            latest = self._header(uid)
            if latest == header:
                raise
        return self._load(uid, head, latest)

    def _load(self, uid: str, head: LogHead, header: bytes) -> Loaded:
        leaf = leaf_of(header)
        if leaf not in self._log.snapshot_leaves(uid):
            raise KeyDestroyed
        read = partial(self._read, snapshot_key(uid))
        reader = SnapshotReader(read, partial(self._open, uid, leaf))
        about = reader.about
        if (about.generation, about.contract) != (head.generation, head.contract):
            raise ValueError("The snapshot is of another model.")
        if self._log.changes(uid, about.place, limit=1) is None:
            raise ValueError("The log doesn't lead from the snapshot to here any more.")
        index = FaceIndex(about.contract.dimensions, exact_faces=self._exact_faces)
        index.load(reader.contents(), reader.vectors())
        return Loaded(index=index, place=about.place, leaf=leaf)

    def _parts(
        self, uid: str, leaf: int, follow: Follow, lock: AbstractContextManager[object]
    ) -> Generator[bytes, None, None]:
        """The snapshot, made while it is stored: a section is in memory, not all of them."""
        with lock:
            found = follow()
            if found is None:
                raise Outdated
            about, index = found
            contents, removals = index.contents(), index.removals

        def blocks() -> Iterator[Halves]:
            for first in range(0, about.faces, BLOCK_ROWS):
                with lock:
                    if index.removals != removals:
                        raise Outdated
                    block = index.block(first, min(first + BLOCK_ROWS, about.faces))
                yield block

        seal = partial(self._seal, uid, leaf)
        yield from snapshot_parts(leaf, seal, about=about, contents=contents, vectors=blocks())
        if leaf not in self._log.snapshot_leaves(uid):
            raise Outdated

    def _header(self, uid: str) -> bytes:
        return self._blobs.part(snapshot_key(uid), first=0, size_bytes=HEADER_BYTES)

    def _read(self, key: str, first: int, size_bytes: int) -> bytes:
        return self._blobs.part(key, first=first, size_bytes=size_bytes)

    def _seal(self, uid: str, leaf: int, number: int, plain: bytes) -> bytes:
        return self._seals.seal(uid, leaf, plain, purpose=_purpose(number))

    def _open(self, uid: str, leaf: int, number: int, sealed: bytes) -> bytes:
        return self._seals.open(uid, leaf, sealed, purpose=_purpose(number))


def _purpose(number: int) -> str:
    return f"index section {number}"
