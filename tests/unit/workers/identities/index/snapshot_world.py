"""A store with some faces, and snapshots of their index."""

import threading

import numpy as np

from workers.blobs.store import MemoryBlobs
from workers.identities.index.face_index import FaceIndex
from workers.identities.index.follower import Follower
from workers.identities.index.snapshot import About
from workers.identities.index.snapshots import Snapshots, snapshot_key
from workers.identities.keys import VaultSeals
from workers.identities.memory_faces import MemoryFaces
from workers.identities.records import FaceVector
from workers.identities.vault import MemoryVault

UID = "col_" + "a" * 32


def faces(count: int, *, person_id: str = "ann", first: int = 0) -> list[FaceVector]:
    vectors = np.random.default_rng(first).standard_normal((count, 8)).astype("<f2")
    return [
        FaceVector(
            face_id=f"face_{first + number:032x}", person_id=person_id, vector=vector.tobytes()
        )
        for number, vector in enumerate(vectors)
    ]


class World:
    """A store with some faces, and snapshots of their index."""

    def __init__(self) -> None:
        self.store = MemoryFaces()
        self.store.create(UID)
        self.store.add(UID, faces(40))
        self.store.add(UID, faces(3, person_id="bob", first=1000))
        self.blobs = MemoryBlobs()
        self.seals = VaultSeals(MemoryVault())
        self.seals.create(UID)
        self.snapshots = Snapshots(self.blobs, self.seals, self.store, exact_faces=100)

    def follower(self) -> Follower:
        return Follower(UID, self.store, self.store, exact_faces=100, snapshots=self.snapshots)

    def save(self) -> int | None:
        follower = self.follower()

        def follow() -> tuple[About, FaceIndex] | None:
            follower.follow()
            return follower.about()

        return self.snapshots.save(UID, follow, lock=threading.Lock())

    def started(self) -> Follower:
        """What a process has that has just started."""
        self.store.calls.clear()
        follower = self.follower()
        follower.follow()
        return follower

    @property
    def was_scanned(self) -> bool:
        return "scan" in self.store.calls

    @property
    def content(self) -> bytes:
        return self.blobs.get(snapshot_key(UID))
