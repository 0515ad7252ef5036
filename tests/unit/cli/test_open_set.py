"""Open-set identification on made-up people: who is drawn, what is decided, and what is counted."""

from collections import Counter

import numpy as np
import pytest

from cli.open_set import FPIRS, Split, Tally, rules_of, search_split, splits
from cli.open_set_report import evaluate_open_set, figures_of
from models.errors import EvaluationDataMissing
from models.evaluation.labels import no_tick
from models.evaluation.verification import FaceVectors, person_of
from models.spec import OperatingPoint, VerificationThresholds
from workers.identities.records import EmbeddingContract, ThresholdPolicy
from workers.identities.thresholds import preset_thresholds

DIMENSIONS = 24
CONTRACT = EmbeddingContract(
    model="net", sha256="0" * 64, preprocessing_version="1", dimensions=DIMENSIONS
)


def people(persons: int, *, faces: int = 2, seed: int = 0) -> FaceVectors:
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(persons, DIMENSIONS)), faces, axis=0)
    rows += 0.4 * rng.normal(size=rows.shape)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    files = [f"p{person:03d}_{face}.jpg" for person in range(persons) for face in range(faces)]
    return FaceVectors(files=tuple(files), vectors=rows.astype(np.float32), not_found=0)


def preset() -> VerificationThresholds:
    """As measured on 400,000 pairs of such strangers."""
    rng = np.random.default_rng(99)
    rows = rng.normal(size=(2, 400_000, DIMENSIONS))
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    scores = np.sort((rows[0] * rows[1]).sum(axis=1))[::-1]
    points = tuple(
        OperatingPoint(far=far, similarity=float(scores[int(far * 400_000)]), tar=1.0)
        for far in (1e-2, 1e-3, 1e-4, 1e-5)
    )
    return VerificationThresholds(
        points=points, genuine_pairs=1, impostor_pairs=400_000, origin="made up"
    )


PRESET = preset()


def names(rows: tuple[int, ...], files: tuple[str, ...]) -> set[str]:
    return {person_of(files[row]) for row in rows}


def test_a_split_shares_nobody_between_known_people_and_strangers() -> None:
    files = people(40, faces=3).files

    for split in splits(files, count=5):
        known, strangers = names(split.enrolled, files), names(split.strangers, files)
        assert len(known) == 20
        assert known | strangers == {person_of(file) for file in files}
        assert not known & strangers
        assert names(split.mates, files) == known
        assert not set(split.mates) & set(split.enrolled)
        assert len(split.enrolled) == 40
        assert len(split.strangers) == 60


def test_splits_are_drawn_anew_and_always_the_same() -> None:
    files = people(40).files

    assert splits(files, count=3) == splits(files, count=3)
    assert len({split.enrolled for split in splits(files, count=3)}) == 3


def test_fewer_enrolled_make_no_more_strangers() -> None:
    files = people(40).files

    [few], [all_of_them] = splits(files, count=1, persons=4), splits(files, count=1)

    assert few.strangers == all_of_them.strangers
    assert len(names(few.enrolled, files)) == 4


def test_a_person_with_one_photo_is_enrolled_and_not_searched_for() -> None:
    files = people(10, faces=1).files

    [split] = splits(files, count=1)

    assert (len(split.enrolled), split.mates) == (5, ())


def test_decisions_are_counted_by_person_and_a_wrong_name_is_told_apart() -> None:
    vectors = people(6)
    # The second photo of person 0 is person 1's.
    vectors.vectors[1] = vectors.vectors[2]
    split = Split(enrolled=(0, 2), mates=(1, 3), strangers=(4, 5, 6))
    searched = search_split(vectors, CONTRACT, split)
    rules = preset_thresholds(ThresholdPolicy(), "net", PRESET)
    tally = Tally()

    searched.tally(rules.identify(faces=2, threshold=0.9), tally)

    assert tally.mates["p000"] == Counter({"wrong": 1})
    assert tally.mates["p001"].total() == 1
    assert {name: counts.total() for name, counts in tally.strangers.items()} == {
        "p002": 2,
        "p003": 1,
    }
    figures = {figure.name: figure.value for figure in figures_of(tally)}
    assert figures["wrong name, of enrolled"] == 0.5


@pytest.mark.parametrize("seed", range(2))
def test_no_stranger_is_named_above_the_stated_rate(seed: int) -> None:
    report = evaluate_open_set(
        people(400, seed=seed),
        CONTRACT,
        PRESET,
        data="made up",
        sizes=[100, None],
        count=2,
        tick=no_tick,
    )

    assert len(report.groups) == 2 * 2 * len(FPIRS)
    for group, figures in report.groups.items():
        fpir, fnir, *_ = figures
        asked = float(group.rpartition(" ")[2])
        assert fpir.low is not None
        # By chance it may come out a little above, but not so that the interval leaves it.
        assert fpir.low <= asked, group
        assert fpir.value <= 1.5 * asked + 2e-3, group
        assert fnir.value < 0.5 or "calibrated" in group


def test_rates_asked_for_are_kept_by_stricter_thresholds() -> None:
    report = evaluate_open_set(
        people(400), CONTRACT, PRESET, data="made up", sizes=[None], count=2, tick=no_tick
    )
    means = [
        figure.value
        for figures in report.groups.values()
        for figure in figures
        if figure.name == "threshold, mean"
    ]

    assert means[:3] == sorted(means[:3])
    assert means[3:] == sorted(means[3:])
    assert report.counts == {"images": 800, "faces not found": 0, "splits of each size": 2}


def test_a_curve_falls_and_the_rates_asked_for_are_marked_on_it() -> None:
    report = evaluate_open_set(
        people(200), CONTRACT, PRESET, data="made up", sizes=[None], count=2, tick=no_tick
    )

    curve, *marks = report.curves
    # Over rising thresholds fewer strangers are named, and fewer known people.
    assert list(curve.x) == sorted(curve.x, reverse=True)
    assert list(curve.y) == sorted(curve.y)
    assert {curve.kind for curve in report.curves} == {"identification"}
    assert marks


def test_a_model_without_thresholds_is_measured_by_calibration_alone() -> None:
    vectors = people(120)
    [split] = splits(vectors.files, count=1)

    rules = rules_of(search_split(vectors, CONTRACT, split), "net", None)

    assert list(rules) == ["calibrated"]


def test_a_set_in_which_nobody_has_two_photos_can_t_be_measured() -> None:
    with pytest.raises(EvaluationDataMissing, match="nobody with two photos"):
        evaluate_open_set(
            people(40, faces=1), CONTRACT, PRESET, data="x", sizes=[None], count=1, tick=no_tick
        )
