"""A vote over several frames of one face: scores, and whether it moves as a person does."""

from collections.abc import Sequence
from statistics import median

from models.anti_spoofing.judge import Band
from models.anti_spoofing.results import LivenessVerdict, Motion, Outcome, SequenceVerdict

#: The vote is over so many frames at most, the newest.
LAST_FRAMES = 5
#: Fewer frames that allow a verdict are no sequence.
MIN_FRAMES = 2
#: Residual motion (`Motion.residual`) of a person. 63 sequences of five flat pictures, still,
#: shifted and tilted by a computer, with noise and JPEG, all stay below (0.0020 at most). Of 24
#: stretches of replay_mix's live clips 21 reach it at 0.2 to 0.4 s from picture to picture, 22 at
#: 0.4 to 0.8 s (the other two moved too fast to be followed). So do 27 of 36 live and 29 of 35
#: printed series of NUAA, whose prints were bent by hand.
MIN_RESIDUAL = 0.0022
#: What a live score is multiplied with when nothing moved.
STILL_FACTOR = 0.7


def judge_sequence(
    frames: Sequence[LivenessVerdict], motion: Motion, *, band: Band | None = None
) -> SequenceVerdict:
    """Decide on one face over several frames.

    A single frame that is a spoof keeps the sequence from being live, so a person can't vouch for
    a picture shown afterwards. Motion that was not found, or could not be measured, costs
    confidence; motion that was found earns none, because bent prints and screens have it too.

    Args:
        frames: Verdicts on the same face, oldest first; only the last LAST_FRAMES count.
        motion: Measured over the same frames.
        band: The limits; the measured ones by default.
    """
    band = band or Band()
    counted = tuple(frames[-LAST_FRAMES:])
    usable = [frame for frame in counted if not _is_faulty(frame)]
    score = median(frame.score for frame in usable) if usable else 0.0
    moved = motion.residual is not None and motion.residual >= MIN_RESIDUAL
    confidence = score if moved else score * STILL_FACTOR
    outcome, reasons = _decide(usable, score, confidence, band)
    if outcome != "spoof" and not moved:
        reasons = (*reasons, "no_motion")
    return SequenceVerdict(
        outcome=outcome,
        score=score,
        confidence=confidence,
        threshold=band.live_from,
        reasons=reasons,
        motion=motion,
        frames=counted,
    )


def _is_faulty(frame: LivenessVerdict) -> bool:
    """Whether the picture, not the score, forbids a verdict."""
    return frame.outcome == "retake" and frame.reasons != ("uncertain",)


def _decide(
    usable: Sequence[LivenessVerdict], score: float, confidence: float, band: Band
) -> tuple[Outcome, tuple[str, ...]]:
    if len(usable) < MIN_FRAMES:
        return "retake", ("too_few_frames",)
    if score < band.spoof_below:
        return "spoof", ()
    if any(frame.outcome == "spoof" for frame in usable):
        return "retake", ("frames_disagree",)
    if confidence >= band.live_from:
        return "live", ()
    # A score that would do is held back by the missing motion alone, which is said there.
    return "retake", () if score >= band.live_from else ("uncertain",)
