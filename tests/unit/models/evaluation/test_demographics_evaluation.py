"""Age and gender against labels, on photos that are one grey value each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models.demographics.groups import age_group, gender_from
from models.demographics.port import Demographics
from models.errors import EvaluationDataMissing
from models.evaluation.demographics import evaluate_demographics, on_nearest_face
from models.evaluation.report import Report
from models.results import AgeEstimate, Box, DetectedFace, GenderEstimate, Image

#: Grey value -> years, low, high, probability of female. 0 is a photo without a face.
ANSWERS = {
    10: (30.0, 25, 35, 0.9),
    20: (50.0, 45, 55, 0.2),
    30: (8.0, 5, 12, 0.6),
}


def estimate(image: Image) -> Demographics | None:
    if image[0, 0, 0] == 0:
        return None
    years, low, high, female = ANSWERS[int(image[0, 0, 0])]
    age = AgeEstimate(
        years=years, group=age_group(years), low_years=low, high_years=high, confidence=0.8
    )
    return Demographics(age=age, gender=gender_from(female, 1 - female))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return labelled(tmp_path, [(10, 28, 1), (20, 60, 0), (30, 8, 0), (0, 40, 1)])


def labelled(folder: Path, rows: list[tuple[int, int, int]]) -> Path:
    (folder / "images").mkdir()
    lines = ["file,age,gender_0male_1female"]
    for number, (grey, age, gender) in enumerate(rows):
        name = f"{number}.png"
        Pillow.fromarray(np.full((4, 4, 3), grey, np.uint8)).save(folder / "images" / name)
        lines.append(f"{name},{age},{gender}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def value(report: Report, name: str, group: str | None = None) -> float:
    figures = report.figures if group is None else report.groups[group]
    [figure] = [figure for figure in figures if figure.name == name]
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= figure.value <= figure.high
    return figure.value


def test_the_figures_are_those_of_the_labels(data: Path) -> None:
    report = evaluate_demographics(data, estimate, model="net")

    assert report.counts == {"photos": 4, "faces not found": 1}
    assert (report.task, report.model, report.data) == ("demographics", "net", data.name)
    assert value(report, "MAE") == pytest.approx((2 + 10 + 0) / 3)
    assert value(report, "age range coverage") == pytest.approx(2 / 3)
    assert value(report, "age group accuracy") == pytest.approx(2 / 3)
    assert value(report, "gender accuracy") == pytest.approx(2 / 3)
    assert value(report, "gender uncertain") == pytest.approx(1 / 3)
    assert value(report, "gender accuracy of the certain") == pytest.approx(1)


def test_groups_are_told_apart_by_their_labels(data: Path) -> None:
    report = evaluate_demographics(data, estimate, model="net")

    assert value(report, "MAE", "female") == pytest.approx(2)
    assert value(report, "MAE", "middle_aged, male") == pytest.approx(10)
    assert value(report, "gender accuracy", "child") == pytest.approx(0)
    assert "senior" not in report.groups


def test_figures_without_ground_are_left_out(data: Path) -> None:
    def bare(image: Image) -> Demographics | None:
        found = estimate(image)
        if found is None:
            return None
        age = AgeEstimate(
            years=found.age.years,
            group=found.age.group,
            low_years=None,
            high_years=None,
            confidence=None,
            reason="One number only.",
        )
        gender = GenderEstimate(
            value=found.gender.value, confidence=None, probabilities=None, uncertain=True
        )
        return Demographics(age=age, gender=gender)

    names = {figure.name for figure in evaluate_demographics(data, bare, model="net").figures}

    assert names == {"MAE", "age group accuracy", "gender accuracy", "gender uncertain"}


def test_progress_is_told_after_each_photo(data: Path) -> None:
    told: list[tuple[int, int]] = []

    evaluate_demographics(data, estimate, model="net", tick=lambda *done: told.append(done))

    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([(10, 30, 2)], "no gender 0 or 1"),
        ([(0, 30, 1)], "No face was found in any of the 1 photos"),
        ([], "No face was found in any of the 0 photos"),
    ],
)
def test_labels_that_can_t_be_used_are_told(
    tmp_path: Path, rows: list[tuple[int, int, int]], complaint: str
) -> None:
    with pytest.raises(EvaluationDataMissing, match=complaint):
        evaluate_demographics(labelled(tmp_path, rows), estimate, model="net")


def test_a_missing_photo_is_told(data: Path) -> None:
    (data / "images" / "1.png").unlink()

    with pytest.raises(EvaluationDataMissing, match=r"1\.png"):
        evaluate_demographics(data, estimate, model="net")


def test_the_face_nearest_the_middle_is_estimated() -> None:
    landmarks = np.zeros((5, 2), np.float32)
    faces = [
        DetectedFace(box=Box(x=x, y=40, width=20, height=20), confidence=1, landmarks=landmarks)
        for x in (0, 42, 80)
    ]
    seen: list[DetectedFace] = []

    class Estimator:
        def estimate(self, image: Image, faces: Sequence[DetectedFace]) -> list[Demographics]:
            seen.extend(faces)
            found = estimate(image)
            return [found] * len(faces) if found else []

    image: Image = np.full((100, 100, 3), 10, np.uint8)
    assert on_nearest_face(lambda _image: faces, Estimator())(image) is not None
    assert [face.box.x for face in seen] == [42]
    assert on_nearest_face(lambda _image: [], Estimator())(image) is None
