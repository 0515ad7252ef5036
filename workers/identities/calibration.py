"""Thresholds measured on a collection's own faces: every pair of them, and everybody searched for.

A rate that the sample can't support is left out with its reason; none is extrapolated.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.all_pairs import LEAST_ACCEPTED, RATES, PairScores, pair_scores
from models.evaluation.pair_intervals import (
    CrossPairs,
    cross_interval,
    effective_trials,
    person_interval,
)
from models.evaluation.scores import threshold_at, wilson_share
from workers.identities.records import CalibratedPoint, CalibratedSearch

#: False accept rates that are tried: in finer steps than the catalogue's, so that a search among
#: many faces finds one that is just strict enough.
CALIBRATED_RATES = tuple(
    float(f"{digit}e-{power}")
    for power, digit in ((2, 1), *itertools.product(range(3, 9), (5, 2, 1)))
)
#: Shares of strangers that are tried for searches.
CALIBRATED_FPIRS = tuple(
    float(f"{digit}e-{power}")
    for power, digit in ((1, 2), (1, 1), *itertools.product(range(2, 5), (5, 2, 1)))
)
#: How many times its rate a threshold's interval may reach: of ten independent pairs it is 1.84.
MOST_OVER = 2.0
#: With fewer persons the variance between them can't be judged (A. C. Cameron, J. B. Gelbach and
#: D. L. Miller, 2008: from 20 to 50 groups on).
LEAST_PERSONS = 30
#: By how much a collection may grow before its searches must be calibrated again.
GROWTH = 1.2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FaceSample:
    """Faces of a collection, whole persons only."""

    #: (N, D) float32, each of L2 norm 1.
    vectors: NDArray[np.float32]
    #: (N,) whose each is.
    persons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PairCalibration:
    """What the pairs of a sample say."""

    points: tuple[CalibratedPoint, ...]
    #: Rates of the catalogue that the sample can't support, each with its reason.
    unsupported: tuple[tuple[float, str], ...]
    scores: PairScores


def calibrate_pairs(sample: FaceSample) -> PairCalibration:
    """Thresholds at each of CALIBRATED_RATES that the sample supports.

    A rate is supported when ten or more pairs may be accepted, of 30 or more persons, and the 95 %
    interval of the rate that was met reaches at most its double.
    """
    scores = pair_scores(sample.vectors, sample.persons)
    points: list[CalibratedPoint] = []
    unsupported: list[tuple[float, str]] = []
    for far in CALIBRATED_RATES:
        found = _point(scores, far)
        if isinstance(found, CalibratedPoint):
            points.append(found)
        elif any(math.isclose(far, rate) for rate in RATES):
            unsupported.append((far, found))
    return PairCalibration(points=tuple(points), unsupported=tuple(unsupported), scores=scores)


def calibrate_searches(
    nearest: NDArray[np.float32], persons: tuple[str, ...], *, faces: int, collection_faces: int
) -> tuple[CalibratedSearch, ...]:
    """Thresholds for searches, from a search for each face among the faces of all others.

    Each person is a stranger to the others once. For each of CALIBRATED_FPIRS the lowest threshold
    is taken at which the upper end of the 95 % interval is no more, so that the share of strangers
    is kept with 97.5 % confidence, also when the collection has grown by a fifth.

    Args:
        nearest: (N,) cosine with the most similar face of another person.
        persons: (N,) whose each face is.
        faces: How many faces each was searched for among, at least.
        collection_faces: How many the collection has.
    """
    _, ids = np.unique(np.array(persons), return_inverse=True)
    if len(ids) == 0 or int(ids.max()) + 1 < LEAST_PERSONS or faces < 1:
        return ()
    kept = round(collection_faces * GROWTH)
    # By the union bound k times the faces let k times as many strangers through.
    scale = max(1.0, kept / faces)
    order = np.argsort(-nearest, kind="stable")
    found = [_search(nearest[order], ids[order], fpir, scale, kept) for fpir in CALIBRATED_FPIRS]
    return tuple(search for search in found if search is not None)


def _point(scores: PairScores, far: float) -> CalibratedPoint | str:
    """The threshold at a rate, or why there is none."""
    allowed = far * scores.impostor_count
    if allowed < LEAST_ACCEPTED * (1 - 1e-9):
        return (
            f"{scores.impostor_count} pairs of different persons;"
            f" {math.ceil(LEAST_ACCEPTED / far - 1e-6)} are needed."
        )
    if len(scores.photos) < LEAST_PERSONS:
        return f"{len(scores.photos)} persons; {LEAST_PERSONS} are needed."
    threshold = threshold_at(scores.impostors, far, total=scores.impostor_count)
    assert threshold is not None  # noqa: S101 - ten pairs or more may be accepted
    accepted = scores.strangers[scores.impostors >= np.float32(threshold)]
    low, high = cross_interval(
        CrossPairs(faces=scores.photos, one=accepted[:, 0], other=accepted[:, 1])
    )
    if high > MOST_OVER * far:
        return f"So few persons make its pairs alike that it may really be up to {high:.2g}."
    tar, tar_low, tar_high = _accepted(scores, threshold)
    return CalibratedPoint(
        far=far,
        similarity=threshold,
        far_low=low,
        far_high=high,
        tar=tar,
        tar_low=tar_low,
        tar_high=tar_high,
    )


def _accepted(
    scores: PairScores, threshold: float
) -> tuple[float, float, float] | tuple[None, None, None]:
    """The true accept rate with its interval; none without pairs of one person."""
    if not len(scores.genuine):
        return None, None, None
    _, groups = np.unique(scores.person, return_inverse=True)
    accepted = np.bincount(groups, scores.genuine >= np.float32(threshold)).astype(np.intp)
    low, high = person_interval(accepted, np.bincount(groups))
    return scores.accepted(threshold), low, high


def _search(
    nearest: NDArray[np.float32], ids: NDArray[np.intp], fpir: float, scale: float, kept: int
) -> CalibratedSearch | None:
    """The lowest threshold that keeps a share of strangers; None: the sample is too small for it.

    Args:
        nearest: Falling.
        ids: Number of the person of each.
        fpir: The share.
        scale: How many times as many strangers a collection of `kept` faces lets through.
        kept: See CalibratedSearch.faces.
    """
    totals = np.bincount(ids)
    most = min(len(nearest) - 1, math.floor(fpir / scale * len(nearest)))
    for count in range(most, -1, -1):
        # Equal scores can't be told apart: all of them are refused.
        threshold = (math.floor(float(nearest[count]) * 1e4 + 1e-2) + 1) / 1e4
        accepted = int((nearest >= np.float32(threshold)).sum())
        share = accepted / len(nearest)
        if _upper(np.bincount(ids[:accepted], minlength=len(totals)), totals) * scale <= fpir:
            return CalibratedSearch(fpir=fpir, similarity=threshold, measured=share, faces=kept)
    return None


def _upper(accepted: NDArray[np.intp], totals: NDArray[np.intp]) -> float:
    """The upper end of the interval, with half as many trials.

    Two persons who are taken for each other reach the threshold both or neither, so in the worst
    case the trials are couples.
    """
    total, share = int(totals.sum()), float(accepted.sum() / totals.sum())
    trials = float(len(totals))
    if 0 < share < 1:
        variance = float(((accepted - share * totals) ** 2).sum()) / total**2
        trials = effective_trials(share, variance, total)
    return wilson_share(share, trials / 2)[1]
