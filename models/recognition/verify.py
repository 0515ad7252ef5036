"""Whether two embeddings are of one person: their cosine against a measured threshold."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.errors import EmbeddingsIncomparable, ThresholdsMissing
from models.results import Embedding, EmbeddingModel
from models.spec import OperatingPoint, VerificationThresholds


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The answer to "is this one person?", with what it rests on."""

    #: Cosine, -1 to 1; no probability and no percentage.
    similarity: float
    #: Whether the similarity reaches the threshold.
    is_match: bool
    #: Cosine from which two faces count as one person's.
    threshold: float
    #: False accept rate the threshold was measured at, 0 to 1.
    far: float
    #: All thresholds measured for the model, by falling false accept rate.
    thresholds: tuple[OperatingPoint, ...]
    #: Data set and command the thresholds come from.
    origin: str
    #: What made both embeddings.
    model: EmbeddingModel


def cosine(a: Embedding, b: Embedding) -> float:
    """The cosine of two embeddings, -1 to 1.

    Raises:
        EmbeddingsIncomparable: they were made by different models, weights or preprocessing.
    """
    if a.model != b.model:
        raise EmbeddingsIncomparable(
            f"An embedding by {_named(a.model)} can't be compared with one by {_named(b.model)}."
            " Make both with the same model."
        )
    value = float(np.dot(a.vector.astype(np.float64), b.vector.astype(np.float64)))
    # Two unit vectors of float32 may be a few 1e-8 longer than 1.
    return min(1.0, max(-1.0, value))


def verify(
    a: Embedding, b: Embedding, *, thresholds: Mapping[str, VerificationThresholds], far: float
) -> Verification:
    """Compare two faces at a false accept rate.

    Args:
        a: One face.
        b: The other, embedded by the same model.
        thresholds: By model id, as `Catalogue.thresholds` has them.
        far: One of the measured false accept rates of that model, e.g. 1e-3.

    Raises:
        EmbeddingsIncomparable: the embeddings were made by different models.
        ThresholdsMissing: nothing was measured for that model, or not at that rate.
    """
    similarity = cosine(a, b)
    measured = thresholds_of(a.model.id, thresholds)
    point = point_at(measured, far, model=a.model.id)
    return Verification(
        similarity=similarity,
        is_match=similarity >= point.similarity,
        threshold=point.similarity,
        far=point.far,
        thresholds=_by_falling_far(measured),
        origin=measured.origin,
        model=a.model,
    )


def thresholds_of(
    model: str, thresholds: Mapping[str, VerificationThresholds]
) -> VerificationThresholds:
    """The thresholds of a model; another model's are never used in their place.

    Raises:
        ThresholdsMissing: none were measured.
    """
    if model not in thresholds:
        raise ThresholdsMissing(
            f"No thresholds were measured for {model}, so it can't tell matches from others."
            f" `facesocial evaluate verification --model {model} --thresholds` measures them."
        )
    return thresholds[model]


def point_at(measured: VerificationThresholds, far: float, *, model: str) -> OperatingPoint:
    """The threshold for a false accept rate; nothing is interpolated.

    Raises:
        ThresholdsMissing: none was measured at that rate; the message lists the rates there are.
    """
    points = _by_falling_far(measured)
    for point in points:
        if np.isclose(point.far, far, rtol=1e-6, atol=0):
            return point
    rates = ", ".join(f"{point.far:g}" for point in points)
    raise ThresholdsMissing(
        f"No threshold was measured for {model} at a false accept rate of {far:g}; take {rates}."
    )


def _by_falling_far(measured: VerificationThresholds) -> tuple[OperatingPoint, ...]:
    return tuple(sorted(measured.points, key=lambda point: -point.far))


def _named(model: EmbeddingModel) -> str:
    return f"{model.id} ({model.sha256[:12]}, preprocessing {model.preprocessing_version})"
