"""What the deepfake detectors answer for faces and images, and what every one of them offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from models.results import DetectedFace, Image

#: Authentic and manipulated are said only where the score is beyond a measured threshold.
Verdict = Literal["authentic", "manipulated", "inconclusive"]
#: Why a face or an image has no firm verdict.
#: `no_face`: nothing to judge. `face_too_small`, `face_blurred`: the input is outside of what the
#: models were measured on. `between_thresholds`: the score is in the inconclusive band.
#: `model_uncalibrated`: the model has no measured thresholds.
Reason = Literal[
    "no_face", "face_too_small", "face_blurred", "between_thresholds", "model_uncalibrated"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictThresholds:
    """The borders of the inconclusive band; both are probabilities, low <= high."""

    #: Highest P(manipulated) that is called authentic.
    authentic: float
    #: Lowest P(manipulated) that is called manipulated, where one face is judged.
    manipulated: float
    #: The same where as many faces as the element's place are judged, so that the chance that
    #: any authentic one is called manipulated stays that of one face; the last holds for more.
    #: Empty: as for one.
    among: tuple[float, ...] = ()

    def manipulated_among(self, faces: int) -> float:
        """The threshold for each of so many faces of one image."""
        if faces <= 1 or not self.among:
            return self.manipulated
        return self.among[min(faces, len(self.among)) - 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepfakeScore:
    """What the models say of one face, before any verdict."""

    #: P(manipulated), calibrated where the model has a calibration; 0 to 1. Given for unusable
    #: faces too, but means nothing there.
    probability: float
    #: Whether the face is inside of what the models were measured on.
    usable: bool
    #: Why it is not usable; empty when it is.
    reasons: tuple[Reason, ...] = ()
    #: P(manipulated) of each model, by the model's id; 0 to 1.
    by_model: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepfakeVerdict:
    """The judgement of one face, or of one image."""

    #: None when there was no face to judge.
    verdict: Verdict | None
    #: P(manipulated) the verdict rests on, 0 to 1; None when there was no face.
    score: float | None
    #: Why the verdict is not firm; empty for authentic and manipulated.
    reasons: tuple[Reason, ...]
    #: P(manipulated) of each model, by the model's id; 0 to 1.
    by_model: Mapping[str, float]
    #: What the score was held against; None when the model has no measured thresholds.
    thresholds: VerdictThresholds | None


class FaceScorer(Protocol):
    """Scores faces of an image; `models.deepfake.detector.DeepfakeDetector` is the real one."""

    def score(self, image: Image, faces: Sequence[DetectedFace]) -> list[DeepfakeScore]:
        """Score each face of one image, in their order; the faces are run as a batch.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        ...
