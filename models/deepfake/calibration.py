"""From a raw score to a probability: Platt's sigmoid, with parameters stored beside the head."""

import math

import numpy as np
from pydantic import Field

from models.spec import Entry


class Platt(Entry):
    """P(manipulated) = 1 / (1 + exp(-(slope * raw + intercept))); J. Platt (1999)."""

    #: Positive, so that the order of scores stays.
    slope: float = Field(gt=0)
    intercept: float

    def probability(self, raw: float) -> float:
        """The calibrated probability of a raw score, 0 to 1."""
        return sigmoid(self.slope * raw + self.intercept)


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), without overflow for any finite logit."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    grown = math.exp(logit)
    return grown / (1 + grown)


def softmax(logits: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """Probabilities that sum to 1, without overflow for any finite logits."""
    grown = np.exp(logits - logits.max())
    return [float(value) for value in grown / grown.sum()]
