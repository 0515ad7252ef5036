"""Which threshold decides: the loosest measured one that keeps the rate, or a clear error."""

from dataclasses import replace

import pytest

from models.catalogue import load_catalogue
from models.errors import ThresholdsMissing
from tests.unit.workers.identities.measured import (
    CALIBRATED,
    CALIBRATION,
    CONTRACT,
    FIXED,
    PRESET,
    SEARCHED,
    collection,
    rules,
)
from workers.identities.records import (
    Calibration,
    ThresholdPolicy,
)
from workers.identities.thresholds import collection_thresholds


@pytest.mark.parametrize(("far", "threshold"), [(None, 0.3), (1e-2, 0.2), (1e-5, 0.5)])
def test_a_comparison_is_decided_at_the_rate_asked_for_or_else_the_collections(
    far: float | None, threshold: float
) -> None:
    found = rules().verify(far=far)

    assert (found.threshold, found.far, found.source) == (threshold, far or 1e-3, "preset")
    assert [one.far for one in found.points] == [1e-2, 1e-3, 1e-4, 1e-5]
    assert found.origin == "somewhere"


def test_no_threshold_lies_between_measured_ones() -> None:
    with pytest.raises(ThresholdsMissing, match=r"of 0\.002; take 0\.01, 0\.001, 0\.0001, 1e-05"):
        rules().verify(far=2e-3)


def test_a_similarity_in_the_request_decides_and_claims_no_rate() -> None:
    found = rules(FIXED).verify(threshold=0.77)

    assert (found.threshold, found.far, found.source) == (0.77, None, "request")
    assert len(found.points) == 4


@pytest.mark.parametrize(
    ("faces", "fpir", "far", "expected"),
    [
        (0, 1e-2, 1e-2, 0.0),
        (1, 1e-2, 1e-2, 1e-2),
        (2, 1e-2, 1e-3, 2e-3),
        (100, 1e-1, 1e-3, 1e-1),
        (101, 1e-1, 1e-4, 1.01e-2),
        (1000, 1e-2, 1e-5, 1e-2),
    ],
)
def test_a_search_takes_the_loosest_threshold_whose_rate_times_the_faces_is_small_enough(
    faces: int, fpir: float, far: float, expected: float
) -> None:
    found = rules().identify(faces=faces, fpir=fpir)

    assert found.far == far
    assert found.expected_fpir == pytest.approx(expected)
    assert (found.fpir, found.fpir_supported) == (fpir, True)


def test_no_more_than_all_strangers_are_expected_to_be_taken_for_somebody() -> None:
    assert rules().identify(faces=10**6).expected_fpir == 1.0


@pytest.mark.parametrize(("faces", "uncertain"), [(1, 0.2), (2, 0.2), (50, 0.3), (1000, 0.4)])
def test_persons_are_listed_from_the_threshold_that_ten_times_as_many_reach(
    faces: int, uncertain: float
) -> None:
    assert rules().identify(faces=faces).uncertain == uncertain


def test_a_calibrated_collection_is_decided_by_what_was_measured_on_it() -> None:
    found = rules(CALIBRATED, CALIBRATION).verify()

    assert (found.threshold, found.source) == (0.15, "calibrated")
    assert (
        found.origin
        == "calibrated on the collection at version 7: 100 persons, 5000 impostor pairs"
    )


def test_a_search_counts_with_the_upper_end_of_a_calibrations_interval() -> None:
    kept = rules(CALIBRATED, CALIBRATION).identify(faces=5, fpir=0.1)
    stricter = rules(CALIBRATED, CALIBRATION).identify(faces=6, fpir=0.1)

    assert (kept.far, stricter.far) == (1e-2, 5e-3)
    assert [kept.expected_fpir, stricter.expected_fpir] == pytest.approx([0.1, 0.036])
    # Nothing lets ten times as many pass, so the loosest lists.
    assert stricter.uncertain == 0.1


@pytest.mark.parametrize(
    ("faces", "threshold", "far", "expected", "supported"),
    [
        (1, 0.15, 5e-3, 6e-3, True),
        (2, 0.3, None, 1e-2, True),
        (1200, 0.3, None, 1e-2, True),
        # 1e-2 and 5e-3 are too near each other for a line to go on with.
        (1201, 0.3, None, 1201 / 1200 * 1e-2, False),
        (10**6, 0.3, None, 1.0, False),
    ],
)
def test_what_searches_of_the_collection_have_shown_counts_up_to_so_many_faces(
    faces: int, threshold: float, far: float | None, expected: float, supported: bool
) -> None:
    found = rules(CALIBRATED, SEARCHED).identify(faces=faces, fpir=1e-2)

    assert (found.threshold, found.far, found.fpir_supported) == (threshold, far, supported)
    assert found.expected_fpir == pytest.approx(expected)


def test_a_chosen_similarity_above_a_searched_one_is_known_to_let_no_more_through() -> None:
    found = rules(CALIBRATED, SEARCHED).identify(faces=1000, threshold=0.4)

    assert (found.expected_fpir, found.uncertain) == (1e-2, 0.1)


def test_a_rate_that_a_calibration_could_not_support_is_refused_with_the_reason() -> None:
    with pytest.raises(ThresholdsMissing, match=r"rate of 0\.001: Too few persons\."):
        rules(CALIBRATED, CALIBRATION).verify(far=1e-3)


@pytest.mark.parametrize(
    "calibration",
    [None, replace(CALIBRATION, contract=replace(CONTRACT, sha256="b" * 64))],
    ids=["none", "of another model"],
)
def test_a_calibration_that_is_not_there_is_not_replaced_by_the_preset(
    calibration: Calibration | None,
) -> None:
    found = rules(CALIBRATED, calibration)

    with pytest.raises(ThresholdsMissing, match="was not calibrated for net"):
        found.verify()
    with pytest.raises(ThresholdsMissing, match="was not calibrated for net"):
        found.identify(faces=1)


def test_a_model_without_measured_thresholds_decides_only_by_a_chosen_similarity() -> None:
    unmeasured = collection_thresholds(collection(ThresholdPolicy()), CONTRACT, {"other": PRESET})

    with pytest.raises(ThresholdsMissing, match="No thresholds were measured for net"):
        unmeasured.identify(faces=1)
    found = unmeasured.identify(faces=1, threshold=0.6)
    assert (found.threshold, found.uncertain, found.expected_fpir) == (0.6, 0.6, None)
    assert (found.points, found.origin) == ((), None)


def test_a_fixed_similarity_tells_what_the_measured_threshold_below_it_lets_through() -> None:
    found = rules(FIXED).identify(faces=20)

    assert (found.threshold, found.uncertain, found.source) == (0.35, 0.2, "fixed")
    assert (found.far, found.fpir, found.fpir_supported) == (None, None, None)
    assert found.expected_fpir == pytest.approx(20 * 1e-3)


def test_a_rate_can_t_be_asked_of_a_fixed_similarity() -> None:
    with pytest.raises(ThresholdsMissing, match="is fixed, so no rate can be asked for"):
        rules(FIXED).identify(faces=3, fpir=0.1)
    with pytest.raises(ThresholdsMissing, match="is fixed, so no rate can be asked for"):
        rules(FIXED).verify(far=1e-3)


def test_every_model_of_the_catalogue_with_thresholds_has_levels_for_an_album() -> None:
    for model, preset in load_catalogue().thresholds.items():
        contract = replace(CONTRACT, model=model)
        found = collection_thresholds(
            collection(ThresholdPolicy()), contract, {model: preset}
        ).identify(faces=100)

        assert (found.far, found.fpir_supported) == (1e-4, True)
        assert -1 < found.uncertain < found.threshold < 1
