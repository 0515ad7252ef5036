"""Thresholds, rates and their intervals from scores: arrays in, numbers out.

A score is a similarity: the higher, the more alike. A threshold accepts what reaches it.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

#: Quantile of the normal distribution for two-sided 95 %.
_Z95 = 1.959964
#: Resamples of a bootstrap: the ends of a 95 % interval then rest on 25 of them each.
RESAMPLES = 1000


def wilson(successes: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share of independent trials (Wilson, 1927).

    Args:
        successes: 0 to total.
        total: At least 1.
    """
    return wilson_share(successes / total, total)


def wilson_share(share: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, for so many independent trials.

    Args:
        share: 0 to 1.
        trials: More than 0; no whole number where dependent trials count as fewer.
    """
    z2 = _Z95**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    reach = _Z95 * spread / (1 + z2 / trials)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def grouped_interval(
    successes: NDArray[np.integer], totals: NDArray[np.integer]
) -> tuple[float, float]:
    """The 95 % interval of a share whose trials come in groups that are not independent inside.

    Groups (persons) are resampled. Where every trial ended alike that says nothing, so the groups
    count as one trial each in Wilson's interval.

    Args:
        successes: (G,) of each group.
        totals: (G,) trials of each group, each at least 1.
    """
    groups = len(totals)
    if successes.sum() in {0, totals.sum()}:
        return wilson(groups if successes.sum() else 0, groups)
    draws = _draws(np.random.default_rng(0), groups)
    low, high = np.percentile((draws @ successes) / (draws @ totals), [2.5, 97.5])
    return float(low), float(high)


def auc_interval(genuine: Floats, impostors: Floats) -> tuple[float, float]:
    """The 95 % interval of the area under the ROC curve: both kinds of pairs are resampled.

    Args:
        genuine: (G,) scores of what should be accepted.
        impostors: (I,) scores of what should not.
    """
    rng = np.random.default_rng(0)
    ranked = np.sort(impostors)
    weights = _draws(rng, len(ranked))
    below = np.concatenate([np.zeros((RESAMPLES, 1)), np.cumsum(weights, axis=1)], axis=1)
    # For each genuine score the impostors below it, and half of those equal to it.
    first, last = (np.searchsorted(ranked, genuine, side=side) for side in ("left", "right"))
    beaten = (below[:, first] + below[:, last]) / 2
    areas = (_draws(rng, len(genuine)) * beaten).sum(axis=1) / (len(genuine) * len(ranked))
    low, high = np.percentile(areas, [2.5, 97.5])
    return float(low), float(high)


def _draws(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """How often each of so many items is drawn, for each resample: (RESAMPLES, count)."""
    return rng.multinomial(count, np.full(count, 1 / count), RESAMPLES)


def best_threshold(scores: Floats, same: Bools) -> float:
    """The threshold that judges most pairs right; of several, the middle one.

    Thresholds lie halfway between neighbouring scores, so that none falls on a score.

    Args:
        scores: (N,), at least one.
        same: (N,), whether a pair is of one person.
    """
    order = np.argsort(scores, kind="stable")
    ranked, is_same = scores[order].astype(np.float64), same[order]
    # Cut k accepts all but the k lowest scores: right are the different ones below and the same
    # ones above.
    below = np.concatenate([[0], np.cumsum(~is_same)])
    above = np.concatenate([np.cumsum(is_same[::-1])[::-1], [0]])
    right = below + above
    # Equal scores can't be told apart, so no cut lies between them.
    right[1:-1][np.diff(ranked) == 0] = -1
    cuts = np.flatnonzero(right == right.max())
    edges = np.concatenate([[ranked[0] - 1e-6], ranked, [ranked[-1] + 1e-6]])
    cut = int(cuts[len(cuts) // 2])
    return float((edges[cut] + edges[cut + 1]) / 2)


def threshold_at(impostors: Floats, far: float, *, total: int | None = None) -> float | None:
    """The lowest threshold of four decimals that accepts no larger share of impostors than asked.

    Args:
        impostors: Scores of pairs of different persons; the highest suffice, in any order.
        far: False accept rate, 0 to 1.
        total: How many impostors there are, if only the highest are given.

    Returns:
        None when there are too few pairs: less than one of them may be accepted.

    Raises:
        ValueError: fewer of the highest scores are given than the rate needs.
    """
    # A share such as 0.01 of 300 must be three, whatever binary fractions make of it.
    allowed = math.floor(far * (total or len(impostors)) + 1e-9)
    if allowed < 1:
        return None
    if allowed >= len(impostors):
        raise ValueError(f"The {allowed + 1} highest scores are needed, got {len(impostors)}.")
    # The highest score that must be refused; ties with it are refused too.
    refused = float(-np.partition(-impostors.astype(np.float64), allowed)[allowed])
    # A cosine is known to about 1e-7, so one that close below a step belongs to it.
    steps = math.floor(refused * 1e4 + 1e-2) + 1
    return steps / 1e4
