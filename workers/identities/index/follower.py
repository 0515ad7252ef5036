"""One collection's index, and how far it has followed the collection's log."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import structlog

from workers.errors import StoreUnavailable
from workers.identities.embeddings import STORED
from workers.identities.errors import VaultUnavailable
from workers.identities.index.face_index import FaceIndex
from workers.identities.index.snapshot import About
from workers.identities.index.snapshots import Snapshots
from workers.identities.log_records import LoggedChange, LogHead, LogPlace
from workers.identities.records import EmbeddingContract, FaceVector
from workers.identities.store import MOST_CHANGES, MOST_LISTED, FaceLog

#: A log that leads nowhere so often in a row is given up for this search.
_MOST_STARTS = 5

_log = structlog.get_logger()


class VectorSource(Protocol):
    """What is read of a `workers.identities.store.PersonStore`."""

    def vectors(self, uid: str, face_ids: Sequence[str]) -> Sequence[FaceVector]:
        """See PersonStore."""
        ...


class Follower:
    """Brings an index to the end of the log. Not for several threads.

    Args:
        uid: Of the collection.
        log: Of the store.
        persons: Tells vectors that the log doesn't hold.
        exact_faces: See `IdentitySettings.identity_exact_faces`.
        snapshots: Where an index may lie ready.
        beginning: Called before anything is read into a new index, and now and then meanwhile:
            reading millions of faces takes minutes.
    """

    def __init__(
        self,
        uid: str,
        log: FaceLog,
        persons: VectorSource,
        *,
        exact_faces: int,
        snapshots: Snapshots | None = None,
        beginning: Callable[[], None] = lambda: None,
    ) -> None:
        self._beginning = beginning
        self._exact_faces = exact_faces
        self._snapshots = snapshots
        self._uid = uid
        self._log = log
        self._persons = persons
        self._head: LogHead | None = None
        self._place = LogPlace()
        self._index: FaceIndex | None = None
        #: Of the latest snapshot known here: its leaf, and how far it had followed, at least.
        self.saved_leaf: int | None = None
        self.saved_version = 0
        #: How long it took to load what is in memory.
        self.load_seconds = 0.0

    @property
    def version(self) -> int:
        """How far the index has followed."""
        return self._place.version

    @property
    def contract(self) -> EmbeddingContract | None:
        """What made the embeddings; None: there are none."""
        return None if self._head is None else self._head.contract

    @property
    def index(self) -> FaceIndex | None:
        """The faces; None: the collection has none."""
        return self._index

    @property
    def faces(self) -> int:
        """Faces in memory."""
        return 0 if self._index is None else len(self._index)

    @property
    def size_bytes(self) -> int:
        """What this takes in memory, about."""
        return 0 if self._index is None else self._index.size_bytes

    def about(self) -> tuple[About, FaceIndex] | None:
        """The index, and what a snapshot of it is to say; None: there are no faces."""
        head, index = self._head, self._index
        if head is None or head.contract is None or not index:
            return None
        about = About(
            place=self._place,
            generation=head.generation,
            contract=head.contract,
            faces=len(index),
        )
        return about, index

    def follow(self) -> None:
        """Take in everything that had happened when the call began.

        Raises:
            CollectionNotFound: there is none (any more).
            StoreUnavailable: the store does not answer, or its log contradicts itself.
            VaultUnavailable: the keys can't be read.
        """
        try:
            for _ in range(_MOST_STARTS):
                if self._head is None:
                    self._start()
                if self._follow_log():
                    return
                self.forget()
        except (StoreUnavailable, VaultUnavailable):
            raise  # between two steps: what was taken in stands
        except BaseException:
            # A time limit strikes anywhere, and half a step is worse than none.
            self.forget()
            raise
        raise StoreUnavailable("The log of a collection can't be followed: it changes too often.")

    def forget(self) -> None:
        """Overwrite what is in memory, and begin anew at the next call."""
        if self._index is not None:
            self._index.clear()
        self._head, self._index, self._place = None, None, LogPlace()

    def _start(self) -> None:
        """Read the snapshot, or else everything the store has; the log tells the rest."""
        started = time.perf_counter()
        self._beginning()
        head = self._log.head(self._uid)
        place = head.place
        if head.contract is not None:
            loaded = None if self._snapshots is None else self._snapshots.load(self._uid, head)
            if loaded is None:
                self._index = FaceIndex(head.contract.dimensions, exact_faces=self._exact_faces)
                self._scan(self._index)
            else:
                self._index, place = loaded.index, loaded.place
                self.saved_leaf, self.saved_version = loaded.leaf, place.version
            _log.info(
                "identities.index_built",
                collection=self._uid,
                faces=len(self._index),
                has_snapshot=loaded is not None,
            )
        self._head, self._place = head, place
        self.load_seconds = time.perf_counter() - started

    def _scan(self, index: FaceIndex) -> None:
        cursor, is_first = "", True
        while cursor or is_first:
            try:
                self._beginning()
                page = self._log.scan(self._uid, cursor=cursor, limit=MOST_LISTED)
            except (StoreUnavailable, VaultUnavailable):
                self.forget()
                raise
            _add(index, page.vectors)
            cursor, is_first = page.cursor, False

    def _follow_log(self) -> bool:
        """Whether the log's end was reached; else the index has to be made anew."""
        while changes := self._log.changes(self._uid, self._place, limit=MOST_CHANGES):
            if self._index is None or any(change.kind == "reset" for change in changes):
                return False
            has_read = self._apply(changes)
            self._place = changes[-1].place
            if has_read and not self._is_of_generation():
                return False
            if len(changes) < MOST_CHANGES:
                return True
        return changes is not None

    def _is_of_generation(self) -> bool:
        """Whether the vectors that were just read are of the model that is indexed."""
        head = self._log.head(self._uid)
        return self._head is not None and head.generation == self._head.generation

    def _apply(self, changes: Iterable[LoggedChange]) -> bool:
        """Take changes in; whether vectors were read for that.

        What counts of a face is the last thing that happened to it, and of a face that was added
        whose it is now.
        """
        index = self._index
        if index is None:
            return False
        added: dict[str, None] = {}
        for change in changes:
            if change.kind == "added":
                added.update(dict.fromkeys(change.face_ids))
                continue
            if change.kind == "moved":
                index.move(change.face_ids, change.person_id)
                continue
            index.remove(change.face_ids)
            for face_id in change.face_ids:
                added.pop(face_id, None)
        face_ids = list(added)
        for first in range(0, len(face_ids), MOST_LISTED):
            part = face_ids[first : first + MOST_LISTED]
            _add(index, self._persons.vectors(self._uid, part))
        return bool(face_ids)


def _add(index: FaceIndex, faces: Sequence[FaceVector]) -> None:
    """Add what is of the indexed model; the rest comes with a change the log tells of."""
    size = index.dimensions * STORED.itemsize
    index.add([face for face in faces if len(face.vector) == size])
