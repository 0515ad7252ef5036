"""Calibration on made-up people whose true rates are known by drawing more of them."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation.all_pairs import RATES
from models.evaluation.scores import wilson
from workers.identities.calibration import (
    CALIBRATED_FPIRS,
    CALIBRATED_RATES,
    GROWTH,
    FaceSample,
    calibrate_pairs,
    calibrate_searches,
)
from workers.identities.records import CalibratedSearch


def people(
    persons: int, faces: int, *, seed: int = 0, dimensions: int = 16, alike: float = 0.0
) -> FaceSample:
    """Faces near their person's direction; `alike` draws all persons towards a common one."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(persons, dimensions)) + alike
    rows = np.repeat(middles, faces, axis=0) + 0.5 * rng.normal(size=(persons * faces, dimensions))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    names = tuple(f"p{i:04d}" for i in range(persons) for _ in range(faces))
    return FaceSample(vectors=unit.astype(np.float32), persons=names)


def slow(sample: FaceSample) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines of pairs of one person and of two."""
    scores = sample.vectors @ sample.vectors.T
    pairs = list(itertools.combinations(range(len(sample.persons)), 2))
    same = np.array([sample.persons[i] == sample.persons[j] for i, j in pairs])
    values = np.array([scores[i, j] for i, j in pairs], np.float32)
    return values[same], values[~same]


def test_thresholds_are_the_lowest_that_let_no_more_pairs_through_than_the_rate() -> None:
    sample = people(60, 3)
    genuine, impostors = slow(sample)

    found = calibrate_pairs(sample)

    assert [point.far for point in found.points] == [
        far for far in CALIBRATED_RATES if far * len(impostors) >= 10
    ]
    for point in found.points:
        assert (impostors >= point.similarity).mean() <= point.far
        assert (impostors >= point.similarity - 1e-4).mean() > point.far - 1 / len(impostors)
        assert point.tar == pytest.approx((genuine >= point.similarity).mean())
        assert point.far_low < (impostors >= point.similarity).mean() < point.far_high
        assert point.tar is not None
        assert point.tar_low is not None
        assert point.tar_high is not None
        assert point.tar_low <= point.tar <= point.tar_high


def test_rates_with_too_few_pairs_are_told_with_what_is_needed() -> None:
    found = calibrate_pairs(people(60, 3))

    # 180 faces: 180 * 179 / 2 - 60 * 3 pairs of two persons.
    assert found.unsupported == (
        (1e-4, "15930 pairs of different persons; 100000 are needed."),
        (1e-5, "15930 pairs of different persons; 1000000 are needed."),
    )


def test_many_faces_of_few_persons_support_no_rate() -> None:
    found = calibrate_pairs(people(29, 20))

    assert found.points == ()
    assert [far for far, _ in found.unsupported] == list(RATES)
    assert found.unsupported[0][1] == "29 persons; 30 are needed."
    assert (
        calibrate_searches(
            np.zeros(29, np.float32), people(29, 1).persons, faces=28, collection_faces=29
        )
        == ()
    )


def test_a_rate_that_rests_on_one_person_who_resembles_others_is_not_supported() -> None:
    sample = people(40, 3, dimensions=64)
    rng = np.random.default_rng(1)
    # Half of everybody looks a little like the first person.
    sample.vectors[3:60] += 0.6 * sample.vectors[0] + 0.01 * rng.normal(size=(57, 64))
    sample.vectors[:] /= np.linalg.norm(sample.vectors, axis=1, keepdims=True)
    only = np.array([0, 1, 2, *range(60, 120)])
    sample.vectors[only[3:]] = people(20, 3, seed=5, dimensions=64).vectors

    found = calibrate_pairs(sample)

    reasons = dict(found.unsupported)
    assert reasons[1e-2].startswith(
        "So few persons make its pairs alike that it may really be up to"
    )


def test_without_two_faces_of_anybody_there_is_no_true_accept_rate() -> None:
    found = calibrate_pairs(people(60, 1))

    assert found.scores.impostor_count == 1770
    assert [(point.far, point.tar, point.tar_low) for point in found.points] == [(1e-2, None, None)]


def test_one_face_alone_supports_nothing() -> None:
    found = calibrate_pairs(people(1, 1))

    assert found.points == ()
    assert found.unsupported[0][1] == "0 pairs of different persons; 1000 are needed."


def nearest_others(sample: FaceSample) -> NDArray[np.float32]:
    """The cosine of each face with the most similar one of another person."""
    scores: NDArray[np.float32] = sample.vectors @ sample.vectors.T
    scores[np.array(sample.persons)[:, None] == np.array(sample.persons)] = -1
    nearest: NDArray[np.float32] = scores.max(axis=1)
    return nearest


def searches_of(
    sample: FaceSample, *, collection_faces: int | None = None
) -> tuple[CalibratedSearch, ...]:
    faces = len(sample.persons)
    most = max(sample.persons.count(name) for name in set(sample.persons))
    return calibrate_searches(
        nearest_others(sample),
        sample.persons,
        faces=faces - most,
        collection_faces=collection_faces or faces,
    )


@pytest.mark.parametrize("seed", range(5))
def test_strangers_reach_the_threshold_of_a_search_no_more_often_than_stated(seed: int) -> None:
    everybody = people(4_400, 1, seed=seed)
    enrolled = FaceSample(vectors=everybody.vectors[:400], persons=everybody.persons[:400])
    strangers = everybody.vectors[400:]

    found = searches_of(enrolled)

    assert [one.fpir for one in found] == [0.2, 0.1, 0.05]
    best = (strangers @ enrolled.vectors.T).max(axis=1)
    for one in found:
        assert (best >= one.similarity).mean() <= one.fpir
        assert one.measured < one.fpir
        assert one.faces == 480


def test_a_collection_that_is_larger_than_the_sample_needs_stricter_thresholds() -> None:
    sample = people(400, 1)

    own, larger = searches_of(sample), searches_of(sample, collection_faces=800)

    assert [one.fpir for one in own] == [one.fpir for one in larger]
    for one, other in zip(own, larger, strict=True):
        assert other.similarity > one.similarity
        assert other.faces == 960


def test_photos_of_one_person_prove_less_than_photos_of_several() -> None:
    names = tuple(f"p{i:02d}" for i in range(60) for _ in range(10))
    # The most similar ones are all of a few persons, or each of another.
    ranked = np.linspace(0.9, 0.1, 600, dtype=np.float32)
    spread = ranked.reshape(10, 60).T.reshape(-1)

    of_few = calibrate_searches(ranked, names, faces=590, collection_faces=600)
    of_many = calibrate_searches(spread, names, faces=590, collection_faces=600)

    few, many = ({one.fpir: one.similarity for one in found} for found in (of_few, of_many))
    assert few[0.2] > many[0.2]
    assert few[0.1] > many[0.1]


def test_two_who_find_each_other_are_one_piece_of_evidence() -> None:
    names = tuple(f"p{i:04d}" for i in range(1000))
    # Couples, each of whom is the other's nearest.
    nearest = np.repeat(np.linspace(0.9, 0.5, 500, dtype=np.float32), 2)

    found = calibrate_searches(nearest, names, faces=999, collection_faces=1000)

    for one in found:
        couples = int((nearest >= one.similarity).sum()) // 2
        # The interval of couples among couples, which are independent.
        assert wilson(couples, 500)[1] * GROWTH * 1000 / 999 <= one.fpir
        assert wilson(couples + 1, 500)[1] * GROWTH * 1000 / 999 > one.fpir


def test_two_who_are_the_same_to_the_model_are_both_refused() -> None:
    sample = people(100, 1)
    sample.vectors[1] = sample.vectors[0]

    found = searches_of(sample)

    # They find each other at 1.0: nothing above it would be a threshold that lets anybody in.
    assert all(one.measured >= 2 / 100 or one.similarity > 1 for one in found)
    assert set(CALIBRATED_FPIRS) > {one.fpir for one in found}
