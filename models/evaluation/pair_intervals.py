"""95 % intervals of rates over pairs of faces; pairs that share a person depend on each other.

Wilson's interval with the number of independent trials that would vary as much: R. Fogliato,
P. Patil and P. Perona, "Confidence Intervals for Error Rates in 1:1 Matching Tasks" (2024,
doi:10.1007/s11263-024-02078-8, arXiv:2306.01198), who found it to hold its level where resampling
persons does not. Nothing is drawn at random.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.scores import wilson_share


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CrossPairs:
    """Which pairs of faces of different persons were accepted."""

    #: (P,) faces of each person, each at least 1.
    faces: NDArray[np.intp]
    #: (A,), (A,) the two persons of each accepted pair, by number.
    one: NDArray[np.intp]
    other: NDArray[np.intp]

    @property
    def total(self) -> int:
        """Pairs of different persons there are."""
        return pairs_between(self.faces)


def pairs_between(faces: NDArray[np.intp]) -> int:
    """Pairs of faces of different persons, for (P,) faces of each person."""
    every = int(faces.sum())
    return (every**2 - int((faces**2).sum())) // 2


def cross_interval(pairs: CrossPairs) -> tuple[float, float]:
    """The interval of the share of pairs of different persons that were accepted.

    Two pairs vary together if they share a person; so the variance is that of sums by person, less
    what is counted twice (M. Fafchamps and F. Gubert, 2007, without weights). It is taken to be no
    less than that of independent pairs.
    """
    total, accepted = pairs.total, len(pairs.one)
    share = accepted / total
    if accepted in {0, total}:
        # Nothing varies, so only disjoint pairs of persons count as trials.
        return wilson_share(share, len(pairs.faces) / 2)
    every = pairs.faces.sum()
    by_person = np.bincount(
        np.concatenate([pairs.one, pairs.other]), minlength=len(pairs.faces)
    ) - share * pairs.faces * (every - pairs.faces)
    variance = (float((by_person**2).sum()) - _by_couple(pairs, share)) / total**2
    return wilson_share(share, effective_trials(share, variance, total))


def person_interval(
    accepted: NDArray[np.integer], totals: NDArray[np.integer]
) -> tuple[float, float]:
    """The interval of a share of trials that depend on each other if they are of one person.

    Args:
        accepted: (P,) of each person.
        totals: (P,) trials of each person, each at least 1.
    """
    total, share = int(totals.sum()), float(accepted.sum() / totals.sum())
    if share in {0.0, 1.0}:
        return wilson_share(share, len(totals))
    variance = float(((accepted - share * totals) ** 2).sum()) / total**2
    return wilson_share(share, effective_trials(share, variance, total))


def effective_trials(share: float, variance: float, total: int) -> float:
    """How many independent trials vary as much; at least one, at most `total`.

    Args:
        share: More than 0, less than 1.
        variance: Of the share.
        total: How many trials there were.
    """
    alone = share * (1 - share)
    return max(1.0, alone / max(variance, alone / total))


def _by_couple(pairs: CrossPairs, share: float) -> float:
    """The sum of squares over couples of persons, of which only those accepted are looked at."""
    low, high = np.minimum(pairs.one, pairs.other), np.maximum(pairs.one, pairs.other)
    couples, counts = np.unique(low * len(pairs.faces) + high, return_counts=True)
    sizes = pairs.faces[couples // len(pairs.faces)] * pairs.faces[couples % len(pairs.faces)]
    squares = pairs.faces.astype(np.float64) ** 2
    every = (squares.sum() ** 2 - (squares**2).sum()) / 2
    return float((counts**2 - 2 * share * counts * sizes).sum() + share**2 * every)
