"""Beyond what was measured: the line goes on, is told, and errs on the strict side."""

from dataclasses import replace

import pytest

from models.catalogue import load_catalogue
from tests.unit.workers.identities.measured import (
    CALIBRATED,
    CALIBRATION,
    CONTRACT,
    SEARCHED,
    collection,
    point,
    rules,
)
from workers.identities.records import (
    ThresholdPolicy,
)
from workers.identities.thresholds import collection_thresholds


@pytest.mark.parametrize(
    ("faces", "fpir", "threshold", "uncertain"),
    [
        (1001, 1e-2, 0.5001, 0.4001),
        (10_000, 1e-2, 0.6, 0.5),
        (10_000, 1e-3, 0.7, 0.6),
        (10**9, 1e-3, 1.0, 0.9),
    ],
)
def test_beyond_the_measured_thresholds_their_line_goes_on(
    faces: int, fpir: float, threshold: float, uncertain: float
) -> None:
    found = rules().identify(faces=faces, fpir=fpir)

    assert [found.threshold, found.uncertain] == pytest.approx([threshold, uncertain], abs=1.01e-4)
    assert found.threshold > 0.5
    assert (found.fpir, found.fpir_supported, found.is_extrapolated) == (fpir, False, True)
    assert found.far is None
    # What was measured says no more than this.
    assert found.expected_fpir == pytest.approx(min(1, 1e-5 * faces))


def test_without_measured_thresholds_half_a_decade_apart_there_is_no_line_to_go_on() -> None:
    found = rules(CALIBRATED, CALIBRATION).identify(faces=100, fpir=0.1)

    assert (found.threshold, found.far) == (0.15, 5e-3)
    assert (found.fpir_supported, found.is_extrapolated) == (False, False)


def test_the_line_goes_on_from_searches_as_well_and_the_stricter_counts() -> None:
    calibration = replace(
        SEARCHED, points=(point(1e-2, 0.1, far_high=2e-2), point(1e-3, 0.16, far_high=2e-3))
    )
    found = rules(CALIBRATED, calibration).identify(faces=1200, fpir=1e-3)

    # 0.06 for a decade: from 0.16 it is log10(2.4 / 1e-3) decades, from 0.3 it is one.
    assert found.threshold == pytest.approx(max(0.16 + 0.06 * 3.38, 0.3 + 0.06), abs=2e-4)
    assert (found.is_extrapolated, found.fpir_supported) == (True, False)
    assert found.expected_fpir == 1e-2


def test_measured_thresholds_are_never_extrapolated_while_one_keeps_the_rate() -> None:
    assert not rules().identify(faces=1000).is_extrapolated


@pytest.mark.parametrize("model", list(load_catalogue().thresholds))
@pytest.mark.parametrize("held_out", [1, 2])
def test_the_line_comes_out_near_thresholds_that_were_held_out(model: str, held_out: int) -> None:
    preset = load_catalogue().thresholds[model]
    points = sorted(preset.points, key=lambda one: -one.far)
    rest = preset.model_copy(update={"points": tuple(points[:-held_out])})
    contract = replace(CONTRACT, model=model)
    thresholds = collection_thresholds(collection(ThresholdPolicy()), contract, {model: rest})

    truth = points[-held_out]
    found = thresholds.identify(faces=1000, fpir=1000 * truth.far)

    assert found.is_extrapolated
    # Stricter in every case, by less than half a decade.
    assert 0 < found.threshold - truth.similarity < 0.04
