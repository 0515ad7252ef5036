"""What the networks answer: frozen values with units and ranges.

Pixel coordinates have their origin at the top left of the image after EXIF rotation, x to the
right, y down; pixel centres lie at half-integers.
"""

from dataclasses import dataclass
from typing import Literal

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


#: Why a face should not be relied on; see `models.quality` for the limits.
QualityReason = Literal[
    "face_too_small",
    "low_quality",
    "blurred",
    "too_dark",
    "too_bright",
    "extreme_pose",
    "at_edge",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceQuality:
    """How well a face can be analysed."""

    #: 0 to 1: sharpness, exposure and contrast, times what size and pose are worth.
    score: float
    #: Variance of the Laplacian of the grey face at 64x64, 0 and up.
    sharpness: float
    #: Mean grey value, 0 to 255.
    brightness: float
    #: Longer side of the box, pixels of the image.
    size_pixels: float
    #: Positive: turned to the person's own left, the right side of the image. -90 to 90.
    yaw_degrees: float
    #: Positive: looking up. -90 to 90.
    pitch_degrees: float
    #: Positive: leaning to the person's own left, clockwise in the image. -180 to 180.
    roll_degrees: float
    reasons: tuple[QualityReason, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingModel:
    """What made an embedding; only embeddings whose makers are equal may be compared."""

    #: Id of the model; of an ensemble, its members' ids joined by "+".
    id: str
    #: Hash of the published weights; of an ensemble, of its members and their weights.
    sha256: str
    #: Changes with whatever is done to the pixels before the network sees them, and says so when
    #: the network computes with rounded weights.
    preprocessing_version: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Embedding:
    """A face as a direction."""

    #: (D,) float32, L2 norm 1.
    vector: NDArray[np.float32]
    model: EmbeddingModel


#: Years: child 0-12, teenager 13-19, young_adult 20-30, adult 31-50, middle_aged 51-65, senior
#: from 66; see `models.demographics.groups`.
AgeGroup = Literal["child", "teenager", "young_adult", "adult", "middle_aged", "senior"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AgeEstimate:
    """How old a person looks."""

    #: In years, 0 to 100.
    years: float
    #: Of `years`.
    group: AgeGroup
    #: First and last year of the range the model finds likely; None when it gives no distribution.
    low_years: int | None
    high_years: int | None
    #: Probability of that range, 0 to 1; None without one. The family's module says on which
    #: labelled faces it was calibrated.
    confidence: float | None
    #: Why there is no range; None where there is one.
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GenderProbabilities:
    """What a network says of both; the sum is 1."""

    female: float
    male: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GenderEstimate:
    """Which gender a face reads as."""

    value: Literal["female", "male"]
    #: Probability of `value`, 0.5 to 1; None when the model gives none.
    confidence: float | None
    #: None when the model gives none.
    probabilities: GenderProbabilities | None
    #: Whether `value` should not be relied on: the confidence is low, or there is none.
    uncertain: bool
