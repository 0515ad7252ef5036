"""All pairs of a set, against the slow way."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation.all_pairs import (
    HISTOGRAM_BINS,
    PairScores,
    measured_thresholds,
    pair_scores,
)


def people(count: int, photos: int) -> tuple[NDArray[np.float32], list[str]]:
    """Photos near their person's own direction, in mixed order."""
    rng = np.random.default_rng(7)
    names = [f"p{i % count}" for i in range(count * photos)]
    middle = rng.normal(size=(count, 6))
    vectors = np.array([middle[int(name[1:])] + rng.normal(size=6) / 2 for name in names])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32), names


@pytest.mark.parametrize(("count", "photos"), [(3, 4), (40, 30)])
def test_blocks_find_the_pairs_that_a_double_loop_finds(count: int, photos: int) -> None:
    vectors, names = people(count, photos)

    found = pair_scores(vectors, names)

    cosines = vectors @ vectors.T
    pairs = list(itertools.combinations(range(len(names)), 2))
    same = np.array([names[i] == names[j] for i, j in pairs])
    values = np.array([cosines[i, j] for i, j in pairs])
    np.testing.assert_allclose(np.sort(found.genuine), np.sort(values[same]), atol=1e-6)
    assert found.impostor_count == (~same).sum()
    highest = np.sort(values[~same])[::-1][: len(found.impostors)]
    np.testing.assert_allclose(found.impostors, highest, atol=1e-6)
    assert len(found.impostors) == (~same).sum() // 100 + 1
    np.testing.assert_array_equal(np.bincount(found.person), count * [photos * (photos - 1) // 2])


@pytest.mark.parametrize(("count", "photos"), [(3, 4), (40, 30)])
def test_the_highest_scores_know_whose_they_are(count: int, photos: int) -> None:
    vectors, names = people(count, photos)

    found = pair_scores(vectors, names)

    # Persons are numbered by their names' order.
    _, ids = np.unique(names, return_inverse=True)
    cosines = vectors @ vectors.T
    for score, (one, other) in zip(found.impostors, found.strangers, strict=True):
        assert one != other
        between = cosines[np.ix_(ids == one, ids == other)]
        assert np.abs(between - score).min() < 1e-6
    np.testing.assert_array_equal(found.photos, count * [photos])


def test_every_pair_is_in_the_histogram_of_its_kind() -> None:
    vectors, names = people(3, 4)

    found = pair_scores(vectors, names)

    assert found.genuine_histogram.sum() == len(found.genuine)
    assert found.impostor_histogram.sum() == found.impostor_count
    cosines = vectors @ vectors.T
    same = np.array(names)[:, None] == np.array(names)
    low, high = cosines[~same].min(), cosines[~same].max()
    steps = np.flatnonzero(found.impostor_histogram)
    assert steps[0] == int((low + 1) * 50)
    assert steps[-1] == int((high + 1) * 50)


def constructed(impostors: int) -> PairScores:
    return PairScores(
        genuine=np.array([0.2, 0.6, 0.8, 0.9], np.float32),
        person=np.zeros(4, np.intp),
        impostors=np.linspace(0.75, 0.5, impostors // 100 + 1).astype(np.float32),
        impostor_count=impostors,
        strangers=np.zeros((impostors // 100 + 1, 2), np.intp),
        photos=np.array([4], np.intp),
        genuine_histogram=np.zeros(HISTOGRAM_BINS, np.intp),
        impostor_histogram=np.zeros(HISTOGRAM_BINS, np.intp),
    )


def test_thresholds_are_measured_only_at_rates_with_pairs_enough() -> None:
    found = measured_thresholds(constructed(10_000), origin="x")

    assert found is not None
    assert [point.far for point in found.points] == [1e-2, 1e-3]
    [loose, tight] = found.points
    assert (loose.similarity, loose.tar) == (0.5001, 0.75)
    # Ten of the hundred and one highest lie above: 0.75 - 10 * 0.0025 is refused.
    assert (tight.similarity, tight.tar) == (0.7251, 0.5)
    assert (found.genuine_pairs, found.impostor_pairs) == (4, 10_000)


def test_a_small_set_has_no_thresholds() -> None:
    assert measured_thresholds(constructed(900), origin="x") is None
