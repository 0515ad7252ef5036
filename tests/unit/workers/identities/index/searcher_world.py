"""Three collections, and a process that searches them."""

import numpy as np

from workers.blobs.store import MemoryBlobs
from workers.identities.index.searcher import LocalSearcher
from workers.identities.index.snapshots import Snapshots
from workers.identities.keys import VaultSeals
from workers.identities.memory_faces import EXAMPLE_CONTRACT, MemoryFaces
from workers.identities.records import EmbeddingContract, FaceVector
from workers.identities.search import Found
from workers.identities.vault import MemoryVault

ONE, TWO, THREE = ("col_" + letter * 32 for letter in "abc")
#: A megabyte holds some 450 faces of it.
LONG = EmbeddingContract(model="m", sha256="", preprocessing_version="1", dimensions=1024)
BOX = "box:1"


def faces(count: int, contract: EmbeddingContract, *, first: int = 0) -> list[FaceVector]:
    dice = np.random.default_rng(first)
    vectors = dice.standard_normal((count, contract.dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [
        FaceVector(
            face_id=f"face_{first + n:032x}", person_id="ann", vector=vector.astype("<f2").tobytes()
        )
        for n, vector in enumerate(vectors)
    ]


class World:
    """Three collections, the first of them small, and a process that searches."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = MemoryFaces()
        for uid, contract, count in (
            (ONE, EXAMPLE_CONTRACT, 3),
            (TWO, LONG, 300),
            (THREE, LONG, 300),
        ):
            self.store.create(uid, contract)
            self.store.add(uid, faces(count, contract))
        self.blobs = MemoryBlobs()
        seals = VaultSeals(MemoryVault())
        for uid in (ONE, TWO, THREE):
            seals.create(uid)
        self.snapshots = Snapshots(self.blobs, seals, self.store, exact_faces=100, least_faces=100)
        self.searcher = LocalSearcher(
            self.store,
            self.store,
            index_mb=1,
            exact_faces=100,
            process=BOX,
            snapshots=self.snapshots,
            clock=lambda: self.now,
        )

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds

    def search(self, uid: str) -> Found:
        contract = EXAMPLE_CONTRACT if uid == ONE else LONG
        queries = np.eye(1, contract.dimensions, dtype=np.float32)
        return self.searcher.search(uid, queries, contract=contract, persons=1)
