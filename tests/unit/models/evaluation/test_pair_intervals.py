"""Intervals over pairs that share persons: against the slow way, and against what they promise."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation.pair_intervals import (
    CrossPairs,
    cross_interval,
    pairs_between,
    person_interval,
)
from models.evaluation.scores import wilson, wilson_share


def drawn(
    rng: np.random.Generator, persons: int, faces: int, *, shared: float
) -> tuple[CrossPairs, NDArray[np.bool_], NDArray[np.intp]]:
    """Persons of whom some resemble many others, with the accepted pairs at one threshold."""
    ids = np.repeat(np.arange(persons), faces)
    common = rng.normal(size=persons)
    score = shared * (common[ids, None] + common[ids]) + rng.normal(size=(len(ids), len(ids)))
    score = np.triu(score, 1)
    is_pair = np.triu(ids[:, None] != ids[None], 1)
    accepted = is_pair & (score > 2.2)
    one, other = np.nonzero(accepted)
    pairs = CrossPairs(faces=np.bincount(ids), one=ids[one], other=ids[other])
    return pairs, accepted, ids


def test_the_variance_is_that_of_all_pairs_of_pairs_that_share_a_person() -> None:
    pairs, accepted, ids = drawn(np.random.default_rng(3), persons=7, faces=2, shared=0.8)
    share = len(pairs.one) / pairs.total
    every = [
        (accepted[i, j] - share, {ids[i], ids[j]})
        for i, j in itertools.combinations(range(len(ids)), 2)
        if ids[i] != ids[j]
    ]
    variance = sum(a * b for a, one in every for b, other in every if one & other) / len(every) ** 2
    trials = share * (1 - share) / variance

    assert 1 < trials < pairs.total
    assert cross_interval(pairs) == pytest.approx(wilson_share(share, trials))


def test_of_independent_pairs_the_interval_is_wilsons_or_wider() -> None:
    # Ten couples of persons, each with one pair accepted, none of them twice.
    pairs = CrossPairs(
        faces=np.ones(40, np.intp), one=np.arange(0, 20, 2), other=np.arange(1, 20, 2)
    )

    assert cross_interval(pairs) == pytest.approx(wilson(10, 780))


def test_one_person_who_resembles_all_others_makes_the_rate_uncertain() -> None:
    spread = CrossPairs(
        faces=np.ones(40, np.intp), one=np.arange(0, 20, 2), other=np.arange(1, 20, 2)
    )
    alone = CrossPairs(
        faces=np.ones(40, np.intp), one=np.zeros(10, np.intp), other=np.arange(1, 11)
    )

    assert cross_interval(alone)[1] > 1.5 * cross_interval(spread)[1]
    assert cross_interval(alone)[0] < cross_interval(spread)[0]


def test_where_no_pair_is_accepted_only_couples_of_persons_count() -> None:
    none = CrossPairs(faces=np.full(30, 5), one=np.empty(0, np.intp), other=np.empty(0, np.intp))

    assert cross_interval(none) == pytest.approx(wilson(0, 15))


def test_pairs_between_persons_leave_out_those_of_one_person() -> None:
    assert pairs_between(np.array([3, 2, 1])) == 3 * 2 + 3 * 1 + 2 * 1


def test_trials_of_one_person_count_as_what_they_vary_like() -> None:
    together = person_interval(np.array([10, 10, 0, 0]), np.full(4, 10))
    apart = person_interval(np.array([5, 5, 5, 5]), np.full(4, 10))

    assert together == pytest.approx(wilson(2, 4))
    assert apart == pytest.approx(wilson(20, 40))
    assert person_interval(np.full(4, 10), np.full(4, 10)) == wilson(4, 4)


def test_intervals_hold_the_true_rate_where_pairs_depend_on_each_other() -> None:
    rng = np.random.default_rng(0)
    # The true rate of such persons, from 60 million pairs that share nobody.
    draws = 0.8 * rng.normal(size=(2, 6_000_000)).sum(axis=0) + rng.normal(size=6_000_000)
    truth = float((draws > 2.2).mean())

    held, believed = [], []
    for _ in range(200):
        pairs, _, _ = drawn(rng, persons=40, faces=2, shared=0.8)
        low, high = cross_interval(pairs)
        held.append(low <= truth <= high)
        low, high = wilson(len(pairs.one), pairs.total)
        believed.append(low <= truth <= high)

    assert np.mean(held) > 0.88
    # As if the pairs were independent.
    assert np.mean(believed) < 0.5
