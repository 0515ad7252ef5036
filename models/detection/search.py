"""From a detector's candidates to the faces of an image."""

from dataclasses import dataclass

import numpy as np

from models.detection.candidates import Candidates, keep
from models.detection.port import FaceDetector
from models.geometry import suppress
from models.results import Box, DetectedFace, Image


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchOptions:
    """What counts as a face."""

    #: 0 to 1; less confident faces are dropped.
    min_confidence: float
    #: Only so many of the largest are kept.
    max_faces: int


class FaceSearch:
    """Finds the faces of images with one detector."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector

    def find(self, image: Image, options: SearchOptions) -> list[DetectedFace]:
        """The faces of an image, largest first, in its pixels.

        Args:
            image: (H, W, 3) uint8, RGB.
            options: What counts.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        found = self._detector.look(image, min_confidence=options.min_confidence)
        kept = suppress(found.boxes, found.scores, max_overlap=self._detector.max_overlap)
        return largest(keep(found, kept), max_faces=options.max_faces)


def largest(found: Candidates, *, max_faces: int) -> list[DetectedFace]:
    """Candidates that are one face each, as faces, largest first."""
    if found.landmarks is None:
        raise ValueError("These candidates have no landmarks.")
    areas = found.boxes[:, 2] * found.boxes[:, 3]
    order = np.argsort(-areas, kind="stable")[:max_faces]
    return [
        DetectedFace(
            box=Box(x=float(x), y=float(y), width=float(width), height=float(height)),
            confidence=float(found.scores[i]),
            landmarks=found.landmarks[i],
        )
        for i, (x, y, width, height) in zip(order, found.boxes[order], strict=True)
    ]
