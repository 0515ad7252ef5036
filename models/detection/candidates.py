"""What a detection network answered, before doubles are merged: arrays in, arrays out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.geometry import Fit


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Candidates:
    """What a network answered, in pixels of its canvas or of the image; doubles not yet merged."""

    #: (N, 4) float32: x, y, width, height.
    boxes: NDArray[np.float32]
    #: (N,) float32, 0 to 1.
    scores: NDArray[np.float32]
    #: (N, 5, 2) float32, in the order of LANDMARK_NAMES; None when the network gives none.
    landmarks: NDArray[np.float32] | None


def join(parts: Sequence[Candidates]) -> Candidates:
    """All candidates of several looks of one network, in their order; at least one look."""
    points = [part.landmarks for part in parts if part.landmarks is not None]
    return Candidates(
        boxes=np.concatenate([part.boxes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        landmarks=np.concatenate(points) if points else None,
    )


def keep(found: Candidates, which: NDArray[Any]) -> Candidates:
    """Some of the candidates.

    Args:
        found: All of them.
        which: (N,) bool, or indices in the wanted order.
    """
    return Candidates(
        boxes=found.boxes[which],
        scores=found.scores[which],
        landmarks=None if found.landmarks is None else found.landmarks[which],
    )


def finite(found: Candidates) -> NDArray[np.bool_]:
    """Which candidates hold only finite numbers, (N,)."""
    good = np.isfinite(found.boxes).all(axis=1) & np.isfinite(found.scores)
    if found.landmarks is not None:
        good &= np.isfinite(found.landmarks).all(axis=(1, 2))
    return good


def to_image(found: Candidates, placed: Fit) -> Candidates:
    """Go from pixels of the canvas to pixels of the image placed on it."""
    scale = np.array([placed.scale_x, placed.scale_y], np.float32)
    return Candidates(
        boxes=found.boxes / np.concatenate([scale, scale]),
        scores=found.scores,
        landmarks=None if found.landmarks is None else found.landmarks / scale,
    )
