"""What the pipeline asks of demographics, whichever networks do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.results import AgeEstimate, DetectedFace, GenderEstimate, Image


@dataclass(frozen=True, kw_only=True, slots=True)
class Demographics:
    """How old a face looks and which gender it reads as: appearance, not identity."""

    age: AgeEstimate
    gender: GenderEstimate


class DemographicsEstimator(Protocol):
    """Estimates age and gender of faces."""

    def estimate(self, image: Image, faces: Sequence[DetectedFace]) -> list[Demographics]:
        """Estimate both for each face of one image, in their order.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image; without any nothing is run.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        ...
