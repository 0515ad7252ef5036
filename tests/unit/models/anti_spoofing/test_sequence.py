"""The vote over frames."""

import pytest

from models.anti_spoofing.judge import LIVE_FROM
from models.anti_spoofing.results import Attack, LivenessVerdict, Motion, Outcome
from models.anti_spoofing.sequence import LAST_FRAMES, MIN_RESIDUAL, STILL_FACTOR, judge_sequence

NO_ATTACK = Attack(print=None, replay=None, reason="no_model_tells_attacks_apart")


def verdict(score: float, *faults: str) -> LivenessVerdict:
    outcome: Outcome = "live" if score >= LIVE_FROM else "spoof" if score < 0.3 else "retake"
    reasons = ("uncertain",) if outcome == "retake" else ()
    return LivenessVerdict(
        outcome="retake" if faults else outcome,
        score=score,
        threshold=LIVE_FROM,
        reasons=faults or reasons,
        by_model={"net": score},
        attack=NO_ATTACK,
    )


def frames(*scores: float) -> list[LivenessVerdict]:
    return [verdict(score) for score in scores]


def motion(residual: float | None) -> Motion:
    return Motion(
        pairs=4, measured=0 if residual is None else 4, displacement=0.1, residual=residual
    )


MOVING, STILL, UNKNOWN = motion(MIN_RESIDUAL), motion(MIN_RESIDUAL * 0.99), motion(None)


def test_a_face_that_is_live_and_moves_is_live() -> None:
    found = judge_sequence(frames(0.9, 0.95, 0.99), MOVING)

    assert (found.outcome, found.reasons) == ("live", ())
    assert found.score == found.confidence == 0.95
    assert found.motion is MOVING


@pytest.mark.parametrize("seen", [STILL, UNKNOWN])
def test_without_motion_confidence_is_lost_and_said(seen: Motion) -> None:
    found = judge_sequence(frames(0.95, 0.95), seen)

    assert (found.outcome, found.reasons) == ("live", ("no_motion",))
    assert found.confidence == pytest.approx(0.95 * STILL_FACTOR)
    assert found.score == 0.95


@pytest.mark.parametrize("seen", [STILL, UNKNOWN])
def test_without_motion_a_live_face_may_have_to_be_taken_again(seen: Motion) -> None:
    found = judge_sequence(frames(0.8, 0.8), seen)

    assert (found.outcome, found.reasons) == ("retake", ("no_motion",))


@pytest.mark.parametrize("seen", [MOVING, STILL, UNKNOWN])
def test_motion_never_makes_a_spoof_live(seen: Motion) -> None:
    assert judge_sequence(frames(0.1, 0.1, 0.1), seen).outcome == "spoof"


def test_an_uncertain_score_stays_uncertain() -> None:
    assert judge_sequence(frames(0.5, 0.5), MOVING).reasons == ("uncertain",)
    assert judge_sequence(frames(0.5, 0.5), STILL).reasons == ("uncertain", "no_motion")


def test_one_frame_of_a_spoof_keeps_the_others_from_vouching_for_it() -> None:
    found = judge_sequence(frames(0.99, 0.99, 0.99, 0.99, 0.01), MOVING)

    assert (found.outcome, found.reasons) == ("retake", ("frames_disagree",))


def test_one_uncertain_frame_among_live_ones_does_not_decide() -> None:
    assert judge_sequence(frames(0.99, 0.98, 0.4, 0.97), MOVING).outcome == "live"


def test_frames_that_cannot_be_judged_do_not_vote() -> None:
    found = judge_sequence([verdict(0.01, "blurred"), *frames(0.9, 0.9)], MOVING)

    assert (found.outcome, found.score) == ("live", 0.9)


@pytest.mark.parametrize("usable", [0, 1])
def test_too_few_frames_that_can_be_judged_are_no_sequence(usable: int) -> None:
    shown = [*frames(*[0.99] * usable), verdict(0.99, "at_edge"), verdict(0.99, "blurred")]

    found = judge_sequence(shown, MOVING)

    assert (found.outcome, found.reasons) == ("retake", ("too_few_frames",))


def test_only_the_newest_frames_count() -> None:
    found = judge_sequence(frames(0.0, *[0.99] * LAST_FRAMES), MOVING)

    assert found.outcome == "live"
    assert len(found.frames) == LAST_FRAMES
