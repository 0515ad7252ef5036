"""Embeddings as they are stored and compared."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.results import Embedding
from workers.identities.errors import ContractMismatch
from workers.identities.records import EmbeddingContract, FaceVector

#: float16, little endian: half the memory, and a similarity is off by less than 1e-3 (the rounding
#: of each of its 128 to 512 products is 2^-11 of it at most).
STORED = np.dtype("<f2")
#: How far a product of float16 vectors of norm 1 may be from the one with the float32 query: each
#: number is off by at most 2^-11 of itself, so the product by at most 2^-11 (Cauchy-Schwarz);
#: numbers below 2^-14 are off by at most 2^-25 each, and float32 rounds the sum.
PRODUCT_ERROR = 2.0**-11 + 2.0**-19


def contract_of(embedding: Embedding) -> EmbeddingContract:
    """What made an embedding."""
    model = embedding.model
    return EmbeddingContract(
        model=model.id,
        sha256=model.sha256,
        preprocessing_version=model.preprocessing_version,
        dimensions=len(embedding.vector),
    )


def stored_vector(embedding: Embedding) -> bytes:
    """An embedding as it is stored."""
    return embedding.vector.astype(STORED).tobytes()


def matrix_of(vectors: Sequence[FaceVector], *, dimensions: int) -> NDArray[np.float32]:
    """Stored vectors as rows of L2 norm 1: (N, dimensions).

    Raises:
        ContractMismatch: they have another length, so another model made them.
    """
    if any(len(one.vector) != dimensions * STORED.itemsize for one in vectors):
        raise ContractMismatch
    joined = b"".join(one.vector for one in vectors)
    rows = np.frombuffer(joined, STORED).reshape(len(vectors), dimensions).astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit


def queries_of(embeddings: Sequence[Embedding]) -> NDArray[np.float32]:
    """Embeddings of one model as rows: (N, D), N at least 1."""
    return np.stack([one.vector for one in embeddings]).astype(np.float32, copy=False)
