"""Whether a face is what was required of it."""

import pytest

from workers.answers.analysis import AntiSpoofingAnswer, DeepfakeAnswer
from workers.contract import Gate
from workers.gates import gate_analyses, gate_reasons, track_reasons


def test_nothing_required_is_always_met() -> None:
    assert gate_reasons(()) == ()
    assert gate_analyses(()) == ()


@pytest.mark.parametrize(
    ("outcome", "reasons"),
    [
        ("live", ()),
        ("spoof", ("spoof_suspected",)),
        ("retake", ("liveness_uncertain",)),
        ("something new", ("liveness_uncertain",)),
        (None, ("liveness_not_judged",)),
    ],
)
def test_only_live_is_live(outcome: str | None, reasons: tuple[str, ...]) -> None:
    answer = None if outcome is None else AntiSpoofingAnswer.model_construct(outcome=outcome)

    assert gate_reasons(("live",), liveness=answer) == reasons


@pytest.mark.parametrize(
    ("verdict", "reasons"),
    [
        ("authentic", ()),
        ("manipulated", ("manipulated_suspected",)),
        ("inconclusive", ("authenticity_uncertain",)),
        (None, ("authenticity_not_judged",)),
    ],
)
def test_only_authentic_is_authentic(verdict: str | None, reasons: tuple[str, ...]) -> None:
    answer = DeepfakeAnswer.model_construct(verdict=verdict)

    assert gate_reasons(("authentic",), deepfake=answer) == reasons
    # A verdict on the one says nothing of the other.
    assert gate_reasons(("live",), deepfake=answer) == ("liveness_not_judged",)


def test_each_gate_takes_its_analysis_once() -> None:
    require: tuple[Gate, ...] = ("live", "authentic", "live")

    assert gate_analyses(require) == ("anti_spoofing", "deepfake")


def test_nobody_in_a_video_is_known_to_be_live() -> None:
    assert track_reasons((), "inconclusive") == ()
    assert track_reasons(("authentic",), "authentic") == ()
    assert track_reasons(("live", "authentic"), "manipulated") == (
        "liveness_not_judged",
        "manipulated_suspected",
    )
