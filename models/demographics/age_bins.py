"""InsightFace's gender-age network of 2018: gender, and for each year whether a face is older."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.batching import ChipNetwork
from models.demographics.groups import age_group, gender_from
from models.demographics.port import Demographics
from models.recognition.chips import arcface_chip
from models.results import AgeEstimate, DetectedFace, Image

#: Years the network knows: for k of 0 to 99 it answers whether a face is older than k years.
YEARS = 100
#: Probability that a stated range aims at: a tenth of it lies below and a tenth above.
RANGE_PROBABILITY = 0.8
#: The logits of the range are divided by it: without, the range held the true age of 66 % of 799
#: UTKFace crops, with it 80 %. Chosen with all of them in view: no clean figure for other faces.
RANGE_TEMPERATURE = 1.4


class GenderAgeBins(ChipNetwork):
    """Estimates age and gender together."""

    def estimate(self, image: Image, faces: Sequence[DetectedFace]) -> list[Demographics]:
        """Estimate age and gender of each face of one image, in their order.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        return self.of_chips(self.chips(image, faces))

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What the network sees of each face of one image: (H, W, 3) uint8, RGB."""
        return [arcface_chip(image, face) for face in faces]

    def of_chips(self, chips: Sequence[Image]) -> list[Demographics]:
        """Estimate both for chips, of one image or of several, in their order."""
        return [read(row) for row in self._rows(chips)]


def read(row: NDArray[np.float32]) -> Demographics:
    """Read the (202,) answer: two logits for female and male, then a pair for each year.

    The pairs are logits of "not older" and "older" than that year; their softmax is that of
    training (`gender-age/train.py` of InsightFace). The age is the number of years a face is
    more likely older than, as InsightFace reads it.
    """
    female, male = _softmax(row[:2].astype(np.float64))
    pairs = row[2:].astype(np.float64).reshape(YEARS, 2)
    years = int((pairs[:, 1] > pairs[:, 0]).sum())
    older = _softmax(pairs / RANGE_TEMPERATURE)[:, 1]
    tail = (1 - RANGE_PROBABILITY) / 2
    low, high = int((older > 1 - tail).sum()), int((older > tail).sum())
    return Demographics(
        age=AgeEstimate(
            years=float(years),
            group=age_group(years),
            low_years=low,
            high_years=high,
            confidence=RANGE_PROBABILITY,
        ),
        gender=gender_from(float(female), float(male)),
    )


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: NDArray[np.float64] = shifted / shifted.sum(axis=-1, keepdims=True)
    return result
