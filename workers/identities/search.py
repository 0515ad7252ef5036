"""Searching a collection: the port between the index and those who name people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workers.identities.records import EmbeddingContract


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A person a face resembles, by the most similar of the person's faces."""

    person_id: str
    face_id: str
    #: Exact cosine with the stored embedding (float16), -1 to 1.
    similarity: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a search found."""

    #: For each query, persons by falling similarity, each once.
    candidates: Sequence[Sequence[Candidate]]
    #: Version of the collection that was searched: at least the one it had when the call began.
    version: int
    #: Faces and persons that were searched.
    faces: int
    persons: int
    #: None: the collection has no faces.
    contract: EmbeddingContract | None
    #: "exact", "codes" (then exact), or an engine's name.
    index: str


class FaceSearcher(Protocol):
    """Searches collections from this process."""

    def search(
        self, uid: str, queries: NDArray[np.float32], *, contract: EmbeddingContract, persons: int
    ) -> Found:
        """The most similar persons, by what is in the store when the call begins.

        Args:
            uid: Of the collection.
            queries: (Q, D), each of L2 norm 1.
            contract: What made the queries.
            persons: How many for each query, 1 and up.

        Raises:
            ContractMismatch: the collection's embeddings are another model's.
            CollectionNotFound: there is none (any more).
            StoreUnavailable: what has changed since can't be read, so nothing is answered.
            VaultUnavailable: vectors have to be read, and the keys can't be had.
        """
        ...
