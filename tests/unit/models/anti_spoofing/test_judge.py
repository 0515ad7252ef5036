"""From scores to a verdict, which fails closed."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.anti_spoofing.judge import (
    LIVE_FROM,
    MIN_MARGIN,
    MIN_ROOM,
    MIN_SHARPNESS,
    MIN_SHORTER_SIDE_PIXELS,
    SPOOF_BELOW,
    Band,
    attack_of,
    faults_of,
    judge,
    weighted_score,
)
from models.anti_spoofing.results import LivenessScores
from models.anti_spoofing.view import FaceView
from models.errors import LivenessUnavailable

CLEAR = FaceView(
    shorter_side_pixels=MIN_SHORTER_SIDE_PIXELS,
    margin=MIN_MARGIN,
    room=MIN_ROOM,
    sharpness=MIN_SHARPNESS,
)


def said(live: float, *others: str) -> LivenessScores:
    rest = {label: (1 - live) / max(len(others), 1) for label in others or ("spoof",)}
    return LivenessScores(live=live, by_label={"live": live, **rest})


@pytest.mark.parametrize(
    ("live", "outcome", "reasons"),
    [
        (LIVE_FROM, "live", ()),
        (LIVE_FROM - 1e-6, "retake", ("uncertain",)),
        (SPOOF_BELOW, "retake", ("uncertain",)),
        (SPOOF_BELOW - 1e-6, "spoof", ()),
        (math.nan, "retake", ("uncertain",)),
    ],
)
def test_the_band_separates_live_uncertain_and_spoof(
    live: float, outcome: str, reasons: tuple[str, ...]
) -> None:
    verdict = judge(CLEAR, {"net": said(live)}, {"net": 1})

    assert (verdict.outcome, verdict.reasons) == (outcome, reasons)
    assert verdict.threshold == LIVE_FROM


@pytest.mark.parametrize(
    ("view", "fault"),
    [
        (replace(CLEAR, shorter_side_pixels=63.9), "face_too_small"),
        (replace(CLEAR, room=1.59), "too_close"),
        (replace(CLEAR, margin=-0.01), "at_edge"),
        (replace(CLEAR, sharpness=11.9), "blurred"),
        (replace(CLEAR, sharpness=math.nan), "blurred"),
        (replace(CLEAR, faults=("extreme_pose",)), "extreme_pose"),
    ],
)
@pytest.mark.parametrize("live", [0.0, 1.0])
def test_a_face_that_cannot_be_seen_well_is_taken_again_whatever_its_score(
    view: FaceView, fault: str, live: float
) -> None:
    verdict = judge(view, {"net": said(live)}, {"net": 1})

    assert (verdict.outcome, verdict.reasons) == ("retake", (fault,))


def test_all_faults_are_told_once() -> None:
    view = FaceView(
        shorter_side_pixels=1, margin=-1, room=0.5, sharpness=0, faults=("blurred", "extreme_pose")
    )

    expected = ("face_too_small", "too_close", "at_edge", "blurred", "extreme_pose")
    assert faults_of(view) == expected


def test_the_score_is_the_weighted_mean_of_those_that_vote() -> None:
    scores = {"a": said(1.0), "b": said(0.5), "extra": said(0.0)}

    verdict = judge(CLEAR, scores, {"a": 3, "b": 1})

    assert verdict.score == pytest.approx(0.875)
    assert verdict.by_model == {"a": 1.0, "b": 0.5, "extra": 0.0}


def test_a_model_that_votes_and_has_no_score_ends_the_verdict() -> None:
    with pytest.raises(LivenessUnavailable, match="b gave no score"):
        judge(CLEAR, {"a": said(1.0)}, {"a": 1, "b": 1})


def test_without_any_vote_there_is_no_verdict() -> None:
    with pytest.raises(LivenessUnavailable):
        judge(CLEAR, {"a": said(1.0)}, {})


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan])
def test_a_weight_that_is_not_positive_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        weighted_score({"a": said(1.0), "b": said(1.0)}, {"a": 1, "b": weight})


shares = st.floats(0, 1)


@given(st.dictionaries(st.sampled_from("abc"), shares, min_size=1), shares)
def test_no_face_is_live_below_the_threshold(lives: dict[str, float], threshold: float) -> None:
    scores = {name: said(live) for name, live in lives.items()}

    band = Band(spoof_below=0.0, live_from=threshold)
    verdict = judge(CLEAR, scores, dict.fromkeys(scores, 1.0), band=band)

    assert (verdict.outcome == "live") == (verdict.score >= threshold)


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.4), (-0.1, 0.5), (0.5, 1.1), (math.nan, 0.5)])
def test_a_band_outside_zero_to_one_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="no band"):
        Band(spoof_below=low, live_from=high)


def test_attacks_are_named_only_by_a_model_that_tells_them_apart() -> None:
    telling = LivenessScores(live=0.1, by_label={"live": 0.1, "print": 0.2, "replay": 0.7})
    only_print = LivenessScores(live=0.1, by_label={"live": 0.1, "print": 0.8, "other": 0.1})

    both = attack_of({"a": telling, "b": only_print})
    neither = attack_of({"b": only_print})

    assert (both.print, both.replay, both.reason) == (0.2, 0.7, None)
    assert (neither.print, neither.replay) == (None, None)
    assert neither.reason == "no_model_tells_attacks_apart"
