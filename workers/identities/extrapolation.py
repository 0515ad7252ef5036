"""A threshold for searches among more faces than any measured one suits."""

import math
from collections.abc import Mapping
from dataclasses import replace

from workers.identities.levels import IdentifyLevels

#: How far two rates may be apart and still be the same one.
SAME_RATE = 1e-6
#: The step between the catalogue's thresholds.
DECADE = 10
#: The points of a line span so much at least, from 1e-2 to 3e-3 for instance.
LEAST_DECADES = 0.5


def beyond_measured(levels: IdentifyLevels, known: Mapping[float, float]) -> IdentifyLevels:
    """Stricter levels than any that were measured, on a line against the rate's logarithm.

    The line goes on from each measured threshold with the slope between the loosest and the
    strictest, and the highest counts. The tail of a normal distribution rises less with each decade
    than with the one before, so the line lies above it; docs/explanation/thresholds.md has how it
    did on thresholds that were held out. Where the points span less than half a decade there is no
    line, and nothing is changed.

    Args:
        levels: The strictest measured ones, which don't keep the rate asked for.
        known: By measured similarity the share of strangers who reach it at most.
    """
    if levels.fpir is None or not levels.points:
        return levels
    loosest, strictest = levels.points[0], levels.points[-1]
    decades = math.log10(loosest.far / strictest.far)
    if decades < LEAST_DECADES:
        return levels
    slope = (strictest.similarity - loosest.similarity) / decades
    aimed = max(
        similarity + slope * math.log10(share / levels.fpir) for similarity, share in known.items()
    )
    threshold = min(1.0, math.ceil(aimed * 1e4) / 1e4)
    return replace(
        levels,
        threshold=threshold,
        uncertain=min(threshold, max(levels.uncertain, threshold - slope)),
        far=None,
        is_extrapolated=True,
    )


def is_same(one: float, other: float) -> bool:
    """Whether two rates are one, whatever binary fractions made of it."""
    return math.isclose(one, other, rel_tol=SAME_RATE)


def is_decade(far: float, stricter: float) -> bool:
    """Whether a rate is ten times another or more."""
    return far >= stricter * DECADE * (1 - SAME_RATE)
