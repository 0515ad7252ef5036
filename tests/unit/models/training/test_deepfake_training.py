"""Fitting the head: nothing leaks, nothing is drawn anew, and the arithmetic is right."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.catalogue import load_catalogue
from models.deepfake.clip_head import parse_head
from models.results import Box, DetectedFace
from models.training.deepfake import train
from models.training.deepfake_candidates import compared, eligible
from models.training.deepfake_data import (
    BLOCKS,
    SOFT_SIDE,
    VIEWS,
    Crops,
    block_outputs,
    patch_of,
    read_crops,
    read_pictures,
)
from models.training.deepfake_heads import (
    auc,
    fit_logistic,
    fit_platt,
    folds_of,
    out_of_fold,
)
from models.training.deepfake_material import Material
from models.training.deepfake_measures import calibration_curve, shares_at, thresholds_of

SPEC = load_catalogue().model("facesocial_deepfake")
RNG = np.random.default_rng


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Crops:
    """Sixty real crops, and a fake of each."""
    folder = tmp_path_factory.mktemp("crops")
    lines = ["file,is_fake,original_video,crop_w,crop_h"]
    rng = RNG(0)
    for number in range(60):
        lines += [f"r{number:02d}.png,0,,{60 + number},99"]
        lines += [f"f{number:02d}.png,1,r{number:02d}.mp4,200,{60 + number}"]
        for kind in "rf":
            side = int(rng.integers(60, 120))
            pixels = rng.integers(0, 256, (side, side, 3), np.uint8)
            cv2.imwrite(str(folder / f"{kind}{number:02d}.png"), pixels)
    (folder / "labels.csv").write_text("\n".join(lines))
    return read_crops(folder)


def material_of(crops: Crops, *, block: int) -> Material:
    """Features in which fakes lie to one side in one block."""
    rng = RNG(block)
    shape = (len(crops.files), len(BLOCKS), 6)
    features = rng.normal(size=shape)
    features[:, block] += 1.5 * crops.is_fake[:, None]
    views = {name: (features + 0.1 * rng.normal(size=shape)).astype(np.float32) for name in VIEWS}
    return Material(crops=crops, features=views, forensics=features[:, 0].astype(np.float32))


@pytest.fixture(scope="module")
def swapped(crops: Crops) -> Material:
    return material_of(crops, block=5)


@pytest.fixture(scope="module")
def generated(crops: Crops) -> Material:
    return material_of(crops, block=9)


def test_a_fake_and_what_it_was_made_of_are_in_one_group(crops: Crops) -> None:
    real, fake = crops.groups[0::2], crops.groups[1::2]

    np.testing.assert_array_equal(real, fake)
    assert len(np.unique(crops.groups)) == 60


def test_a_crops_size_is_that_in_its_video(crops: Crops) -> None:
    assert (crops.sides[0], crops.sides[1], crops.sides[118], crops.sides[119]) == (60, 60, 99, 119)


def test_no_group_is_on_both_sides_of_a_fold(crops: Crops) -> None:
    folds = folds_of(crops.is_fake, crops.groups, seed=3)

    for train_rows, test_rows in folds:
        assert not set(crops.groups[train_rows]) & set(crops.groups[test_rows])
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(120))


def test_out_of_fold_scores_know_nothing_of_their_own_labels(crops: Crops) -> None:
    # Features that are nothing but the group: whoever sees a group's other half knows the answer.
    rng = RNG(2)
    labels = rng.permutation(np.repeat([True, False], 30))[crops.groups]
    features = np.eye(60, dtype=np.float32)[crops.groups]
    folds = folds_of(labels, crops.groups, seed=0)

    scores = out_of_fold([features], labels, folds, lambda x, y: fit_logistic(x, y, c=1.0))

    assert auc(labels, scores) < 0.6


def test_training_twice_gives_the_same_head_and_it_can_be_read(
    swapped: Material, generated: Material
) -> None:
    first, results = train(swapped, generated, SPEC, tried=eligible())
    second, _ = train(swapped, generated, SPEC, tried=eligible())

    assert first.model_dump_json() == second.model_dump_json()
    assert parse_head(first.model_dump_json()) == first
    assert [trace.name for trace in first.traces] == ["swapped", "generated"]
    assert results["measured"]["auc_nested"] > 0.9
    assert json.loads(json.dumps(results))["measured"] == results["measured"]


def test_each_trace_knows_its_own_kind_of_manipulation(
    swapped: Material, generated: Material
) -> None:
    head, results = train(swapped, generated, SPEC, tried=eligible())

    for trace, block in zip(head.traces, (5, 9), strict=True):
        by_block = np.abs(np.array(trace.weights)).reshape(len(head.outputs), -1).sum(axis=1)
        assert int(by_block.argmax()) == [5, 6, 7, 8, 9].index(block)
    assert results["measured"]["auc_swapped_both_traces"] > 0.8
    assert results["measured"]["auc_generated_both_traces"] > 0.8


def test_joined_material_keeps_groups_apart_and_parts_keep_their_rows(
    swapped: Material, generated: Material
) -> None:
    both = swapped.with_more(generated)
    fakes = both.rows(both.crops.is_fake)

    assert len(np.unique(both.crops.groups)) == 120
    assert fakes.crops.is_fake.all()
    np.testing.assert_array_equal(
        fakes.features["near"][60:], generated.features["near"][generated.crops.is_fake]
    )


def test_pictures_without_a_face_are_left_out_and_boxes_decide_the_patch(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,is_fake\na.png,0\nb.png,1\n")
    pixels = RNG(0).integers(0, 256, (60, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((60, 80, 3), np.uint8))
    box = Box(x=10, y=10, width=40, height=40)
    face = DetectedFace(box=box, confidence=1, landmarks=np.zeros((5, 2), np.float32))

    found = read_pictures(tmp_path, SPEC, lambda image: [face] if image.any() else [])

    assert [file.name for file in found.files] == ["a.png"]
    assert found.sides[0] == 32
    # The crop includes its last pixel.
    np.testing.assert_array_equal(patch_of(found, 0, SPEC), pixels[14:47, 14:47, ::-1])


def test_fitting_to_noise_finds_nothing_and_is_refused(crops: Crops) -> None:
    noise = RNG(5).normal(size=(len(crops.files), 30)).astype(np.float32)
    folds = folds_of(crops.is_fake, crops.groups, seed=0)

    scores = out_of_fold([noise], crops.is_fake, folds, lambda x, y: fit_logistic(x, y, c=1.0))

    assert auc(crops.is_fake, scores) < 0.6
    with pytest.raises(ValueError, match="do not rise"):
        fit_platt(-crops.is_fake.astype(np.float64), crops.is_fake)


def test_folding_the_standardisation_in_changes_no_score() -> None:
    rng = RNG(0)
    features = (rng.normal(size=(80, 10)) * np.arange(1, 11) + 5).astype(np.float32)
    labels = features[:, 0] > 5
    reference = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, max_iter=400, tol=1e-3)
    ).fit(features, labels)

    head = fit_logistic(features, labels, c=0.1)

    np.testing.assert_allclose(
        head.decision_function(features), reference.decision_function(features), atol=1e-3
    )


def test_platt_gives_even_odds_between_two_equal_classes() -> None:
    rng = RNG(0)
    labels = np.repeat([True, False], [400, 100])
    scores = rng.normal(size=500) + np.where(labels, 8.0, 6.0)

    platt = fit_platt(scores, labels)

    # Two normal classes 2 apart with spread 1: log-odds 2 (x - 7), at an even prior.
    assert platt.slope == pytest.approx(2, abs=0.4)
    assert platt.probability(7.0) == pytest.approx(0.5, abs=0.08)


def test_thresholds_leave_a_twentieth_of_each_class_on_the_wrong_side() -> None:
    authentic, manipulated = np.linspace(0, 0.9, 1001), np.linspace(0.1, 1, 1001)
    likely = np.concatenate([authentic, manipulated])
    labels = np.repeat([False, True], 1001)

    found = thresholds_of(likely, labels)
    shares = shares_at(likely, labels, found)

    assert found.manipulated == pytest.approx(0.855, abs=1e-3)
    assert found.authentic == pytest.approx(0.145, abs=1e-3)
    assert found.among[1] == pytest.approx(0.8775, abs=1e-3)
    assert shares["authentic_called_manipulated"] == pytest.approx(0.05, abs=0.002)
    assert shares["manipulated_called_authentic"] == pytest.approx(0.05, abs=0.002)


def test_thresholds_of_classes_far_apart_do_not_cross() -> None:
    likely = np.concatenate([np.linspace(0, 0.2, 100), np.linspace(0.8, 1, 100)])

    found = thresholds_of(likely, np.repeat([False, True], 100))

    assert found.authentic <= found.manipulated


def test_the_calibration_curve_counts_every_crop_once() -> None:
    likely = np.array([0.05, 0.05, 0.95, 1.0])

    curve = calibration_curve(likely, np.array([False, True, True, True]))

    assert [point["crops"] for point in curve] == [2, 2]
    assert [point["manipulated"] for point in curve] == [0.5, 1.0]


def test_views_show_the_crop_mirrored_smaller_and_closer() -> None:
    image = RNG(0).integers(0, 256, (150, 150, 3), np.uint8)

    np.testing.assert_array_equal(VIEWS["mirrored"](image)[:, ::-1], image)
    assert VIEWS["soft"](image).shape == (SOFT_SIDE, SOFT_SIDE, 3)
    np.testing.assert_array_equal(VIEWS["near"](image), image[15:135, 15:135])
    assert next(iter(VIEWS)) == "full"


def test_the_blocks_of_the_entry_are_among_those_that_are_read() -> None:
    assert set(SPEC.outputs) <= set(block_outputs(SPEC).values())


def test_whatever_may_ship_is_in_the_table_of_what_was_tried() -> None:
    names = [candidate.name for candidate in compared()]

    assert len(set(names)) == len(names)
    assert {candidate.name for candidate in eligible()} <= set(names)
