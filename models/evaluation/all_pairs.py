"""Every pair of a set of embeddings: all of one person, and the most alike of different ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.scores import threshold_at
from models.spec import OperatingPoint, VerificationThresholds

#: False accept rates that thresholds are measured at.
RATES = (1e-2, 1e-3, 1e-4, 1e-5)
#: A rate is measured only where so many impostor pairs may be accepted: with fewer, one photo more
#: or less would move the threshold.
LEAST_ACCEPTED = 10
#: Steps of a histogram of cosines: each is 0.02 wide.
HISTOGRAM_BINS = 100
#: Embeddings compared at a time with all others.
_BLOCK = 512


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairScores:
    """Cosines of all pairs of a set."""

    #: (G,) of pairs of one person.
    genuine: NDArray[np.float32]
    #: (G,) number of the person of each genuine pair.
    person: NDArray[np.intp]
    #: The highest of pairs of different persons, falling: enough for the largest of RATES.
    impostors: NDArray[np.float32]
    #: How many pairs of different persons there are.
    impostor_count: int
    #: (I, 2) numbers of the two persons of each of `impostors`.
    strangers: NDArray[np.intp]
    #: (P,) photos of each person.
    photos: NDArray[np.intp]
    #: How many pairs have which cosine: HISTOGRAM_BINS equal steps from -1 to 1.
    genuine_histogram: NDArray[np.intp]
    impostor_histogram: NDArray[np.intp]

    def accepted(self, threshold: float) -> float:
        """True accept rate at a threshold, 0 to 1."""
        return float((self.genuine >= threshold).mean())


def pair_scores(vectors: NDArray[np.float32], people: Sequence[str]) -> PairScores:
    """Compare all embeddings with each other, in blocks.

    Args:
        vectors: (N, D) float32, each of L2 norm 1.
        people: (N,) who each is.
    """
    _, ids = np.unique(np.array(people), return_inverse=True)
    photos = np.bincount(ids)
    genuine_count = int((photos * (photos - 1) // 2).sum())
    impostor_count = len(ids) * (len(ids) - 1) // 2 - genuine_count
    kept = math.floor(max(RATES) * impostor_count) + 1
    genuine: list[NDArray[np.float32]] = []
    persons: list[NDArray[np.intp]] = []
    highest = _Highest(kept)
    histogram = np.zeros(HISTOGRAM_BINS, np.intp)
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors[start:].T
        rows = np.arange(len(cosines))[:, None]
        is_pair = np.arange(cosines.shape[1])[None, :] > rows
        alike = ids[start : start + _BLOCK, None] == ids[None, start:]
        genuine.append(cosines[is_pair & alike])
        persons.append(ids[start + np.nonzero(is_pair & alike)[0]])
        of_two = is_pair & ~alike
        histogram += _histogram(cosines[of_two])
        one, other = np.nonzero(of_two & (cosines >= highest.least))
        highest.add(cosines[one, other], np.stack([ids[start + one], ids[start + other]], axis=1))
    order = np.argsort(-highest.scores, kind="stable")
    every = np.concatenate(genuine)
    return PairScores(
        genuine=every,
        person=np.concatenate(persons),
        impostors=highest.scores[order],
        impostor_count=impostor_count,
        strangers=highest.strangers[order],
        photos=photos,
        genuine_histogram=_histogram(every),
        impostor_histogram=histogram,
    )


def measured_thresholds(scores: PairScores, *, origin: str) -> VerificationThresholds | None:
    """Thresholds at each of RATES for which the set has pairs enough; None when it has for none.

    Args:
        scores: Of all pairs.
        origin: Data set and command, for whoever reads the thresholds.
    """
    points = []
    for far in RATES:
        threshold = threshold_at(scores.impostors, far, total=scores.impostor_count)
        if threshold is None or far * scores.impostor_count < LEAST_ACCEPTED:
            continue
        tar = round(scores.accepted(threshold), 4)
        points.append(OperatingPoint(far=far, similarity=threshold, tar=tar))
    if not points or not len(scores.genuine):
        return None
    return VerificationThresholds(
        points=tuple(points),
        genuine_pairs=len(scores.genuine),
        impostor_pairs=scores.impostor_count,
        origin=origin,
    )


class _Highest:
    """The highest scores so far, with whose they are."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.scores = np.empty(0, np.float32)
        self.strangers = np.empty((0, 2), np.intp)

    @property
    def least(self) -> float:
        """Scores below it need not be added."""
        return float(self.scores.min()) if len(self.scores) == self._count else -np.inf

    def add(self, scores: NDArray[np.float32], strangers: NDArray[np.intp]) -> None:
        """Take up what belongs to the highest."""
        every = np.concatenate([self.scores, scores])
        whose = np.concatenate([self.strangers, strangers])
        surplus = max(0, len(every) - self._count)
        taken = np.argpartition(every, surplus)[surplus:] if surplus else slice(None)
        self.scores, self.strangers = every[taken], whose[taken]


def _histogram(cosines: NDArray[np.float32]) -> NDArray[np.intp]:
    steps = ((cosines + 1) * (HISTOGRAM_BINS / 2)).astype(np.intp)
    return np.bincount(np.clip(steps, 0, HISTOGRAM_BINS - 1), minlength=HISTOGRAM_BINS)
