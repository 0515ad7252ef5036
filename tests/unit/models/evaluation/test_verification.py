"""The protocol on a set small enough to work out by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models.errors import EvaluationDataMissing
from models.evaluation.verification import (
    FaceVectors,
    Pair,
    embed_faces,
    locate_faces,
    nearest_centre,
    pair_cosines,
    person_of,
    read_pairs,
)
from models.evaluation.verification_report import evaluate_located, evaluate_verification
from models.results import Box, DetectedFace, Embedding, EmbeddingModel, Image

#: Direction of each photo, degrees: A and B are near themselves, C's second photo is near A.
DEGREES = {"A_1": 0, "A_2": 10, "B_1": 90, "B_2": 100, "C_1": 180, "C_2": 20}
PAIRS = [
    (1, 1, "A_1", "A_2"),
    (1, 0, "A_1", "B_1"),
    (2, 1, "B_1", "B_2"),
    (2, 0, "B_1", "C_1"),
    (3, 1, "C_1", "C_2"),
    (3, 0, "A_1", "C_2"),
]


def at(x: float, y: float, size: float = 2) -> DetectedFace:
    return DetectedFace(
        box=Box(x=x, y=y, width=size, height=size),
        confidence=1,
        landmarks=np.zeros((5, 2), np.float32),
    )


NET = EmbeddingModel(id="net", sha256="0" * 64, preprocessing_version="1")


@dataclass
class ByShade:
    """Embeds a photo as the direction its shade stands for."""

    model: EmbeddingModel = NET
    asked: list[int] = field(default_factory=list)

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        degrees = int(image[0, 0, 0])
        self.asked.append(degrees)
        angle = np.deg2rad(degrees)
        vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
        return [Embedding(vector=vector, model=self.model) for _ in faces]


def in_the_middle(_image: Image) -> Sequence[DetectedFace]:
    return (at(3, 3),)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "images").mkdir(parents=True)
    for name, degrees in DEGREES.items():
        Pillow.new("RGB", (8, 8), (degrees, 0, 0)).save(folder / "images" / f"{name}.png")
    lines = [f"{fold},{same},{a}.png,{b}.png" for fold, same, a, b in PAIRS]
    (folder / "pairs.csv").write_text("\n".join(["fold,same,file_a,file_b", *lines]))
    return folder


def test_the_figures_are_those_worked_out_by_hand(data: Path) -> None:
    report = evaluate_verification(data, in_the_middle, ByShade())

    figures = {figure.name: figure.value for figure in report.figures}
    # Genuine 0.985, 0.985, -0.940; impostors 0, 0, 0.940. Folds 1 and 2 are each judged by a
    # threshold between 0.940 and 0.985 and are right; fold 3 by one between 0 and 0.985, which
    # gets both of its pairs wrong.
    assert figures["accuracy"] == pytest.approx(2 / 3)
    assert figures["accuracy sd over folds"] == pytest.approx(np.std([1, 1, 0], ddof=1))
    # Of nine pairs of a genuine and an impostor score, those with -0.940 are ranked wrongly.
    assert figures["AUC"] == pytest.approx(6 / 9)
    cosines = np.cos(np.deg2rad([[10, 10, 160], [90, 90, 20]]))
    spread = np.sqrt(cosines.var(axis=1).mean())
    assert figures["d'"] == pytest.approx((cosines[0].mean() - cosines[1].mean()) / spread)
    assert figures["accuracy, threshold chosen on the same pairs"] == pytest.approx(5 / 6)
    assert {name: figures[0].value for name, figures in report.groups.items()} == {
        "fold 1": 1.0,
        "fold 2": 1.0,
        "fold 3": 0.0,
    }
    assert report.counts == {
        "pairs": 6,
        "images": 6,
        "faces not found": 0,
        "genuine pairs of all": 3,
        "impostor pairs of all": 12,
    }


def test_a_small_set_has_a_roc_curve_and_no_thresholds(data: Path) -> None:
    pairs = read_pairs(data)

    result = evaluate_located(locate_faces(data, pairs, in_the_middle), pairs, ByShade())

    assert result.thresholds is None
    [roc] = result.report.curves
    assert (roc.kind, roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == ("roc", 0, 0, 1, 1)
    assert not any("TAR" in figure.name for figure in result.report.figures)


def test_each_photo_is_embedded_once_per_model_and_searched_once_for_all(data: Path) -> None:
    searched: list[int] = []

    def find(image: Image) -> Sequence[DetectedFace]:
        searched.append(int(image[0, 0, 0]))
        return (at(3, 3),)

    pairs = read_pairs(data)
    located = locate_faces(data, pairs, find)
    one, other = ByShade(), ByShade()
    for embedder in (one, other):
        evaluate_located(located, pairs, embedder)

    assert sorted(searched) == sorted(one.asked) == sorted(other.asked) == sorted(DEGREES.values())


def test_a_pair_with_a_face_that_is_not_found_is_no_match_and_is_counted(data: Path) -> None:
    def find(image: Image) -> Sequence[DetectedFace]:
        return () if image[0, 0, 0] == DEGREES["A_2"] else (at(3, 3),)

    report = evaluate_verification(data, find, ByShade())

    assert report.counts["faces not found"] == 1
    assert report.groups["fold 1"][0].value == 0.5
    assert any("no face was found" in note for note in report.notes)


def test_without_any_face_there_is_nothing_to_measure(data: Path) -> None:
    located = locate_faces(data, read_pairs(data), lambda _: ())

    with pytest.raises(EvaluationDataMissing, match="No face"):
        embed_faces(located, ByShade())


def test_the_face_nearest_the_middle_counts_not_the_largest() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    near, large = at(95, 40, 20), at(0, 0, 90)

    assert nearest_centre(image, [large, near]) is near
    assert nearest_centre(image, []) is None


def test_a_person_s_name_is_all_before_the_number() -> None:
    assert person_of("Jean-Francois_Lemounier_0001.jpg") == "Jean-Francois_Lemounier"


def test_pairs_keep_their_order_and_unknown_photos_match_nothing() -> None:
    vectors = FaceVectors(files=("a", "b"), vectors=np.eye(2, dtype=np.float32), not_found=1)
    pairs = [
        Pair(fold=1, same=True, file_a=a, file_b=b) for a, b in [("b", "b"), ("a", "b"), ("a", "x")]
    ]

    assert pair_cosines(vectors, pairs).tolist() == [1, 0, -1]


def test_a_limit_keeps_every_fold_and_both_answers(data: Path) -> None:
    with pytest.raises(EvaluationDataMissing, match="3 pairs are too few"):
        read_pairs(data, 3)

    wide = [f"{fold},{same},x_1.png,x_2.png" for fold in (1, 2) for same in (0, 1)] * 50
    (data / "pairs.csv").write_text("\n".join(["fold,same,file_a,file_b", *wide]))
    found = read_pairs(data, 20)

    assert len(found) == 20
    assert {(pair.fold, pair.same) for pair in found} == {
        (1, False),
        (1, True),
        (2, False),
        (2, True),
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("fold,same,file_a\n1,1,a", "no column file_b"),
        ("fold,same,file_a,file_b\none,1,a,b", "must be numbers"),
        ("fold,same,file_a,file_b\n1,1,a,b\n1,0,a,b", "at least two folds"),
        ("fold,same,file_a,file_b\n", "at least two folds"),
    ],
)
def test_a_list_that_can_t_be_used_says_why(data: Path, text: str, complaint: str) -> None:
    (data / "pairs.csv").write_text(text)

    with pytest.raises(EvaluationDataMissing, match=complaint):
        read_pairs(data)


def test_a_photo_that_is_missing_is_named(data: Path) -> None:
    (data / "images" / "B_2.png").unlink()

    with pytest.raises(EvaluationDataMissing, match=r"B_2\.png"):
        evaluate_verification(data, in_the_middle, ByShade())
