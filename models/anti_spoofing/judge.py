"""From what the networks say of a face to a verdict: live, spoof, or take the picture again.

Fails closed: only finite scores of all models that have a weight can make a face live.

The constants were measured on NUAA (300 webcam frames) and replay_mix (141 frames and stills), the
limits on 91 of those pictures (45 live), shrunk, blurred and cut, with the catalogue's ensemble.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.anti_spoofing.results import Attack, LivenessScores, LivenessVerdict, Outcome
from models.anti_spoofing.view import FaceView
from models.errors import LivenessUnavailable

#: Set by NUAA, where the ensemble's live scores begin at 0.60 and its print scores end at 0.09. On
#: replay_mix no live face is then called a spoof, and 1 of 102 attacks has a score above 0.6.
SPOOF_BELOW, LIVE_FROM = 0.3, 0.6
#: Shrunk to 64 pixels all live faces were still accepted, to 48 pixels 92 to 100 % (90 % by the
#: lite profile's network alone), to 32 pixels 80 to 88 % (35 %).
MIN_SHORTER_SIDE_PIXELS = 64.0
#: The networks want to see what is around a face. With 1.6 the ensemble called 5 % of replay_mix's
#: live faces a spoof, with 1.4 15 %, with 1.2 90 % (the lite network alone: 20, 75 and 95 %); with
#: 2.0 none.
MIN_ROOM = 1.6
#: Cut at the edge of the box, 4 % of NUAA's live faces were called a spoof by the lite network,
#: with 30 % of the box outside 8 %.
MIN_MARGIN = 0.0
#: Live faces of replay_mix blurred by 1 % of their size have 12 and more and were all accepted,
#: those blurred by 2 % have less and 65 % were not.
MIN_SHARPNESS = 12.0

#: Labels of networks that tell a print from a screen. One that has only one of the two calls
#: every attack by that name: faceplugin_liveness answers `print` to 95 of 100 screens.
ATTACK_LABELS = ("print", "replay")
_NO_ATTACK = Attack(print=None, replay=None, reason="no_model_tells_attacks_apart")


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Scores between the two limits are uncertain: take another picture."""

    #: 0 to 1; lower scores are a spoof.
    spoof_below: float = SPOOF_BELOW
    #: 0 to 1, at least spoof_below; scores from here on are live.
    live_from: float = LIVE_FROM

    def __post_init__(self) -> None:
        if not 0 <= self.spoof_below <= self.live_from <= 1:
            raise ValueError(f"{self.spoof_below} to {self.live_from} is no band within 0 to 1.")


def judge(
    view: FaceView,
    scores: Mapping[str, LivenessScores],
    weights: Mapping[str, float],
    *,
    band: Band | None = None,
) -> LivenessVerdict:
    """Decide on one face.

    Args:
        view: How well it can be seen.
        scores: What each model that has run says, by id.
        weights: Weight of each model that votes, by id; all positive.
        band: The limits; the measured ones by default.

    Raises:
        LivenessUnavailable: no model votes, or one that votes has no score.
    """
    band = band or Band()
    score = weighted_score(scores, weights)
    outcome, reasons = _decide(score, faults_of(view), band)
    return LivenessVerdict(
        outcome=outcome,
        score=score,
        threshold=band.live_from,
        reasons=reasons,
        by_model={name: said.live for name, said in scores.items()},
        attack=attack_of(scores),
    )


def weighted_score(scores: Mapping[str, LivenessScores], weights: Mapping[str, float]) -> float:
    """Weighted mean of the live probabilities.

    Raises:
        LivenessUnavailable: no model votes, or one that votes has no score.
        ValueError: a weight is not positive.
    """
    if missing := weights.keys() - scores.keys():
        raise LivenessUnavailable(f"{', '.join(sorted(missing))} gave no score: no verdict.")
    if not weights:
        raise LivenessUnavailable
    if not all(weight > 0 for weight in weights.values()):
        raise ValueError("Weights must be positive.")
    voted = sum(weight * scores[name].live for name, weight in weights.items())
    return voted / sum(weights.values())


def faults_of(view: FaceView) -> tuple[str, ...]:
    """Why a face can't be judged, whatever the networks say of it; empty when it can."""
    # Each is written so that a value that is no number is a fault.
    limits = {
        "face_too_small": view.shorter_side_pixels >= MIN_SHORTER_SIDE_PIXELS,
        "too_close": view.room >= MIN_ROOM,
        "at_edge": view.margin >= MIN_MARGIN,
        "blurred": view.sharpness >= MIN_SHARPNESS,
    }
    own = (name for name, kept in limits.items() if not kept)
    return tuple(dict.fromkeys((*own, *view.faults)))


def attack_of(scores: Mapping[str, LivenessScores]) -> Attack:
    """The kinds of attack, averaged over the models that tell them apart."""
    kinds = [
        said.by_label
        for said in scores.values()
        if all(label in said.by_label for label in ATTACK_LABELS)
    ]
    if not kinds:
        return _NO_ATTACK
    count = len(kinds)
    return Attack(
        print=sum(kind["print"] for kind in kinds) / count,
        replay=sum(kind["replay"] for kind in kinds) / count,
        reason=None,
    )


def _decide(score: float, faults: tuple[str, ...], band: Band) -> tuple[Outcome, tuple[str, ...]]:
    if faults:
        return "retake", faults
    if score >= band.live_from:
        return "live", ()
    if score < band.spoof_below:
        return "spoof", ()
    return "retake", ("uncertain",)
