"""From scores to verdicts: pure decisions, with the thresholds a model was measured at."""

from collections.abc import Mapping, Sequence

from models.deepfake.results import (
    DeepfakeScore,
    DeepfakeVerdict,
    Reason,
    Verdict,
    VerdictThresholds,
)
from models.spec import Entry


class Gate(Entry):
    """What a face must be for a model's answer to mean something."""

    #: Longer side of the detected box, pixels.
    min_face_pixels: float
    #: `models.deepfake.features.sharpness` of the crop.
    min_sharpness: float


def why_unusable(*, face_pixels: float, sharpness: float, gate: Gate) -> tuple[Reason, ...]:
    """Why a face is outside of what a model was measured on; empty when it is not.

    Args:
        face_pixels: Longer side of the box, pixels.
        sharpness: See `models.deepfake.features.sharpness`.
        gate: The limits.
    """
    reasons: list[Reason] = []
    if face_pixels < gate.min_face_pixels:
        reasons.append("face_too_small")
    if sharpness < gate.min_sharpness:
        reasons.append("face_blurred")
    return tuple(reasons)


def judge_face(
    score: DeepfakeScore, thresholds: VerdictThresholds | None, *, faces: int = 1
) -> DeepfakeVerdict:
    """Judge one face.

    Args:
        score: What the models say.
        thresholds: Of the model the score is from; None when it has no measured ones.
        faces: How many usable faces the image has. The more there are, the likelier one of them
            exceeds a threshold by chance, so the threshold rises (see VerdictThresholds).
    """
    verdict, reasons = _decide(score, thresholds, faces)
    return DeepfakeVerdict(
        verdict=verdict,
        score=score.probability,
        reasons=reasons,
        by_model=score.by_model,
        thresholds=thresholds,
    )


def judge_image(
    scores: Sequence[DeepfakeScore], thresholds: VerdictThresholds | None
) -> DeepfakeVerdict:
    """Judge a whole image by its faces.

    Manipulated when one usable face is, at the threshold for that many faces. Authentic only when
    every face is usable and authentic. Inconclusive otherwise, with the faces' reasons. The score
    is that of the most suspicious usable face, or of all faces where none is usable.
    """
    if not scores:
        return DeepfakeVerdict(
            verdict=None, score=None, reasons=("no_face",), by_model={}, thresholds=thresholds
        )
    usable = [score for score in scores if score.usable]
    worst = max(usable or scores, key=lambda score: score.probability)
    faces = [judge_face(score, thresholds, faces=len(usable)) for score in scores]
    verdict = _combined([face.verdict for face in faces])
    reasons = dict.fromkeys(reason for face in faces for reason in face.reasons)
    return DeepfakeVerdict(
        verdict=verdict,
        score=worst.probability,
        reasons=tuple(reasons) if verdict == "inconclusive" else (),
        by_model=worst.by_model,
        thresholds=thresholds,
    )


def _combined(verdicts: Sequence[Verdict | None]) -> Verdict:
    if "manipulated" in verdicts:
        return "manipulated"
    return "authentic" if set(verdicts) == {"authentic"} else "inconclusive"


def _decide(
    score: DeepfakeScore, thresholds: VerdictThresholds | None, faces: int
) -> tuple[Verdict, tuple[Reason, ...]]:
    if not score.usable:
        return "inconclusive", score.reasons
    if thresholds is None:
        return "inconclusive", ("model_uncalibrated",)
    if score.probability >= thresholds.manipulated_among(faces):
        return "manipulated", ()
    if score.probability <= thresholds.authentic:
        return "authentic", ()
    return "inconclusive", ("between_thresholds",)


def combined(by_model: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Weighted mean of the models' probabilities.

    Args:
        by_model: P(manipulated), 0 to 1, by id.
        weights: Of some or all of them; the others' opinions are shown, not counted.

    Raises:
        ValueError: no weight is above 0.
    """
    total = sum(weights.values())
    if total <= 0:
        raise ValueError("At least one model needs a weight above 0.")
    return sum(by_model[name] * weight for name, weight in weights.items()) / total
