"""Faces in directions of the test's choice, and searches for them."""

import numpy as np
from numpy.typing import NDArray

from workers.identities.memory_faces import EXAMPLE_CONTRACT
from workers.identities.records import EmbeddingContract, FaceVector
from workers.identities.search import FaceSearcher, Found

UID, OTHER = "col_" + "a" * 32, "col_" + "b" * 32
SIXTEEN = EmbeddingContract(
    model="larger", sha256="1" * 64, preprocessing_version="1", dimensions=16
)
Floats = NDArray[np.float32]


def unit(*numbers: float, dimensions: int = 8) -> Floats:
    """A direction: these numbers and zeros."""
    vector = np.zeros(dimensions, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


def face(number: int, person_id: str, vector: Floats) -> FaceVector:
    return FaceVector(
        face_id=f"face_{number:032x}", person_id=person_id, vector=vector.astype("<f2").tobytes()
    )


def search(
    searcher: FaceSearcher,
    *queries: Floats,
    persons: int = 5,
    uid: str = UID,
    contract: EmbeddingContract = EXAMPLE_CONTRACT,
) -> Found:
    return searcher.search(uid, np.stack(queries), contract=contract, persons=persons)


def named(found: Found) -> list[list[str]]:
    return [[one.person_id for one in candidates] for candidates in found.candidates]
