"""Average precision on photos whose answer is known, and against the slow way."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from models.errors import EvaluationDataMissing
from models.evaluation.average_precision import (
    Outcomes,
    average_precision,
    interval,
    judge,
    overlaps,
    precision_recall,
)
from models.evaluation.detection import DetectionProtocol, evaluate_detection, read_photos
from models.results import Box, Image

WIDER_COLUMNS = (
    *("file", "sq_x", "sq_y", "sq_bw", "sq_bh"),
    *("aspect_y", "aspect_bh", "easy", "medium", "hard"),
)

Floats = NDArray[np.float64]


def _one_overlap(a: list[float], b: list[float]) -> float:
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(across, 0) * max(down, 0)
    union = a[2] * a[3] + b[2] * b[3] - shared
    return shared / union if union else 0


@pytest.mark.parametrize("seed", range(20))
def test_detections_are_judged_as_one_after_another(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labelled = rng.uniform((0, 0, 5, 5), 30, (8, 4))
    boxes = np.concatenate([labelled[rng.integers(0, 8, 12)], labelled[:4]])
    boxes += rng.normal(scale=2, size=boxes.shape)
    counted = rng.uniform(size=8) < 0.6

    hits, misses = judge(boxes, labelled, counted, min_overlap=0.5)

    taken: set[int] = set()
    for index, box in enumerate(boxes.tolist()):
        shared = [_one_overlap(box, face) for face in labelled.tolist()]
        best = int(np.argmax(shared))
        ignored = shared[best] >= 0.5 and not counted[best]
        hit = shared[best] >= 0.5 and counted[best] and best not in taken
        taken |= {best} if hit else set()
        assert (hits[index], misses[index]) == (hit, not hit and not ignored)


@pytest.mark.parametrize(
    ("boxes", "labelled"), [(0, 2), (2, 0), (0, 0)], ids=["nothing", "no face", "neither"]
)
def test_where_there_is_nothing_nothing_is_hit(boxes: int, labelled: int) -> None:
    box = np.array([[0, 0, 9, 9.0]])

    hits, misses = judge(
        box.repeat(boxes, 0), box.repeat(labelled, 0), np.ones(labelled, bool), min_overlap=0.5
    )

    assert hits.tolist() == [False] * boxes
    assert misses.tolist() == [True] * boxes


def test_boxes_without_area_overlap_nothing() -> None:
    point, box = np.array([[1, 1, 0, 0.0]]), np.array([[0, 0, 9, 9.0]])

    assert overlaps(point, point).tolist() == overlaps(point, box).tolist() == [[0]]


def _outcomes(judged: str, scores: list[float] | None = None, *, faces: int = 4) -> Outcomes:
    """Of one photo: h is a hit, m a miss, - does not count."""
    return Outcomes(
        scores=np.array(scores or np.linspace(0.9, 0.5, len(judged))),
        hits=np.array([letter == "h" for letter in judged], bool),
        misses=np.array([letter == "m" for letter in judged], bool),
        photos=np.zeros(len(judged), np.intp),
        faces=np.array([faces]),
    )


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        ("hhhh", 1),
        ("h-h-h-h", 1),
        ("hhhhmmmm", 1),
        ("mmmm", 0),
        ("", 0),
        # 1/4 at 1, 2/4 at 2/3.
        ("hmh", 0.25 + 0.25 * 2 / 3),
        # The precision at the first hit is raised to that at the second.
        ("mhh", 0.5 * 2 / 3),
    ],
)
def test_the_area_under_a_known_curve(judged: str, expected: float) -> None:
    assert average_precision(*precision_recall(_outcomes(judged))) == pytest.approx(expected)


def test_equal_scores_are_one_point_whatever_their_order() -> None:
    scores = [0.9, 0.8, 0.8, 0.7]

    curves = [precision_recall(_outcomes(judged, scores)) for judged in ("hhmh", "hmhh")]

    for precision, recall in curves:
        np.testing.assert_allclose(precision, [1, 2 / 3, 3 / 4])
        np.testing.assert_allclose(recall, [1 / 4, 2 / 4, 3 / 4])


def test_a_photo_taken_twice_weighs_twice() -> None:
    outcomes = Outcomes(
        scores=np.array([0.9, 0.8, 0.7]),
        hits=np.array([True, False, True]),
        misses=np.array([False, True, False]),
        photos=np.array([0, 1, 0]),
        faces=np.array([2, 1]),
    )

    precision, recall = precision_recall(outcomes, np.array([2, 1]))

    np.testing.assert_allclose(precision, [1, 2 / 3, 4 / 5])
    np.testing.assert_allclose(recall, [2 / 5, 2 / 5, 4 / 5])


def test_the_interval_holds_the_value_and_narrows_with_more_photos() -> None:
    def many(photos: int) -> Outcomes:
        rng = np.random.default_rng(3)
        hits = rng.uniform(size=photos) < 0.7
        return Outcomes(
            scores=np.sort(rng.uniform(size=photos))[::-1],
            hits=hits,
            misses=~hits,
            photos=np.arange(photos),
            faces=np.ones(photos, np.intp),
        )

    widths = []
    for photos in (30, 300):
        low, high = interval(many(photos))
        assert low < average_precision(*precision_recall(many(photos))) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def _wider(folder: Path, faces: list[tuple[str, tuple[int, int, int, int], str]]) -> Path:
    """A set of black photos, 40 wide and 60 high, with faces that count where digits say 1."""
    data = folder / "wider416"
    (data / "images").mkdir(parents=True)
    with (data / "boxes.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(WIDER_COLUMNS)
        for name, (x, y, width, height), counted in faces:
            Pillow.new("RGB", (40, 60)).save(data / "images" / name)
            # The squashed columns would be of a photo with another shape.
            writer.writerow([name, x, 10 * y, width, 10 * height, y, height, *counted])
    return data


def test_a_detector_is_measured_on_every_subset(tmp_path: Path) -> None:
    data = _wider(tmp_path, [("a.png", (5, 5, 10, 20), "111"), ("b.png", (20, 30, 10, 20), "001")])
    found = [(Box(x=5, y=5, width=10, height=20), 0.9), (Box(x=20, y=30, width=10, height=20), 0.8)]
    ticks: list[tuple[int, int]] = []

    report = evaluate_detection(
        data, lambda _: found, model="net", tick=lambda *done: ticks.append(done)
    )

    # Both boxes are given for both photos: one is right in each.
    values = {figure.name: figure.value for figure in report.figures}
    assert values == {"AP easy": 1 / 2, "AP medium": 1 / 2, "AP hard": pytest.approx(1 / 2)}
    assert report.counts == {
        "photos": 2, "faces easy": 1, "faces medium": 1, "faces hard": 2, "detections": 4,
    }  # fmt: skip
    assert (report.task, report.model, report.data) == ("detection", "net", "wider416")
    assert ticks == [(1, 2), (2, 2)]
    [easy, *_] = report.curves
    assert (easy.kind, easy.name) == ("precision_recall", "easy")
    assert len(easy.x) == len(easy.y) > 0


@pytest.mark.parametrize("upscale", [1.0, 2.46])
def test_boxes_of_enlarged_photos_are_judged_in_the_photo_s_own_pixels(
    tmp_path: Path, upscale: float
) -> None:
    data = _wider(tmp_path, [("a.png", (8, 20, 16, 32), "111")])

    def find(image: Image) -> list[tuple[Box, float]]:
        height, width = image.shape[:2]
        assert (width, height) == (round(40 * upscale), round(60 * upscale))
        box = Box(x=width / 5, y=height / 3, width=width * 0.4, height=height * 32 / 60)
        return [(box, 0.5)]

    protocol = DetectionProtocol(upscale=upscale, min_overlap=0.99)

    report = evaluate_detection(data, find, model="net", protocol=protocol)

    assert [figure.value for figure in report.figures] == [1, 1, 1]


def test_a_limit_leaves_photos_out(tmp_path: Path) -> None:
    data = _wider(tmp_path, [(f"{name}.png", (1, 1, 9, 9), "111") for name in "abcde"])

    report = evaluate_detection(data, lambda _: [], model="net", limit=2)

    assert report.counts["photos"] == 2


def test_a_detector_that_finds_nothing_has_no_precision(tmp_path: Path) -> None:
    data = _wider(tmp_path, [("a.png", (8, 20, 16, 32), "001")])

    report = evaluate_detection(data, lambda _: [], model="net")

    # No face counts as easy or medium: there is nothing to measure there.
    assert [(figure.name, figure.value) for figure in report.figures] == [("AP hard", 0)]
    assert report.curves[0].x == ()


def test_a_set_of_the_other_layout_has_one_subset(tmp_path: Path) -> None:
    rows = "file,left,top,bw,bh,ignore\na.png,1,2,3,4,0\na.png,5,6,7,8,1\n"
    (tmp_path / "boxes.csv").write_text(rows, encoding="utf-8")

    [photo] = read_photos(tmp_path)

    assert photo.path == tmp_path / "a.png"
    assert photo.boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert {name: counted.tolist() for name, counted in photo.counted.items()} == {
        "all": [True, False]
    }


@pytest.mark.parametrize("content", [None, "file,left\n", "file,left,top,bw,bh,ignore\n"])
def test_a_set_that_is_not_there_or_labels_nothing_is_named(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "boxes.csv").write_text(content, encoding="utf-8")

    with pytest.raises(EvaluationDataMissing, match=r"boxes\.csv"):
        evaluate_detection(tmp_path, lambda _: [], model="net")


def test_the_boxes_of_wider_fit_the_shape_of_its_files(shared: Path) -> None:
    data = shared / "data" / "wider416"
    if not data.is_dir():
        pytest.skip(f"needs the labelled images in {data}")

    for photo in read_photos(data):
        with Pillow.open(photo.path) as file:
            width, height = file.size
        # The squashed boxes reach down to 416, past the lower edge of nearly every photo.
        right, bottom = (photo.boxes[:, :2] + photo.boxes[:, 2:]).max(axis=0)
        assert right <= width + 1
        assert bottom <= height + 1
