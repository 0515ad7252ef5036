"""Age and gender from dlib's face chips (Cydral Technology's dlib networks, as ONNX graphs)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.batching import ChipNetwork
from models.demographics.groups import OLDEST_YEARS, age_group, gender_from
from models.geometry import align
from models.probabilities import shares_of
from models.results import AgeEstimate, DetectedFace, GenderEstimate, Image, Points

AGE_CHIP_SIZE = 64
GENDER_CHIP_SIZE = 32
#: (5, 2), as fractions of the chip's side, in the order of LANDMARK_NAMES. dlib aligns these
#: chips (`get_face_chip`, padding 0.2) by eye corners and nose base, which YuNet does not give;
#: so this is where YuNet's landmarks lie in dlib's chips: the median over 787 UTKFace crops.
TEMPLATE: Points = np.array(
    [[0.3061, 0.2794], [0.6884, 0.2817], [0.4907, 0.5049], [0.3248, 0.6738], [0.6632, 0.6764]],
    np.float32,
)

#: Years that each of the 81 age classes stands for.
AGE_YEARS: NDArray[np.float64] = np.concatenate([[0.25], np.arange(1, 81)])
#: Share of the probability that an age range holds at least.
RANGE_PROBABILITY = 0.8
#: The network is far too sure: its own 80 % range held the true age of 30 % of 799 UTKFace crops.
#: So the range is read from probabilities to the power of 1 / 2.8, scaled to sum 1 (temperature
#: scaling; Guo et al., 2017). Fitted on every second crop, where the range then held 81 %; it held
#: 83 % of the others. `facesocial evaluate` measures it again.
RANGE_TEMPERATURE = 2.8


class DlibAge(ChipNetwork):
    """Estimates how old faces look, up to 80 years."""

    def estimate(self, image: Image, faces: Sequence[DetectedFace]) -> list[AgeEstimate]:
        """Estimate the age of each face of one image, in their order.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        return self.of_chips(self.chips(image, faces))

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What the network sees of each face of one image: (H, W, 3) uint8, RGB."""
        return face_chips(image, faces, AGE_CHIP_SIZE)

    def of_chips(self, chips: Sequence[Image]) -> list[AgeEstimate]:
        """Estimate the ages of chips, of one image or of several, in their order."""
        return [age_of(row) for row in self._rows(chips)]


class DlibGender(ChipNetwork):
    """Estimates which gender faces read as."""

    def estimate(self, image: Image, faces: Sequence[DetectedFace]) -> list[GenderEstimate]:
        """Estimate the gender of each face of one image, in their order.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        return self.of_chips(self.chips(image, faces))

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What the network sees of each face of one image: (H, W, 3) uint8, RGB."""
        return face_chips(image, faces, GENDER_CHIP_SIZE)

    def of_chips(self, chips: Sequence[Image]) -> list[GenderEstimate]:
        """Estimate the genders of chips, of one image or of several, in their order."""
        return [gender_of(row) for row in self._rows(chips)]


def face_chips(image: Image, faces: Sequence[DetectedFace], size: int) -> list[Image]:
    """Cut what the networks see of faces: each (size, size, 3) uint8, RGB."""
    template = TEMPLATE * np.float32(size)
    return [align(image, face.landmarks, template, size) for face in faces]


def age_of(probabilities: NDArray[np.floating[Any]]) -> AgeEstimate:
    """Read an age from (81,) class probabilities: expected value and shortest likely range.

    Raises:
        InferenceFailed: they are no probabilities.
    """
    likely = shares_of(probabilities, model="age")
    years = float(likely @ AGE_YEARS)
    softened = likely ** (1 / RANGE_TEMPERATURE)
    softened /= softened.sum()
    low, high = shortest_range(softened, RANGE_PROBABILITY)
    # A skewed distribution may have its mean outside of its shortest range.
    low, high = min(low, int(years)), max(high, int(years))
    confidence = min(1.0, float(softened[low : high + 1].sum()))
    return AgeEstimate(
        years=years,
        group=age_group(years),
        low_years=low,
        # The last class holds whoever is older, too.
        high_years=OLDEST_YEARS if high == len(AGE_YEARS) - 1 else high,
        confidence=confidence,
    )


def shortest_range(probabilities: NDArray[np.float64], share: float) -> tuple[int, int]:
    """First and last index of the shortest run that holds a share of the probability.

    Of several such runs the most probable wins, then the first.

    Args:
        probabilities: (N,), sum 1.
        share: 0 to 1.
    """
    below = np.concatenate([[0.0], np.cumsum(probabilities)])
    for length in range(1, len(probabilities)):
        held = below[length:] - below[:-length]
        first = int(held.argmax())
        if held[first] >= share:
            return first, first + length - 1
    return 0, len(probabilities) - 1


def gender_of(probabilities: NDArray[np.floating[Any]]) -> GenderEstimate:
    """Read a gender from (2,) class probabilities in the order female, male.

    Raises:
        InferenceFailed: they are no probabilities.
    """
    female, male = shares_of(probabilities, model="gender")
    return gender_from(float(female), float(male))
