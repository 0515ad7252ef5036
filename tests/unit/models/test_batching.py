"""Splitting many chips into runs of allowed sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.batching import batch_sizes, run_tensor
from models.errors import InferenceFailed
from models.pixels import stack_nchw
from models.session import open_session
from models.testing import tiny_embedder, tiny_onnx


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [1]), (7, [4, 2, 1]), (16, [16]), (37, [16, 16, 4, 1])],
)
def test_a_count_is_split_largest_first(count: int, expected: list[int]) -> None:
    assert batch_sizes(count, (1, 2, 4, 8, 16)) == expected


@given(count=st.integers(0, 500), buckets=st.sets(st.integers(2, 64), max_size=5))
def test_every_count_is_made_up_of_allowed_sizes(count: int, buckets: set[int]) -> None:
    sizes = batch_sizes(count, [1, *buckets])
    assert sum(sizes) == count
    assert set(sizes) <= {1, *buckets}
    assert sizes == sorted(sizes, reverse=True)


def test_sizes_without_one_are_refused() -> None:
    with pytest.raises(ValueError, match="must include 1"):
        batch_sizes(3, (2, 4))


def test_answers_keep_the_order_of_the_chips() -> None:
    session = open_session(tiny_embedder(size=3, side=2))
    chips = [np.full((2, 2, 3), (i, 2 * i, 3 * i), np.uint8) for i in range(7)]
    rows = run_tensor(session, stack_nchw(chips), (1, 2, 4))
    np.testing.assert_allclose(rows, [(i, 2 * i, 3 * i) for i in range(7)])
    assert rows.dtype == np.float32


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_answers_that_are_no_numbers_are_refused(value: float) -> None:
    session = open_session(tiny_onnx(add=value))
    with pytest.raises(InferenceFailed, match="'y' holds values that are no numbers"):
        run_tensor(session, np.zeros((3, 3), np.float32), (1, 2))
