"""What the networks answer: frozen values with units and ranges.

Pixel coordinates have their origin at the top left of the image after EXIF rotation, x to the
right, y down; pixel centres lie at half-integers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: An image: (H, W, 3) uint8, RGB, C-contiguous.
Image = NDArray[np.uint8]
#: Points: (N, 2) float32, pixels.
Points = NDArray[np.float32]

#: Names of the five landmarks in the order of every (5, 2) array here. Left and right are the
#: person's own, so in a frontal photo `right_eye` has the smaller x.
LANDMARK_NAMES = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels; may reach past the image's edge."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DetectedFace:
    """One face a detector found."""

    box: Box
    #: Detection confidence, 0 to 1.
    confidence: float
    #: (5, 2) float32, in the order of LANDMARK_NAMES.
    landmarks: Points


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Embedding:
    """A face as a direction."""

    #: (D,) float32, L2 norm 1.
    vector: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class AgeEstimate:
    """How old a person looks."""

    #: Expected value over the age classes, in years.
    years: float
    #: Shortest run of years that holds at least 80 % of the probability.
    low_years: int
    high_years: int
    #: Probability inside that run, 0 to 1.
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GenderEstimate:
    """Which gender a face reads as."""

    #: "female" or "male".
    value: str
    #: Probability of `value`, 0.5 to 1.
    confidence: float
