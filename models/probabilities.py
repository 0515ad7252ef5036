"""The probabilities of exclusive classes as a network publishes them: checked before they count."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import InferenceFailed

#: How far the sum of published probabilities may be from 1: float32 and float16 exports round.
SUM_TOLERANCE = 1e-2


def shares_of(row: NDArray[np.floating[Any]], *, model: str) -> NDArray[np.float64]:
    """Published probabilities, (C,), freed from rounding: none below 0, sum 1.

    Args:
        row: What the network answered.
        model: Its name, for the message.

    Raises:
        InferenceFailed: they are no probabilities.
    """
    exact = row.astype(np.float64)
    # Written so that a NaN fails too.
    if not (abs(exact.sum() - 1) <= SUM_TOLERANCE and exact.min() >= -SUM_TOLERANCE):
        raise InferenceFailed(
            f"{model}: the network's classes are no probabilities. Its weights are damaged, or the"
            " runtime computes wrongly on this device."
        )
    clipped = exact.clip(min=0)
    shares: NDArray[np.float64] = clipped / clipped.sum()
    return shares
