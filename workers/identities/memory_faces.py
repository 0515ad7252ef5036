"""The faces of collections and their log in this process: a FaceLog, and the writes it tells of.

It has no persons' data, no seals and no settings: what indexes need of a store, and nothing else.
"""

import itertools
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from workers.errors import StoreUnavailable
from workers.identities.errors import CollectionNotFound
from workers.identities.log_records import ChangeKind, FacePage, LoggedChange, LogHead, LogPlace
from workers.identities.records import EmbeddingContract, FaceVector
from workers.identities.store import MOST_CHANGES, MOST_LISTED

#: What `MemoryFaces.create` gives a collection if nothing else is asked for.
EXAMPLE_CONTRACT: Final = EmbeddingContract(
    model="example", sha256="0" * 64, preprocessing_version="1", dimensions=8
)


@dataclass(kw_only=True, slots=True)
class _Collection:
    contract: EmbeddingContract
    faces: dict[str, FaceVector] = field(default_factory=dict)
    #: Entry by version; the oldest may be gone.
    log: list[LoggedChange] = field(default_factory=list)
    version: int = 0
    generation: int = 1
    next_leaf: int = 1
    snapshot_leaves: set[int] = field(default_factory=set)
    followers: dict[str, int] = field(default_factory=dict)


class MemoryFaces:
    """A FaceLog, and of a PersonStore what concerns vectors."""

    def __init__(self) -> None:
        self._collections: dict[str, _Collection] = {}
        self._lock = threading.RLock()
        self._marks = itertools.count(1)
        #: While it is set every call raises StoreUnavailable.
        self.is_away = False
        #: Calls of each name so far.
        self.calls: dict[str, int] = {}
        #: What others do between two calls, one before each: a call takes the first.
        self.meanwhile: list[Callable[[], None]] = []

    def create(self, uid: str, contract: EmbeddingContract = EXAMPLE_CONTRACT) -> None:
        """Make a collection without faces."""
        with self._lock:
            self._collections[uid] = _Collection(contract=contract)

    def delete(self, uid: str) -> None:
        """Forget a collection."""
        with self._lock:
            del self._collections[uid]

    def add(self, uid: str, faces: Sequence[FaceVector]) -> None:
        """Add faces of one person; those that are there stay as they are."""
        with self._lock:
            known = self._one(uid)
            new = [face for face in faces if face.face_id not in known.faces]
            known.faces.update({face.face_id: face for face in new})
            if new:
                self._note(known, "added", new[0].person_id, [face.face_id for face in new])

    def remove(self, uid: str, face_ids: Sequence[str]) -> None:
        """Remove faces that are there; snapshots of before are no good any more."""
        with self._lock:
            known = self._one(uid)
            gone = [known.faces.pop(one) for one in face_ids if one in known.faces]
            if gone:
                known.snapshot_leaves.clear()
                self._note(known, "removed", gone[0].person_id, [face.face_id for face in gone])

    def move(self, uid: str, face_ids: Sequence[str], person_id: str) -> None:
        """Give faces that are there to another person."""
        with self._lock:
            known = self._one(uid)
            moved = [one for one in face_ids if one in known.faces]
            for one in moved:
                known.faces[one] = replace(known.faces[one], person_id=person_id)
            if moved:
                self._note(known, "moved", person_id, moved)

    def reset(self, uid: str, contract: EmbeddingContract, vectors: Mapping[str, bytes]) -> None:
        """Change the model: other vectors of the same faces count from now on."""
        with self._lock:
            known = self._one(uid)
            known.contract = contract
            known.generation += 1
            known.snapshot_leaves.clear()
            for one, face in known.faces.items():
                known.faces[one] = replace(face, vector=vectors[one])
            self._note(known, "reset", "", [])

    def trim(self, uid: str, *, keep: int) -> None:
        """Forget all but the newest entries of the log, of which the last one always stays."""
        with self._lock:
            known = self._one(uid)
            known.log = known.log[-max(1, keep) :]

    def faces(self, uid: str) -> Mapping[str, FaceVector]:
        """All faces by id."""
        with self._lock:
            return dict(self._one(uid).faces)

    def followers(self, uid: str) -> Mapping[str, int]:
        """What processes said last of how far they have followed."""
        with self._lock:
            return dict(self._one(uid).followers)

    def backup(self, uid: str) -> object:
        """A copy of a collection, for `restore`."""
        with self._lock:
            return self._copy(self._one(uid))

    def restore(self, uid: str, backup: object) -> None:
        """Put a collection back as it was; who follows it now goes on to."""
        if not isinstance(backup, _Collection):
            raise TypeError("That is no backup of this store.")
        with self._lock:
            followers = self._one(uid).followers
            self._collections[uid] = replace(self._copy(backup), followers=followers)

    # What a FaceLog and a PersonStore have.

    def head(self, uid: str) -> LogHead:
        """See FaceLog."""
        with self._asked("head"):
            known = self._one(uid)
            return LogHead(
                place=known.log[-1].place if known.log else LogPlace(),
                generation=known.generation,
                contract=known.contract if known.version else None,
                faces=len(known.faces),
            )

    def changes(
        self, uid: str, after: LogPlace, *, limit: int = MOST_CHANGES
    ) -> Sequence[LoggedChange] | None:
        """See FaceLog."""
        with self._asked("changes"):
            known = self._one(uid)
            places = [change.place for change in known.log]
            if after == LogPlace():
                is_whole = not places or places[0].version == 1
                return known.log[:limit] if is_whole else None
            if after not in places:
                return None
            first = places.index(after) + 1
            return known.log[first : first + limit]

    def scan(self, uid: str, *, cursor: str = "", limit: int = MOST_LISTED) -> FacePage:
        """See FaceLog."""
        with self._asked("scan"):
            left = sorted(one for one in self._one(uid).faces if one > cursor)
            page = left[:limit]
            vectors = tuple(self._one(uid).faces[one] for one in page)
            return FacePage(vectors=vectors, cursor=page[-1] if len(left) > limit else "")

    def vectors(self, uid: str, face_ids: Sequence[str]) -> Sequence[FaceVector]:
        """See PersonStore."""
        with self._asked("vectors"):
            known = self._one(uid).faces
            return [known[one] for one in face_ids if one in known]

    def followed(self, uid: str, process: str, version: int, *, ttl_seconds: float) -> None:
        """See FaceLog. Nothing is forgotten by time here."""
        del ttl_seconds
        with self._asked("followed"):
            if version < 0 and uid not in self._collections:
                return
            followers = self._one(uid).followers
            followers[process] = version
            if version < 0:
                del followers[process]

    def take_leaf(self, uid: str) -> int:
        """See FaceLog."""
        with self._asked("take_leaf"):
            known = self._one(uid)
            leaf, known.next_leaf = known.next_leaf, known.next_leaf + 1
            known.snapshot_leaves.add(leaf)
            return leaf

    def snapshot_leaves(self, uid: str) -> Collection[int]:
        """See FaceLog."""
        with self._asked("snapshot_leaves"):
            return set(self._one(uid).snapshot_leaves)

    def _asked(self, name: str) -> threading.RLock:
        if self.is_away:
            raise StoreUnavailable
        self.calls[name] = self.calls.get(name, 0) + 1
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return self._lock

    def _one(self, uid: str) -> _Collection:
        if uid not in self._collections:
            raise CollectionNotFound
        return self._collections[uid]

    def _note(
        self, known: _Collection, kind: ChangeKind, person_id: str, face_ids: Sequence[str]
    ) -> None:
        known.version += 1
        place = LogPlace(version=known.version, mark=f"mark{next(self._marks)}")
        known.log.append(
            LoggedChange(place=place, kind=kind, person_id=person_id, face_ids=tuple(face_ids))
        )

    @staticmethod
    def _copy(known: _Collection) -> _Collection:
        return replace(
            known,
            faces=dict(known.faces),
            log=list(known.log),
            snapshot_leaves=set(known.snapshot_leaves),
            followers=dict(known.followers),
        )
