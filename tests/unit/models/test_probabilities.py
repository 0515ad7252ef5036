"""What a network publishes as probabilities is checked before it counts."""

import numpy as np
import pytest

from models.errors import InferenceFailed
from models.probabilities import shares_of


def test_rounding_is_taken_away() -> None:
    shares = shares_of(np.array([0.252, 0.752, -0.001], np.float32), model="net")
    assert shares == pytest.approx([0.252 / 1.004, 0.752 / 1.004, 0])
    assert shares.dtype == np.float64


@pytest.mark.parametrize(
    "row",
    [
        [np.nan, 1.0],
        [np.inf, 0.0],
        [-np.inf, 1.0],
        [1.0, 1.0],
        [0.0, 0.0],
        [3e38, 3e38],
        [1.5, -0.5],
    ],
)
def test_what_are_no_probabilities_are_refused(row: list[float]) -> None:
    with pytest.raises(InferenceFailed, match=r"net: .* no probabilities"):
        shares_of(np.array(row, np.float64), model="net")
