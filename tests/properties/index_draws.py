"""What the machine of indexes draws from: models, and the embedding a name has by each."""

import dataclasses
import hashlib

import numpy as np
from numpy.typing import NDArray

from workers.identities.memory_faces import EXAMPLE_CONTRACT
from workers.identities.records import EmbeddingContract

#: With 512 numbers codes are made, with 8 never.
CONTRACTS = (
    dataclasses.replace(EXAMPLE_CONTRACT, model="short", dimensions=8),
    dataclasses.replace(EXAMPLE_CONTRACT, model="long", dimensions=512),
)


def direction(name: str, dimensions: int) -> NDArray[np.float32]:
    """A direction that a name always has."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    drawn = np.random.default_rng(seed).standard_normal(dimensions)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def vector(name: str, contract: EmbeddingContract) -> bytes:
    """The embedding a face has by a model."""
    return direction(contract.model + name, contract.dimensions).astype("<f2").tobytes()
