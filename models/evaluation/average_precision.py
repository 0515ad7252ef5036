"""Average precision of detections by the rules of WIDER FACE: arrays in, numbers out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.scores import RESAMPLES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Outcomes:
    """What became of all detections of a set, by descending score."""

    #: (N,)
    scores: Floats
    #: (N,): found a face that counts, first of all detections.
    hits: Bools
    #: (N,): neither that, nor on a face that does not count.
    misses: Bools
    #: (N,): index of the photo.
    photos: NDArray[np.intp]
    #: (photos,): faces that count in each photo.
    faces: NDArray[np.intp]


def overlaps(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of every box (N, 4) with every other (M, 4): (N, M).

    Boxes are x, y, width, height; those without area overlap nothing.
    """
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(
        boxes[:, None, :2] + boxes[:, None, 2:], others[None, :, :2] + others[None, :, 2:]
    )
    shared = np.clip(high - low, 0, None).prod(axis=2)
    union = boxes[:, 2:].prod(axis=1)[:, None] + others[:, 2:].prod(axis=1)[None] - shared
    result: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result


def judge(
    boxes: Floats, labelled: Floats, counted: Bools, *, min_overlap: float
) -> tuple[Bools, Bools]:
    """Which detections of one photo are hits, and which are misses; the rest does not count.

    Each detection stands for the labelled face it overlaps most. If that is one that does not
    count, neither does the detection; if a better detection stands for it already, it is a miss.

    Args:
        boxes: (N, 4): x, y, width, height, by descending score.
        labelled: (M, 4).
        counted: (M,): whether the face counts.
        min_overlap: Intersection over union from which a detection stands for a face.
    """
    if not len(boxes) or not len(labelled):
        return np.zeros(len(boxes), bool), np.ones(len(boxes), bool)
    shared = overlaps(boxes, labelled)
    face = shared.argmax(axis=1)
    on_face = shared.max(axis=1) >= min_overlap
    on_counted = on_face & counted[face]
    first = np.zeros(len(boxes), bool)
    (candidates,) = np.nonzero(on_counted)
    first[candidates[np.unique(face[candidates], return_index=True)[1]]] = True
    ignored = on_face & ~counted[face]
    return first, ~first & ~ignored


def precision_recall(
    outcomes: Outcomes, times: NDArray[np.intp] | None = None
) -> tuple[Floats, Floats]:
    """Precision and recall at every score, from the highest on.

    Args:
        outcomes: At least one face must count.
        times: (photos,): how often each photo is taken; once when not given.
    """
    taken = np.ones(len(outcomes.faces), np.intp) if times is None else times
    weights = taken[outcomes.photos]
    hits = np.cumsum(weights * outcomes.hits)
    judged = hits + np.cumsum(weights * outcomes.misses)
    # Equal scores are not told apart by any threshold: only the last of them is a point.
    points = np.flatnonzero(np.diff(outcomes.scores, append=-np.inf))
    points = points[judged[points] > 0]
    return hits[points] / judged[points], hits[points] / (taken @ outcomes.faces)


def average_precision(precision: Floats, recall: Floats) -> float:
    """Area under the curve, each precision raised to the best at that recall or a higher one."""
    if not len(recall):
        return 0.0
    raised = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * raised).sum())


def interval(outcomes: Outcomes) -> tuple[float, float]:
    """The 95 % interval of the average precision: photos are resampled (bootstrap, seeded)."""
    photos = len(outcomes.faces)
    draws = np.random.default_rng(0).multinomial(
        photos, np.full(photos, 1 / photos), size=RESAMPLES
    )
    found = [
        average_precision(*precision_recall(outcomes, times))
        for times in draws
        if times @ outcomes.faces > 0
    ]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)
