"""Comparing queries with rows of an index: the products, and the best rows by them."""

import numkong
import numpy as np
from numpy.typing import NDArray

from workers.identities.embeddings import PRODUCT_ERROR
from workers.identities.index.vectors import Halves, Rows

Floats = NDArray[np.float32]


def products(queries: Floats, rows: Halves) -> NDArray[np.float64]:
    """About the cosine of each query with each row, (Q, N), off by at most PRODUCT_ERROR."""
    # Of equal types numkong multiplies them as they are, 28 GB/s of rows on one core. Its answer is
    # float64: asked for float32 it takes a path that is 27 times slower (7.8).
    return np.asarray(numkong.cdist(queries.astype(np.float16), rows, "dot"))


def best_rows(scores: Floats, count: int) -> tuple[Rows, float]:
    """All rows that may be among the best `count` once they are compared exactly.

    Returns:
        The rows, ascending, and the cosine that every row left out is below.
    """
    if count >= len(scores):
        return np.arange(len(scores)), -np.inf
    least = float(np.partition(scores, -count)[-count])
    return np.flatnonzero(scores >= least - 2 * PRODUCT_ERROR), least - PRODUCT_ERROR
