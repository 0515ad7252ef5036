"""From candidates to faces, on a detector that answers what it is told."""

import numpy as np
import pytest

from models.detection.candidates import Candidates, join, to_image
from models.detection.search import FaceSearch, SearchOptions
from models.geometry import fit
from models.results import DetectedFace, Image


class ScriptedDetector:
    """Sees the same at every look."""

    max_overlap = 0.3
    default_confidence = 0.5
    has_landmarks = True

    def __init__(self, found: Candidates) -> None:
        self._found = found

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """What was told, whatever the image."""
        assert image.ndim == 3
        assert 0 <= min_confidence <= 1
        return self._found


def _search(found: Candidates, *, max_faces: int) -> list[DetectedFace]:
    image = np.zeros((400, 400, 3), np.uint8)
    options = SearchOptions(min_confidence=0.5, max_faces=max_faces)
    return FaceSearch(ScriptedDetector(found)).find(image, options)


def _candidates(*boxes: tuple[float, float, float, float]) -> Candidates:
    count = len(boxes)
    return Candidates(
        boxes=np.array(boxes, np.float32),
        scores=np.linspace(0.9, 0.8, count, dtype=np.float32),
        landmarks=np.full((count, 5, 2), 320, np.float32),
    )


def test_candidates_go_back_to_image_pixels() -> None:
    placed = fit(1280, 638, longer_side=640, multiple=32)
    found = to_image(_candidates((10, 20, 30, 40)), placed)
    assert found.boxes.tolist() == [[20, 40, 60, 80]]
    assert found.landmarks is not None
    assert found.landmarks.tolist() == [[[640, 640]] * 5]
    assert found.landmarks.dtype == np.float32


def test_faces_are_given_largest_first() -> None:
    faces = _search(_candidates((10, 20, 30, 40), (300, 100, 50, 60)), max_faces=5)
    assert [(f.box.x, f.box.y, f.box.width, f.box.height) for f in faces] == [
        (300, 100, 50, 60),
        (10, 20, 30, 40),
    ]
    assert [face.confidence for face in faces] == pytest.approx([0.8, 0.9])


def test_only_the_largest_faces_are_kept() -> None:
    found = _candidates((0, 0, 10, 10), (100, 0, 30, 30), (200, 0, 20, 20))
    assert [face.box.width for face in _search(found, max_faces=2)] == [30, 20]


def test_a_box_may_reach_past_the_image() -> None:
    [face] = _search(_candidates((-12, -8, 40, 40)), max_faces=1)
    assert (face.box.x, face.box.y) == (-12, -8)


def test_of_two_looks_at_one_face_the_more_confident_counts() -> None:
    first, second = _candidates((100, 100, 50, 50)), _candidates((104, 98, 50, 50))
    assert first.landmarks is not None
    doubtful = Candidates(
        boxes=first.boxes,
        scores=first.scores * np.float32(0.5),
        landmarks=first.landmarks + np.float32(9),
    )
    [face] = _search(join([doubtful, second]), max_faces=5)
    assert face.box.x == 104
    assert face.landmarks.tolist() == [[320, 320]] * 5
