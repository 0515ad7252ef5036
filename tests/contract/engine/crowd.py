"""Collections of people nobody knows, and what PostgreSQL has of them."""

import numpy as np
import psycopg
from numpy.typing import NDArray

from workers.identities.engine.searcher import EngineSearcher
from workers.identities.memory_faces import MemoryFaces
from workers.identities.records import EmbeddingContract, FaceVector

UID = "col_" + "a" * 32
CONTRACT = EmbeddingContract(
    model="example", sha256="0" * 64, preprocessing_version="1", dimensions=64
)
Floats = NDArray[np.float32]
Session = psycopg.Connection[tuple[object, ...]]


def vectors(seed: int, count: int) -> Floats:
    found = np.random.default_rng(seed).normal(size=(count, 64)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def enrol(faces: MemoryFaces, matrix: Floats, first: int = 0, *, uid: str = UID) -> None:
    """Each row a person of its own."""
    for number, vector in enumerate(matrix, start=first):
        face = FaceVector(
            face_id=f"face_{number:032x}",
            person_id=f"p{number}",
            vector=vector.astype("<f2").tobytes(),
        )
        faces.add(uid, [face])


def best(searcher: EngineSearcher, queries: Floats) -> list[str]:
    found = searcher.search(UID, queries, contract=CONTRACT, persons=1)
    return [candidates[0].person_id for candidates in found.candidates]


def tables(session: Session) -> list[str]:
    found = session.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'facesocial'")
    return sorted(str(name) for (name,) in found if name != "places")
