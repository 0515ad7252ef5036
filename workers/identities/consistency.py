"""Whether the photos of one enrolment show one person. Pure."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Consistency:
    """Places of photos, from 0, whose face may be somebody else's."""

    #: Unlike those photos that agree with each other, or with the person's faces.
    outliers: AbstractSet[int]
    #: There is nothing that tells which of them are the person's.
    doubtful: AbstractSet[int]


def consistency(
    photos: NDArray[np.float32], known: NDArray[np.float32], *, threshold: float
) -> Consistency:
    """Which photos of one person may show another one.

    Photos agree that are similar, or similar to a third that is: poses differ. Those that agree
    with the faces the person has are theirs; without such faces the largest group decides, if it
    is the only one of its size and has two photos at least.

    Args:
        photos: (N, D), each of L2 norm 1: the faces of the call.
        known: (M, D), likewise: faces the person has; M may be 0.
        threshold: Similarity from which on two faces may be one person's, -1 to 1.
    """
    everybody = frozenset(range(len(photos)))
    own: AbstractSet[int]
    groups = _groups(photos @ photos.T >= threshold)
    if len(known):
        near = set(np.flatnonzero((photos @ known.T >= threshold).any(axis=1)).tolist())
        own = frozenset(place for group in groups if group & near for place in group)
    else:
        own = _largest(groups) if len(photos) > 1 else everybody
    if own:
        return Consistency(outliers=everybody - own, doubtful=frozenset())
    return Consistency(outliers=frozenset(), doubtful=everybody)


def _groups(alike: NDArray[np.bool_]) -> list[set[int]]:
    """Connected components of a symmetric (N, N) relation."""
    left = set(range(len(alike)))
    groups = []
    while left:
        group, edge = set[int](), [left.pop()]
        while edge:
            place = edge.pop()
            group.add(place)
            reached = left & set(np.flatnonzero(alike[place]).tolist())
            left -= reached
            edge += reached
        groups.append(group)
    return groups


def _largest(groups: Sequence[AbstractSet[int]]) -> AbstractSet[int]:
    """The only largest group; empty when there is none, or it is a single photo."""
    sizes = sorted((len(group) for group in groups), reverse=True)
    if sizes[0] < 2 or sizes[1:2] == sizes[:1]:  # noqa: PLR2004 - two photos agree
        return frozenset()
    return max(groups, key=len)
