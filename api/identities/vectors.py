"""Embeddings without numpy: few numbers, checked one by one."""

import math
import operator
import struct
from collections.abc import Sequence

#: How far a norm may be from 1 for the embedding to count as normalised; float16 is far nearer.
NORM_TOLERANCE = 0.01
#: Nearer than this the numbers are left as they are, so that what was exported comes back the same.
_SAME_NORM = 1e-3


class WrongEmbedding(ValueError):
    """The numbers are no embedding; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _norm_of(vector: Sequence[float]) -> float:
    """Euclidean length.

    Raises:
        WrongEmbedding: a number is not finite, or they are too large.
    """
    length = math.hypot(*vector)
    if not math.isfinite(length):
        raise WrongEmbedding("embedding_not_finite", "A number of the embedding is not finite.")
    return length


def normalised(vector: Sequence[float]) -> Sequence[float]:
    """The vector with L2 norm 1, which it has nearly.

    Raises:
        WrongEmbedding: it is not of norm 1 within NORM_TOLERANCE.
    """
    length = _norm_of(vector)
    if abs(length - 1) > NORM_TOLERANCE:
        raise WrongEmbedding(
            "embedding_norm",
            f"The embedding's norm is {length:.4g}: expected 1, as analyses tell embeddings.",
        )
    if abs(length - 1) <= _SAME_NORM:
        return vector
    return [value / length for value in vector]


def cosine(first: Sequence[float], second: Sequence[float]) -> float:
    """Cosine of the angle between two vectors, -1 to 1.

    Raises:
        WrongEmbedding: their lengths differ, or one is no direction.
    """
    if len(first) != len(second):
        raise WrongEmbedding(
            "embedding_dimensions",
            f"Embeddings of {len(first)} and of {len(second)} numbers can't be compared.",
        )
    lengths = _norm_of(first) * _norm_of(second)
    if not lengths or not math.isfinite(lengths):
        raise WrongEmbedding("embedding_norm", "An embedding has no direction.")
    product: float = sum(map(operator.mul, first, second))
    return max(-1.0, min(1.0, product / lengths))


def as_float16(vector: Sequence[float]) -> bytes:
    """The numbers as float16, little endian."""
    return struct.pack(f"<{len(vector)}e", *vector)


def as_float32(vector: Sequence[float]) -> bytes:
    """The numbers as float32, little endian."""
    return struct.pack(f"<{len(vector)}f", *vector)


def of_float16(content: bytes) -> list[float]:
    """The numbers of float16, little endian."""
    return list(struct.unpack(f"<{len(content) // 2}e", content))


def of_float32(content: bytes) -> list[float]:
    """The numbers of float32, little endian.

    Raises:
        WrongEmbedding: that is no whole number of numbers.
    """
    if len(content) % 4:
        raise WrongEmbedding("embedding_dimensions", "The embedding ends inside a float32.")
    return list(struct.unpack(f"<{len(content) // 4}f", content))
