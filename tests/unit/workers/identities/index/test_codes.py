"""Codes leave the rows that are worth comparing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.identities.index.codes import Codes
from workers.identities.index.vectors import BLOCK_ROWS, Vectors

DIMENSIONS = 520  # no multiple of 64: the last word is padded


def drawn(count: int, *, seed: int = 1) -> NDArray[np.float16]:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSIONS), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16)


def differing(vectors: NDArray[np.float16], query: NDArray[np.float16]) -> NDArray[np.int64]:
    """Numbers of another sign."""
    counts: NDArray[np.int64] = (np.signbit(vectors) != np.signbit(query)).sum(axis=1)
    return counts


def test_the_rows_left_are_those_whose_signs_differ_least() -> None:
    vectors, query = drawn(2000), drawn(1, seed=2)[0]
    codes = Codes(DIMENSIONS)
    codes.append(vectors[:300])
    codes.append(vectors[300:])

    rows = codes.nearest(query, 700)

    counts = differing(vectors, query)
    most = np.sort(counts)[699]
    assert rows.tolist() == np.flatnonzero(counts <= most).tolist()
    assert len(rows) >= 700


def test_all_rows_are_left_where_there_are_fewer_than_wanted() -> None:
    codes = Codes(DIMENSIONS)
    codes.append(drawn(10))

    assert codes.nearest(drawn(1)[0], 10).tolist() == list(range(10))


@pytest.mark.parametrize("row", [0, 5, BLOCK_ROWS])
def test_a_row_that_is_taken_out_is_overwritten_by_the_last_one(row: int) -> None:
    vectors = drawn(BLOCK_ROWS + 1)
    codes, plain = Codes(DIMENSIONS), Vectors(DIMENSIONS)
    for one in (codes, plain):
        one.append(vectors)
        one.remove(row)

    left = plain.take(np.arange(BLOCK_ROWS))
    query = drawn(1, seed=3)[0]
    counts = differing(left, query)
    assert (
        codes.nearest(query, 100).tolist() == np.flatnonzero(counts <= np.sort(counts)[99]).tolist()
    )
    assert len(codes._blocks) == 1


def test_the_place_of_the_last_row_holds_zeros_afterwards() -> None:
    codes = Codes(DIMENSIONS)
    codes.append(drawn(3))

    codes.remove(0)

    assert not codes._blocks[0][:, 2:].any()
    assert codes._blocks[0][:, :2].any()
