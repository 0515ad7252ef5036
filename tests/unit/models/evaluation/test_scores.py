"""Thresholds, rates and intervals on scores made by hand."""

import numpy as np
import pytest

from models.evaluation.scores import (
    auc_interval,
    best_threshold,
    grouped_interval,
    threshold_at,
    wilson,
)


def test_wilson_s_interval_is_that_of_the_textbook() -> None:
    # Agresti and Coull (1998), 0 of 10 and 5 of 10.
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_the_interval_of_groups_is_wider_than_that_of_as_many_independent_trials() -> None:
    # Ten persons with fifty pairs each, of whom one fails wholly.
    totals = np.full(10, 50)
    successes = np.where(np.arange(10) == 0, 0, 50)

    low, high = grouped_interval(successes, totals)

    alone = wilson(450, 500)
    assert low < alone[0] < 0.9 < alone[1] < high


@pytest.mark.parametrize(("all_right", "expected"), [(True, wilson(4, 4)), (False, wilson(0, 4))])
def test_where_every_trial_ends_alike_each_group_is_one_trial(
    all_right: bool, expected: tuple[float, float]
) -> None:
    totals = np.array([1, 100, 2, 7])

    assert grouped_interval(totals * all_right, totals) == expected


def test_the_best_threshold_lies_between_the_scores_it_parts() -> None:
    scores = np.array([0.1, 0.2, 0.6, 0.9], np.float32)
    same = np.array([False, False, True, True])

    assert best_threshold(scores, same) == pytest.approx(0.4)


def test_equal_scores_are_never_parted() -> None:
    # Parting the two 0.5 would judge all four right; no threshold can.
    scores = np.array([0.1, 0.5, 0.5, 0.9], np.float32)
    same = np.array([False, False, True, True])

    threshold = best_threshold(scores, same)

    assert ((scores >= threshold) == same).sum() == 3
    assert threshold not in scores


def test_of_equally_good_thresholds_the_middle_one_is_taken() -> None:
    scores = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], np.float32)
    same = np.array([True, False, True, False, True, False])

    judged = (scores >= best_threshold(scores, same)) == same

    assert judged.sum() == 3
    assert 0.1 <= best_threshold(scores, same) <= 0.9


@pytest.mark.parametrize("answer", [True, False])
def test_with_pairs_of_one_kind_only_all_are_judged_right(answer: bool) -> None:
    scores = np.array([0.3, 0.4], np.float32)
    same = np.full(2, answer)

    assert ((scores >= best_threshold(scores, same)) == same).all()


def test_the_interval_of_an_area_holds_it_and_narrows_with_more_scores() -> None:
    rng = np.random.default_rng(2)

    widths = []
    for count in (50, 5000):
        low, high = auc_interval(rng.normal(1, 1, count), rng.normal(0, 1, count))
        # Two normal distributions one deviation apart: Phi(1 / sqrt(2)).
        assert low < 0.7602 < high
        widths.append(high - low)

    assert widths[1] < widths[0] / 5


def test_equal_scores_count_half_in_an_area() -> None:
    assert auc_interval(np.ones(9), np.ones(4)) == (0.5, 0.5)
    assert auc_interval(np.ones(9), np.zeros(4)) == (1.0, 1.0)


@pytest.mark.parametrize(("far", "accepted"), [(0.01, 1), (0.05, 5), (0.1, 10), (0.5, 50)])
def test_a_rate_accepts_exactly_its_share_of_different_scores(far: float, accepted: int) -> None:
    impostors = np.random.default_rng(3).permutation(100).astype(np.float32) / 100

    threshold = threshold_at(impostors, far)

    assert threshold is not None
    assert (impostors >= threshold).sum() == accepted


@pytest.mark.parametrize("far", [0.01, 0.02, 0.05, 0.1, 0.3])
def test_ties_never_let_more_through_than_the_rate(far: float) -> None:
    impostors = np.repeat(np.array([0.1, 0.2, 0.3, 0.7], np.float32), [50, 30, 15, 5])

    threshold = threshold_at(impostors, far)

    assert threshold is not None
    assert (impostors >= threshold).mean() <= far


def test_shares_that_binary_fractions_can_t_hold_are_counted_right() -> None:
    # 0.07 * 100 is 7.000000000000001, 0.29 * 100 is 28.999999999999996.
    impostors = np.arange(100, dtype=np.float32) / 100

    counts = [(impostors >= (threshold_at(impostors, far) or 9)).sum() for far in (0.07, 0.29)]

    assert counts == [7, 29]


def test_a_rate_that_no_pair_can_stand_for_has_no_threshold() -> None:
    assert threshold_at(np.arange(99, dtype=np.float32), 0.01) is None


def test_the_highest_scores_suffice_when_their_total_is_told() -> None:
    impostors = np.random.default_rng(5).random(1000).astype(np.float32)
    highest = np.sort(impostors)[-101:]

    assert threshold_at(highest, 0.1, total=1000) == threshold_at(impostors, 0.1)
    with pytest.raises(ValueError, match="102 highest"):
        threshold_at(highest, 0.101, total=1000)


def test_a_threshold_has_four_decimals_and_works_below_zero() -> None:
    impostors = np.linspace(-0.9, -0.1, 101).astype(np.float32)

    threshold = threshold_at(impostors, 0.1)

    assert threshold == pytest.approx(round(threshold or 0, 4), abs=1e-12)
    assert (impostors >= (threshold or 0)).sum() == 10
