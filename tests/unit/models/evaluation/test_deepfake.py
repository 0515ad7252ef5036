"""Deepfake figures on scores that can be counted by hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from models.errors import EvaluationDataMissing
from models.evaluation.deepfake import (
    DeepfakeSample,
    LabelledPictures,
    evaluate_deepfake,
    grouped_auc_interval,
    report_of,
    take_whole,
)
from models.evaluation.report import Figure, Report
from models.results import Image
from models.spec import FaceCrop


def pictures(authentic: list[float], manipulated: list[float]) -> LabelledPictures:
    likely = np.array([*authentic, *manipulated])
    return LabelledPictures(
        likely=likely,
        is_fake=np.repeat([False, True], [len(authentic), len(manipulated)]),
        groups=np.arange(len(likely)),
        verdicts=np.where(
            likely >= 0.8, "manipulated", np.where(likely <= 0.2, "authentic", "inconclusive")
        ),
    )


def figure(report: Report, name: str) -> Figure:
    (found,) = [one for one in report.figures if one.name == name]
    return found


def report(found: LabelledPictures, model: str = "net", data: str = "set") -> Report:
    return report_of(found, names=(model, data))


def test_the_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    found = report(pictures([0.1, 0.4, 0.6], [0.5, 0.9]))

    # 0.5 beats two of three, 0.9 all.
    auc = figure(found, "AUC")
    assert auc.value == pytest.approx(5 / 6)
    assert auc.low is not None
    assert auc.high is not None
    assert auc.low <= auc.value <= auc.high


def test_verdicts_are_counted_by_class() -> None:
    found = report(pictures([0.1, 0.15, 0.5, 0.9], [0.1, 0.6, 0.7, 0.85, 0.95]))

    assert figure(found, "authentic called authentic").value == 0.5
    assert figure(found, "authentic called manipulated").value == 0.25
    assert figure(found, "manipulated called manipulated").value == 0.4
    assert figure(found, "manipulated called authentic").value == 0.2
    assert figure(found, "inconclusive").value == pytest.approx(3 / 9)
    assert figure(found, "accuracy at 0.5").value == pytest.approx(6 / 9)


def test_calibration_is_measured() -> None:
    labelled = pictures([0.1, 0.12, 0.9], [0.3, 0.92])
    found = report(labelled)

    (curve,) = [one for one in found.curves if one.kind == "calibration"]
    assert curve.x == pytest.approx((0.11, 0.3, 0.91))
    assert curve.y == pytest.approx((0, 1, 0.5))
    expected = brier_score_loss(labelled.is_fake, labelled.likely)
    assert figure(found, "Brier score").value == pytest.approx(expected)


def test_a_head_on_its_own_training_pictures_is_told() -> None:
    scores = pictures([0.1] * 20, [0.9] * 20)

    (note,) = report(scores, "facesocial_deepfake", "dfdc_faces").notes
    assert "by heart" in note
    assert report(scores, "facesocial_deepfake", "deepfake_stills").notes == ()
    assert report(scores, "meso4_df", "dfdc_faces").notes == ()


def test_an_auc_no_better_than_file_size_is_told() -> None:
    rng = np.random.default_rng(0)

    (note,) = report(pictures(list(rng.random(50)), list(rng.random(50)))).notes

    assert "does not show" in note


def test_the_interval_is_that_of_resampled_groups() -> None:
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 12, 40)
    labels = rng.random(40) < 0.5
    scores = np.array([round(float(one), 1) for one in rng.random(40) + 0.3 * labels])
    count = int(groups.max()) + 1
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), 1000)
    areas = [
        roc_auc_score(labels, scores, sample_weight=weights)
        for weights in draws[:, groups]
        if weights[labels].any() and weights[~labels].any()
    ]

    found = grouped_auc_interval(scores, labels, groups)

    assert found == pytest.approx(tuple(np.percentile(areas, [2.5, 97.5])))


def test_larger_groups_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    alone = pictures(list(rng.random(40) * 0.7), list(0.3 + rng.random(40) * 0.7))
    grouped = LabelledPictures(
        likely=np.repeat(alone.likely[::10], 10),
        is_fake=alone.is_fake,
        groups=np.repeat(np.arange(8), 10),
        verdicts=alone.verdicts,
    )

    narrow, wide = (figure(report(one), "AUC") for one in (alone, grouped))

    assert narrow.low is not None
    assert narrow.high is not None
    assert wide.low is not None
    assert wide.high is not None
    assert wide.high - wide.low > narrow.high - narrow.low


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two authentic pictures, two fakes of the first, and one without a face."""
    lines = ["file,is_fake,original_video"]
    pictures = [("a", 0, ""), ("b", 0, ""), ("c", 1, "a.mp4"), ("d", 1, "a.mp4"), ("none", 1, "")]
    for level, (name, fake, original) in enumerate(pictures):
        lines.append(f"{name}.png,{fake},{original}")
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((8, 8, 3), level * 50, np.uint8))
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return tmp_path


def brightness(image: Image) -> DeepfakeSample | None:
    level = float(image.mean()) / 255
    return None if level > 0.7 else DeepfakeSample(probability=level, verdict="inconclusive")


def test_a_folder_is_walked_and_fakes_share_their_originals_group(folder: Path) -> None:
    ticks: list[tuple[int, int]] = []

    found = evaluate_deepfake(
        folder, brightness, model="net", tick=lambda done, total: ticks.append((done, total))
    )

    assert figure(found, "AUC").value == 1
    assert found.counts == {
        "authentic": 2,
        "manipulated": 2,
        "original videos": 2,
        "faces not found": 1,
    }
    assert ticks[-1] == (5, 5)


def test_a_set_with_faces_of_one_class_only_is_refused(folder: Path) -> None:
    def never_bright(image: Image) -> DeepfakeSample | None:
        return brightness(image) if image.mean() < 60 else None

    with pytest.raises(EvaluationDataMissing, match="one class"):
        evaluate_deepfake(folder, never_bright, model="net")


def test_a_set_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationDataMissing):
        evaluate_deepfake(tmp_path, brightness, model="net")


def test_a_crop_is_taken_as_one_face_of_its_own_size() -> None:
    crop = FaceCrop(shape="square", scale=0.8, outside="shift")

    (face,) = take_whole(crop)(np.zeros((80, 80, 3), np.uint8))

    assert (face.box.x, face.box.width) == (-10, 100)
