"""When a face or an image is called authentic, manipulated, or neither."""

import pytest

from models.deepfake.judge import Gate, combined, judge_face, judge_image, why_unusable
from models.deepfake.results import DeepfakeScore, Reason, VerdictThresholds

THRESHOLDS = VerdictThresholds(authentic=0.2, manipulated=0.8, among=(0.8, 0.85, 0.9))


def score(probability: float, *reasons: Reason) -> DeepfakeScore:
    return DeepfakeScore(
        probability=probability,
        usable=not reasons,
        reasons=reasons,
        by_model={"net": probability},
    )


@pytest.mark.parametrize(
    ("probability", "verdict", "reasons"),
    [
        (0.2, "authentic", ()),
        (0.21, "inconclusive", ("between_thresholds",)),
        (0.79, "inconclusive", ("between_thresholds",)),
        (0.8, "manipulated", ()),
    ],
)
def test_only_scores_beyond_a_threshold_are_firm(
    probability: float, verdict: str, reasons: tuple[Reason, ...]
) -> None:
    found = judge_face(score(probability), THRESHOLDS)

    assert (found.verdict, found.reasons, found.score) == (verdict, reasons, probability)


@pytest.mark.parametrize("probability", [0.0, 0.99])
def test_an_unusable_face_is_inconclusive_whatever_its_score(probability: float) -> None:
    found = judge_face(score(probability, "face_too_small"), THRESHOLDS)

    assert (found.verdict, found.reasons) == ("inconclusive", ("face_too_small",))


def test_a_model_without_measured_thresholds_gives_no_firm_verdict() -> None:
    found = judge_face(score(0.99), None)

    assert (found.verdict, found.reasons) == ("inconclusive", ("model_uncalibrated",))


@pytest.mark.parametrize(("faces", "expected"), [(0, 0.8), (1, 0.8), (2, 0.85), (3, 0.9), (9, 0.9)])
def test_the_more_faces_the_higher_the_threshold(faces: int, expected: float) -> None:
    assert THRESHOLDS.manipulated_among(faces) == expected


def test_one_manipulated_face_makes_the_image_manipulated() -> None:
    found = judge_image([score(0.1), score(0.95), score(0.5)], THRESHOLDS)

    assert (found.verdict, found.score, found.reasons) == ("manipulated", 0.95, ())
    assert found.by_model == {"net": 0.95}


def test_a_score_that_convicts_a_lone_face_does_not_convict_one_of_two() -> None:
    assert judge_image([score(0.82)], THRESHOLDS).verdict == "manipulated"

    assert judge_image([score(0.82), score(0.1)], THRESHOLDS).verdict == "inconclusive"


def test_an_image_is_authentic_only_when_all_faces_are() -> None:
    assert judge_image([score(0.1), score(0.2)], THRESHOLDS).verdict == "authentic"

    found = judge_image([score(0.1), score(0.05, "face_blurred")], THRESHOLDS)
    assert (found.verdict, found.reasons) == ("inconclusive", ("face_blurred",))
    assert found.score == 0.1


def test_an_unusable_face_convicts_no_image() -> None:
    found = judge_image([score(0.99, "face_too_small"), score(0.1)], THRESHOLDS)

    assert (found.verdict, found.score) == ("inconclusive", 0.1)


def test_an_image_of_unusable_faces_names_every_reason_once() -> None:
    found = judge_image(
        [score(0.9, "face_too_small"), score(0.3, "face_too_small", "face_blurred")], THRESHOLDS
    )

    assert found.verdict == "inconclusive"
    assert found.reasons == ("face_too_small", "face_blurred")
    assert found.score == 0.9


def test_without_faces_there_is_no_verdict() -> None:
    found = judge_image([], THRESHOLDS)

    assert (found.verdict, found.score, found.reasons) == (None, None, ("no_face",))


@pytest.mark.parametrize(
    ("face_pixels", "sharp", "reasons"),
    [
        (100.0, 20.0, ()),
        (99.9, 20.0, ("face_too_small",)),
        (100.0, 19.9, ("face_blurred",)),
        (10.0, 0.0, ("face_too_small", "face_blurred")),
    ],
)
def test_the_gate_names_what_is_wrong_with_a_face(
    face_pixels: float, sharp: float, reasons: tuple[Reason, ...]
) -> None:
    gate = Gate(min_face_pixels=100, min_sharpness=20)

    assert why_unusable(face_pixels=face_pixels, sharpness=sharp, gate=gate) == reasons


def test_probabilities_are_averaged_by_weight_and_others_not_counted() -> None:
    found = combined({"a": 0.2, "b": 0.8, "c": 1.0}, {"a": 3, "b": 1})

    assert found == pytest.approx(0.35)


def test_weights_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        combined({"a": 0.2}, {})
