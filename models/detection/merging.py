"""What several looks at one image found, as one list without doubles: arrays in, arrays out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.detection.candidates import Candidates, join, keep
from models.geometry import suppress

#: Share of a box's area inside another look's box from which it is a part of the same face. Faces
#: that overlap so much in a photo are one behind the other; a face cut by a tile's edge lies in
#: the whole one altogether, but for the detector's inaccuracy.
MAX_CONTAINED = 0.6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Seen:
    """What one look found, doubles within it already merged."""

    #: In pixels of the whole image.
    found: Candidates
    #: (N,): whether the look's edge may have cut the face.
    cut: NDArray[np.bool_]


def merge(looks: Sequence[Seen], *, max_overlap: float) -> Candidates:
    """One candidate per face, the best first.

    A face that several looks found is taken from the look that gave the higher score, whole faces
    before cut ones. What lies inside a larger face of another look is a part of it.

    Args:
        looks: At least one.
        max_overlap: Intersection over union above which two boxes are one face.
    """
    found = join([look.found for look in looks])
    if len(looks) == 1:
        return found
    cut = np.concatenate([look.cut for look in looks])
    look = np.repeat(np.arange(len(looks)), [len(one.cut) for one in looks])
    # Scores are at most 1: every whole face comes before every cut one.
    kept = suppress(found.boxes, found.scores - cut, max_overlap=max_overlap)
    inside = _is_inside_another(found.boxes[kept], look[kept])
    return keep(found, kept[~inside])


def _is_inside_another(
    boxes: NDArray[np.floating[Any]], look: NDArray[np.integer[Any]]
) -> NDArray[np.bool_]:
    """Which boxes lie mostly inside a larger one of another look, (N,)."""
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    sides = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    shared = np.maximum(sides, 0).prod(axis=2)
    area = boxes[:, 2:].prod(axis=1)
    larger = (area[None] > area[:, None]) & (look[None] != look[:, None])
    return np.asarray((larger & (shared > MAX_CONTAINED * area[:, None])).any(axis=1))
