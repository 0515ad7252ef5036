"""What anti-spoofing answers: frozen values with units and ranges."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: live: a person before the camera. spoof: a picture of one. retake: no verdict from this picture.
Outcome = Literal["live", "spoof", "retake"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LivenessScores:
    """What one network says of one face."""

    #: Probability that the face is live, 0 to 1; by_label["live"].
    live: float
    #: Probability of each of the network's classes, by the catalogue's label; they sum to 1.
    by_label: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """Which kind of attack a network that tells kinds apart sees; a hint, not a finding."""

    #: Probability of a printed photo, 0 to 1; None when no such network has run.
    print: float | None
    #: Probability of a screen, 0 to 1; None when no such network has run.
    replay: float | None
    #: Why both are None; None when they are not.
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LivenessVerdict:
    """The verdict on one face of one picture."""

    outcome: Outcome
    #: Weighted mean of the members' live probabilities, 0 to 1.
    score: float
    #: The score from which a face counts as live.
    threshold: float
    #: Why the outcome is retake: `face_too_small`, `too_close`, `at_edge`, `blurred`, `uncertain`,
    #: or what the face's quality check found; empty otherwise.
    reasons: tuple[str, ...]
    #: Live probability of each model that has run, by id.
    by_model: Mapping[str, float]
    attack: Attack


@dataclass(frozen=True, kw_only=True, slots=True)
class Motion:
    """How a face moved through the frames of a sequence."""

    #: Pairs of neighbouring frames.
    pairs: int
    #: Pairs in which enough points could be followed.
    measured: int
    #: How far the landmarks moved from frame to frame, camera and head together: median over the
    #: pairs, as a share of the face's size.
    displacement: float
    #: What a flat picture's motion can't explain: median over the measured pairs of the followed
    #: points' distance from the best homography, as a share of the face's size. None: no pair
    #: could be measured.
    residual: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SequenceVerdict:
    """The verdict on one face over several frames."""

    outcome: Outcome
    #: Median of the scores of the frames that allowed a verdict, 0 to 1; 0 without any.
    score: float
    #: The score after what was taken off for missing motion, 0 to 1.
    confidence: float
    #: The confidence from which the face counts as live.
    threshold: float
    #: Why the outcome is retake, or the confidence below the score: `too_few_frames`,
    #: `frames_disagree`, `no_motion`, `uncertain`; empty otherwise.
    reasons: tuple[str, ...]
    motion: Motion
    #: The verdicts the vote was taken over, oldest first.
    frames: tuple[LivenessVerdict, ...]
