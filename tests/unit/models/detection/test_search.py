"""From candidates to faces, on detectors that answer what they are told."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.detection.candidates import Candidates, join, to_image
from models.detection.search import FaceSearch, SearchOptions, SearchResult
from models.errors import InferenceFailed, LandmarksUnavailable
from models.geometry import fit
from models.landmarks import FaceLandmarks
from models.network import Network
from models.results import Image
from models.testing import ScriptedSession

See = Callable[[Image], Candidates]


class ScriptedDetector:
    """Answers from a function; remembers the sizes of the images it was shown."""

    max_overlap = 0.3
    default_confidence = 0.5

    def __init__(
        self, see: See, *, has_landmarks: bool = True, landmarks_follow_tilt: bool = True
    ) -> None:
        self._see = see
        self.has_landmarks = has_landmarks
        self.landmarks_follow_tilt = landmarks_follow_tilt
        self.shapes: list[tuple[int, ...]] = []

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """What the function says of the image."""
        assert 0 <= min_confidence <= 1
        self.shapes.append(image.shape)
        return self._see(image)


def _find(
    see: See | Candidates,
    *,
    image: Image | None = None,
    max_faces: int = 99,
    min_face_pixels: float = 0,
    tiles: bool = False,
) -> SearchResult:
    options = SearchOptions(
        min_confidence=0.5, max_faces=max_faces, min_face_pixels=min_face_pixels, tiles=tiles
    )
    detector = ScriptedDetector(see if callable(see) else lambda _: see)
    shown = np.zeros((400, 400, 3), np.uint8) if image is None else image
    return FaceSearch(detector).find(shown, options)


def _candidates(
    *boxes: tuple[float, float, float, float], scores: tuple[float, ...] | None = None
) -> Candidates:
    count = len(boxes)
    return Candidates(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(np.linspace(0.9, 0.8, count) if scores is None else scores, np.float32),
        landmarks=np.full((count, 5, 2), 320, np.float32),
    )


def _colour_of(image: Image) -> NDArray[np.intp]:
    """Rows and columns of the pixels that are not grey: where a test painted its "face"."""
    return np.argwhere(image[:, :, 0] != image[:, :, 1])


def _painted_box(image: Image) -> Candidates:
    """A detector that sees the painted rectangle, as far as it is in the image."""
    pixels = _colour_of(image)
    if not len(pixels):
        return _candidates()
    (top, left), (bottom, right) = pixels.min(axis=0), pixels.max(axis=0) + 1
    return _candidates((left, top, right - left, bottom - top), scores=(0.9,))


def _box(result: SearchResult, number: int = 0) -> tuple[float, ...]:
    box = result.faces[number].box
    return box.x, box.y, box.width, box.height


def test_candidates_go_back_to_image_pixels() -> None:
    placed = fit(1280, 638, longer_side=640, multiple=32)
    found = to_image(_candidates((10, 20, 30, 40)), placed)
    assert found.boxes.tolist() == [[20, 40, 60, 80]]
    assert found.landmarks is not None
    assert found.landmarks.tolist() == [[[640, 640]] * 5]
    assert found.landmarks.dtype == np.float32


def test_faces_are_given_largest_first() -> None:
    result = _find(_candidates((10, 20, 30, 40), (300, 100, 50, 60)))
    assert [_box(result, 0), _box(result, 1)] == [(300, 100, 50, 60), (10, 20, 30, 40)]
    assert [face.confidence for face in result.faces] == pytest.approx([0.8, 0.9])


def test_only_the_largest_faces_are_kept() -> None:
    found = _candidates((20, 20, 10, 10), (100, 20, 30, 30), (200, 20, 20, 20))
    assert [face.box.width for face in _find(found, max_faces=2).faces] == [30, 20]


def test_faces_below_the_smallest_size_are_dropped() -> None:
    found = _candidates((20, 20, 19, 20), (100, 20, 19, 19))
    assert [face.box.height for face in _find(found, min_face_pixels=20).faces] == [20]


def test_a_box_may_reach_past_the_image() -> None:
    assert _box(_find(_candidates((-12, 100, 40, 40)))) == (-12, 100, 40, 40)


def test_of_two_looks_at_one_face_the_more_confident_counts() -> None:
    doubtful, sure = (
        _candidates((100, 100, 50, 50), scores=(0.45,)),
        _candidates((104, 98, 50, 50), scores=(0.9,)),
    )
    result = _find(join([doubtful, sure]))
    assert len(result.faces) == 1
    assert _box(result) == (104, 98, 50, 50)


def test_two_hundred_faces_are_all_found() -> None:
    boxes = [(20.0 * column, 40.0 * row, 15.0, 20.0) for row in range(10) for column in range(20)]
    assert len(_find(_candidates(*boxes), max_faces=500).faces) == 200


def test_an_image_with_a_face_is_looked_at_once() -> None:
    [look] = _find(_candidates((100, 100, 50, 50))).looks
    assert (look.name, look.faces) == ("image", 1)


def test_an_image_without_a_face_is_looked_at_again_in_a_border() -> None:
    looks = _find(_candidates()).looks
    assert [(look.name, look.reason) for look in looks] == [
        ("image", "every image"),
        ("padded", "the image alone showed no face"),
    ]


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((0, 0, 150, 200), "every face touched 2 edges or more"),
        ((5, 2, 390, 396), "every face touched 2 edges or more"),
        ((20, 20, 350, 350), "every face filled the image"),
    ],
)
def test_a_face_that_may_be_cut_or_fills_the_image_is_looked_at_again(
    box: tuple[float, float, float, float], reason: str
) -> None:
    assert [look.reason for look in _find(_candidates(box)).looks[1:]] == [reason]


def test_one_face_well_inside_is_enough_to_look_once() -> None:
    result = _find(_candidates((0, 0, 390, 390), (100, 300, 40, 40)))
    assert [look.name for look in result.looks] == ["image"]


def test_what_a_padded_look_finds_is_in_pixels_of_the_image() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[40:160, 90:240, 0] = 255
    seen = _find(
        lambda shown: _painted_box(shown) if len(shown) > 200 else _candidates(), image=image
    )
    assert _box(seen) == (90, 40, 150, 120)


def test_a_large_image_is_shrunk_for_the_padded_look() -> None:
    detector = ScriptedDetector(lambda _: _candidates())
    image = np.zeros((100, 5000, 3), np.uint8)
    FaceSearch(detector).find(image, SearchOptions(min_confidence=0.5, max_faces=9))
    assert detector.shapes == [(100, 5000, 3), (13 + 640, 640 + 640, 3)]


def test_a_face_that_was_seen_in_the_border_only_is_none() -> None:
    def see(image: Image) -> Candidates:
        return _candidates() if len(image) == 400 else _candidates((5, 5, 60, 60))

    assert _find(see).faces == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 3)])
def test_images_of_any_shape_can_be_searched(shape: tuple[int, int]) -> None:
    result = _find(lambda _: _candidates(), image=np.zeros((*shape, 3), np.uint8), tiles=True)
    assert result.faces == ()


def test_a_small_face_that_only_a_tile_shows_is_found_in_its_place() -> None:
    image = np.zeros((900, 1200, 3), np.uint8)
    image[700:720, 1000:1016, 0] = 255
    result = _find(
        lambda shown: _painted_box(shown) if len(shown) < 900 else _candidates(),
        image=image,
        tiles=True,
    )
    assert len(result.faces) == 1
    assert _box(result) == (1000, 700, 16, 20)
    names = [look.name for look in result.looks]
    assert names[:2] == ["image", "padded"]
    assert names[2:] == [f"tile {number}/12" for number in range(1, 13)]


def test_a_face_cut_by_the_edges_of_tiles_is_found_once_and_whole() -> None:
    image = np.zeros((900, 1200, 3), np.uint8)
    image[200:600, 400:800, 0] = 255

    def see(shown: Image) -> Candidates:
        found = _painted_box(shown)
        # The parts are surer than the whole, as a detector may well be.
        score = 0.6 if len(shown) == 900 else 0.95
        return Candidates(
            boxes=found.boxes,
            scores=np.full(len(found.scores), score, np.float32),
            landmarks=found.landmarks,
        )

    result = _find(see, image=image, tiles=True)
    assert sum(look.faces for look in result.looks) > 4
    assert [_box(result)] == [(400, 200, 400, 400)]
    assert len(result.faces) == 1


def test_two_faces_of_one_look_may_lie_one_inside_the_other() -> None:
    result = _find(_candidates((100, 100, 200, 200), (120, 120, 60, 60)))
    assert len(result.faces) == 2


def test_a_detector_without_landmarks_needs_something_that_completes_them() -> None:
    detector = ScriptedDetector(lambda _: _candidates(), has_landmarks=False)
    with pytest.raises(LandmarksUnavailable, match="landmarks"):
        FaceSearch(detector)


def test_missing_landmarks_are_completed_in_each_box() -> None:
    spec = load_catalogue().models["landmarks68"]
    middle = np.full((1, 136), 0.5, np.float32)
    network = Network(
        spec=spec,
        session=ScriptedSession.of(
            spec, lambda feeds: {"output": np.repeat(middle, len(feeds["input"]), axis=0)}
        ),
    )
    boxes = _candidates((100, 100, 50, 80), (200, 50, 40, 60))
    found = Candidates(boxes=boxes.boxes, scores=boxes.scores, landmarks=None)
    detector = ScriptedDetector(lambda _: found, has_landmarks=False)

    result = FaceSearch(detector, landmarks=FaceLandmarks(network)).find(
        np.zeros((400, 400, 3), np.uint8), SearchOptions(min_confidence=0.5, max_faces=9)
    )

    for face in result.faces:
        inside = face.landmarks - (face.box.x, face.box.y)
        assert inside / (face.box.width, face.box.height) == pytest.approx(
            np.array([[0.5, 0.55]] * 5), abs=1e-5
        )


@pytest.mark.parametrize(
    "box",
    [
        (100, 100, -30, -30),
        (100, 100, 0, 30),
        (-50, 100, 40, 40),
        (401, 100, 40, 40),
        (100, np.nan, 40, 40),
        (100, np.inf, 40, 40),
    ],
)
def test_what_cannot_be_a_face_is_dropped(box: tuple[float, float, float, float]) -> None:
    found = _candidates((20, 20, 30, 30), box)
    assert [_box(_find(found), 0)] == [(20, 20, 30, 30)]
    assert len(_find(found).faces) == 1


def test_a_face_whose_landmarks_are_no_numbers_is_dropped() -> None:
    found = _candidates((20, 20, 30, 30), (100, 100, 40, 40))
    assert found.landmarks is not None
    found.landmarks[1, 3, 0] = np.inf
    assert [_box(_find(found))] == [(20, 20, 30, 30)]
    assert len(_find(found).faces) == 1


def test_a_confidence_above_one_is_no_confidence() -> None:
    with pytest.raises(InferenceFailed, match=r"confidence of 7\.5"):
        _find(_candidates((20, 20, 30, 30), scores=(7.5,)))


def test_a_confidence_above_one_by_rounding_is_one() -> None:
    [face] = _find(_candidates((20, 20, 30, 30), scores=(1.001,))).faces
    assert face.confidence == 1
