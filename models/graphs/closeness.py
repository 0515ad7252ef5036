"""How close the embeddings of an 8-bit graph are to float32's, and whether that is close enough."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import VariantRefused

#: Median cosine of the two embeddings of one chip from which the thresholds measured with fp32 are
#: taken to hold for int8 too. At 0.997 SFace decides as many LFW pairs rightly as in fp32, and two
#: fewer of 1,880 with fp32 on one side and int8 on the other; see
#: docs/explanation/graph-variants.md.
MIN_MEDIAN_COSINE = 0.995


@dataclass(frozen=True, kw_only=True, slots=True)
class Closeness:
    """Cosines between two graphs' embeddings of the same chips, -1 to 1."""

    median: float
    lowest: float
    #: How many chips.
    count: int


def closeness(expected: NDArray[Any], found: NDArray[Any]) -> Closeness:
    """Compare embeddings row by row.

    Args:
        expected: (N, D), N at least 1.
        found: (N, D).
    """
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # A row without length is close to nothing.
        cosines = np.nan_to_num((expected * found).sum(axis=1) / lengths, nan=-1.0)
    return Closeness(
        median=float(np.median(cosines)), lowest=float(cosines.min()), count=len(cosines)
    )


def require_close(name: str, measured: Closeness) -> None:
    """Refuse embeddings that stray.

    Raises:
        VariantRefused: the median cosine is below MIN_MEDIAN_COSINE; the message has the figure.
    """
    # Written so that a NaN fails too.
    if not measured.median >= MIN_MEDIAN_COSINE:
        raise VariantRefused(
            f"{name}: the median cosine to fp32 is {measured.median:.4f} on {measured.count}"
            f" chips, at least {MIN_MEDIAN_COSINE} is needed."
        )
