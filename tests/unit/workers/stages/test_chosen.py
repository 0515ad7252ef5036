"""Which face of a photo with several is meant."""

import numpy as np

from models.results import Box, DetectedFace
from workers.stages.chosen import chosen_face

IMAGE = np.zeros((100, 200, 3), np.uint8)


def _face(x: float, y: float, side: float) -> DetectedFace:
    box = Box(x=x, y=y, width=side, height=side)
    return DetectedFace(box=box, confidence=0.9, landmarks=np.zeros((5, 2), np.float32))


def test_the_largest_comes_first_and_the_other_one_is_nearest_the_middle() -> None:
    large, middle, corner = _face(0, 0, 60), _face(85, 40, 20), _face(190, 90, 10)

    assert chosen_face([large, middle, corner], IMAGE, "largest") is large
    assert chosen_face([large, middle, corner], IMAGE, "center") is middle


def test_the_middle_of_the_face_counts_not_its_corner() -> None:
    # Its corner lies in the photo's middle, the face itself to the right of it.
    beside, around = _face(100, 50, 80), _face(70, 20, 58)

    assert chosen_face([beside, around], IMAGE, "center") is around
