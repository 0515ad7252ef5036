"""MTCNN's cascade: windows against one after another, and three scripted networks in a row."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.contract import Tensors
from models.detection.candidates import Candidates
from models.detection.mtcnn import MAX_LONGER_SIDE, MTCNN, read_faces
from models.detection.windows import Windows, best, cut, moved, pyramid, read_level, square
from models.errors import CatalogueError
from models.network import Network
from models.results import Image
from models.testing import ScriptedSession

Answer = dict[str, NDArray[np.float32]]


def test_every_level_is_smaller_by_one_step_down_to_one_window() -> None:
    levels = pyramid(200, 100, smallest_face=20)

    assert [(level.width, level.height) for level in levels] == [
        (120, 60), (86, 43), (61, 31), (43, 22), (31, 16),
    ]  # fmt: skip
    assert levels[2].scale_x == 61 / 200


@pytest.mark.parametrize("size", [(1, 1), (19, 500), (500, 19)])
def test_an_image_smaller_than_the_smallest_face_has_no_level(size: tuple[int, int]) -> None:
    assert pyramid(*size, smallest_face=20) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_level_is_read_as_cell_by_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    [level, *_] = pyramid(70, 40, smallest_face=20)
    scores = rng.uniform(size=(16, 7)).astype(np.float32)
    shifts = rng.normal(size=(16, 7, 4)).astype(np.float32)

    found = read_level(scores, shifts, level, min_confidence=0.6)

    expected = []
    for column in range(16):
        for row in range(7):
            if scores[column, row] >= 0.6:
                left, top = column * 2 / level.scale_x, row * 2 / level.scale_y
                right, bottom = left + 12 / level.scale_x, top + 12 / level.scale_y
                score, shift = scores[column, row], shifts[column, row].tolist()
                expected.append([left, top, right, bottom, score, *shift])
    rows = np.column_stack([found.corners, found.scores, found.shifts])
    np.testing.assert_allclose(rows, expected, rtol=1e-5)


def _windows(corners: list[list[float]], shifts: list[list[float]] | None = None) -> Windows:
    return Windows(
        corners=np.array(corners, np.float32),
        scores=np.linspace(0.9, 0.8, len(corners), dtype=np.float32),
        shifts=np.array(shifts or [[0] * 4] * len(corners), np.float32),
    )


def test_corners_move_by_shares_of_their_window() -> None:
    windows = _windows([[10, 20, 30, 60]], [[0.5, 0.25, -0.5, -1]])

    assert moved(windows).tolist() == [[20, 30, 20, 20]]


def test_of_windows_that_overlap_the_better_stays() -> None:
    windows = _windows([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]])

    assert best(windows, max_overlap=0.5).corners[:, 0].tolist() == [0, 20]


def test_squares_cover_the_longer_side_in_whole_pixels() -> None:
    squares = square(np.array([[10, 20, 20.4, 40.2]], np.float32), width=99, height=99)

    assert squares.tolist() == [[5, 20, 25, 40]]


@pytest.mark.parametrize(
    "corners",
    [
        (np.nan, 0, 9, 9),
        (0, 0, np.inf, 9),
        (9, 9, 0, 0),
        (5, 5, 5.2, 5.2),
        (-30, 0, -10, 20),
        (50, 0, 70, 20),
        (0, 40, 20, 60),
        (-500, -500, 500, 500),
    ],
)
def test_windows_that_show_nothing_of_the_image_are_dropped(corners: tuple[float, ...]) -> None:
    assert square(np.array([corners], np.float32), width=50, height=40).shape == (0, 4)


def test_a_chip_is_black_outside_the_image() -> None:
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    squares = np.array([[-2, -1, 2, 3], [6, 4, 10, 8], [2, 1, 6, 5]], np.float32)

    low, high, inside = cut(image, squares, 4)

    assert (low[1:, 2:] == image[:3, :2]).all()
    assert not low[0].any()
    assert not low[:, :2].any()
    assert (high[:2, :2] == image[4:, 6:]).all()
    assert not high[2:].any()
    assert (inside == image[1:5, 2:6]).all()


def test_the_third_network_s_landmarks_are_five_x_then_five_y() -> None:
    answers = {
        2: np.array([[0.1, 0.9]], np.float32),
        4: np.array([[0.1, 0, 0, -0.1]], np.float32),
        10: np.array([[0.2, 0.8, 0.5, 0.3, 0.7, 0.4, 0.4, 0.6, 0.8, 0.8]], np.float32),
    }

    found = read_faces(np.array([[100, 50, 200, 150]], np.float32), answers, min_confidence=0.5)

    np.testing.assert_allclose(found.boxes, [[110, 50, 90, 90]])
    assert found.landmarks is not None
    np.testing.assert_allclose(
        found.landmarks[0], [(120, 90), (180, 90), (150, 110), (130, 130), (170, 130)]
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_faces_that_are_not_finite_or_not_sure_are_dropped(bad: float) -> None:
    answers = {
        2: np.array([[0, 0.9], [0, 0.9], [0, 0.4], [0, np.nan]], np.float32),
        4: np.zeros((4, 4), np.float32),
        10: np.zeros((4, 10), np.float32),
    }
    answers[10][0, 3] = bad
    squares = np.array([[0, 0, 9, 9], [1, 1, 9, 9], [2, 2, 9, 9], [3, 3, 9, 9]], np.float32)

    found = read_faces(squares, answers, min_confidence=0.5)

    assert found.boxes.tolist() == [[1, 1, 8, 8]]


class Cascade:
    """Three scripted networks: the first sees one window, the others agree as they are told."""

    def __init__(self, *, second: float = 0.9, third: float = 0.9, seen: int = 1) -> None:
        catalogue = load_catalogue()
        self._seen = seen
        spec = catalogue.model("mtcnn")
        self.first = ScriptedSession.of(spec, self._propose)
        self.second = ScriptedSession.of(
            catalogue.model("mtcnn_rnet"),
            lambda feeds: _sure(feeds["input_2"], second, {"dense_2": 4}, "softmax_1"),
        )
        self.third = ScriptedSession.of(
            catalogue.model("mtcnn_onet"),
            lambda feeds: _sure(
                feeds["input_3"], third, {"dense_5": 4, "dense_6": 10}, "softmax_2"
            ),
        )
        parts = {"mtcnn_rnet": self.second, "mtcnn_onet": self.third}
        self.detector = MTCNN(Network(spec=spec, session=self.first, parts=parts))

    def look(self, image: Image) -> Candidates:
        """One look, sure or not."""
        return self.detector.look(image, min_confidence=0.3)

    def _propose(self, feeds: Tensors) -> Answer:
        _, width, height, _ = feeds["input_1"].shape
        columns, rows = (width - 10) // 2, (height - 10) // 2
        scores = np.zeros((1, columns, rows, 2), np.float32)
        if len(self.first.runs) == 1:
            # Six cells apart, so that no window overlaps the next too much.
            places = [(c, r) for c in range(0, columns, 6) for r in range(0, rows, 6)]
            for column, row in places[-self._seen :]:
                scores[0, column, row, 1] = 0.9
        return {"conv2d_4": np.zeros((1, columns, rows, 4), np.float32), "softmax": scores}


def _sure(chips: NDArray[np.float32], score: float, others: dict[str, int], name: str) -> Answer:
    count = len(chips)
    scores = np.tile(np.array([1 - score, score], np.float32), (count, 1))
    return {name: scores, **{n: np.zeros((count, w), np.float32) for n, w in others.items()}}


def test_a_window_goes_through_all_three_networks_and_back_to_the_image() -> None:
    cascade = Cascade()
    image = np.full((100, 200, 3), (255, 128, 0), np.uint8)

    found = cascade.look(image)

    # The last place of the first level, 120x60: column 54 and row 24 of windows two pixels apart.
    np.testing.assert_allclose(found.boxes, [[180, 80, 20, 20]])
    assert found.landmarks is not None
    assert found.landmarks.tolist() == [[[180, 80]] * 5]
    assert cascade.first.runs[0]["input_1"].shape == (1, 120, 60, 3)
    assert cascade.second.runs[0]["input_2"].shape == (1, 24, 24, 3)
    assert cascade.third.runs[0]["input_3"].shape == (1, 48, 48, 3)
    values = cascade.third.runs[0]["input_3"][0, 20, 20].tolist()
    assert values == [127.5 / 128, 0.5 / 128, -127.5 / 128]


def test_the_networks_see_columns_before_rows() -> None:
    cascade = Cascade()
    image = np.zeros((20, 20, 3), np.uint8)
    image[:10] = 255

    cascade.look(image)

    chip = cascade.third.runs[0]["input_3"][0, :, :, 0]
    assert chip[:, :20].min() > 0.9
    assert chip[:, 28:].max() < -0.9


@pytest.mark.parametrize(("second", "third"), [(0.6, 0.9), (0.9, 0.2)])
def test_each_network_can_refuse(second: float, third: float) -> None:
    cascade = Cascade(second=second, third=third)

    found = cascade.look(np.zeros((100, 100, 3), np.uint8))

    assert found.landmarks is not None
    assert (found.boxes.shape, found.landmarks.shape) == ((0, 4), (0, 5, 2))
    assert len(cascade.third.runs) == (second > 0.7)


def test_many_windows_are_run_in_bounded_batches() -> None:
    cascade = Cascade(seen=300)

    found = cascade.look(np.zeros((460, 460, 3), np.uint8))

    sizes = [len(run["input_2"]) for run in cascade.second.runs]
    assert sizes == [256, 44]
    assert len(found.boxes) == 300


def test_a_large_image_is_made_smaller_first() -> None:
    cascade = Cascade()

    found = cascade.look(np.zeros((100, 2 * MAX_LONGER_SIDE, 3), np.uint8))

    assert cascade.first.runs[0]["input_1"].shape[1:3] == (MAX_LONGER_SIDE * 12 // 20, 30)
    assert found.boxes[0, 2:].tolist() == [40, 40]


def test_a_single_pixel_runs_no_network() -> None:
    cascade = Cascade()

    assert cascade.look(np.zeros((1, 1, 3), np.uint8)).boxes.shape == (0, 4)
    assert cascade.first.runs == []


def test_an_entry_without_pixels_is_refused() -> None:
    spec = load_catalogue().model("mtcnn").model_copy(update={"pixels": None})

    with pytest.raises(CatalogueError, match="mtcnn must say"):
        MTCNN(Network(spec=spec, session=ScriptedSession.of(spec, {})))
