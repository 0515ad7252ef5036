"""Faces that are surer turned are told from faces that are not."""

from collections.abc import Mapping

import numpy as np
import pytest

from models.detection.candidates import Candidates
from models.detection.families import FAMILIES
from models.detection.upright import MARGIN, SURE, WIDE_MARGIN, is_turned, margin_of
from models.results import Box, DetectedFace, Image
from models.spec import Family

FACE = DetectedFace(
    box=Box(x=40, y=40, width=20, height=20),
    confidence=0.8,
    landmarks=np.zeros((5, 2), np.float32),
)
#: Brighter above than below: by its corners it is known how far the picture was turned.
PICTURE = np.repeat(np.linspace(250, 10, 100).astype(np.uint8), 300).reshape(100, 100, 3)
SIDES = ("as it is", "left", "head", "right")


class TurnSeer:
    """As sure as it is told of the face in the middle, by where the picture is brightest."""

    max_overlap = 0.3
    default_confidence = 0.5
    has_landmarks = True
    landmarks_follow_tilt = True

    def __init__(self, confidences: Mapping[str, float], *, at: float = 0.5) -> None:
        self._confidences = confidences
        #: Where it sees the face's middle, in sides of the picture.
        self._at = at
        self.looks = 0

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        self.looks += 1
        edges = image[0], image[:, 0], image[-1], image[:, -1]
        brightest = SIDES[int(np.argmax([edge.astype(float).mean() for edge in edges]))]
        score = self._confidences.get(brightest, 0.0)
        side = image.shape[0]
        box = [self._at * side - side / 4, side / 4, side / 2, side / 2]
        count = int(score >= min_confidence)
        return Candidates(
            boxes=np.array([box] * count, np.float32).reshape(-1, 4),
            scores=np.array([score] * count, np.float32),
            landmarks=None,
        )


@pytest.mark.parametrize("side", SIDES[1:])
def test_a_face_of_which_the_detector_is_surer_once_it_is_turned_is_not_upright(side: str) -> None:
    detector = TurnSeer({"as it is": 0.8, side: 0.8 + 2 * MARGIN})

    assert is_turned(detector, PICTURE, FACE)


@pytest.mark.parametrize(
    "confidences",
    [
        {"as it is": 0.8, "head": 0.8 + MARGIN / 2},
        {"as it is": 0.95, "head": 0.9},
        # Seen in the photo, and not any more in the part that is cut out.
        {"head": 0.8 + MARGIN / 2},
    ],
)
def test_a_face_that_is_as_sure_as_it_is_stands_upright(confidences: Mapping[str, float]) -> None:
    assert not is_turned(TurnSeer(confidences), PICTURE, FACE)


@pytest.mark.parametrize("family", FAMILIES)
def test_who_is_now_more_now_less_sure_of_a_face_has_to_be_much_surer(family: Family) -> None:
    steady, margin = family in {"yunet", "scrfd"}, margin_of(family)
    little = TurnSeer({"as it is": 0.8, "head": 0.8 + (MARGIN + WIDE_MARGIN) / 2})
    much = TurnSeer({"as it is": 0.8, "head": 0.81 + WIDE_MARGIN})

    assert is_turned(little, PICTURE, FACE, margin=margin) is steady
    assert is_turned(much, PICTURE, FACE, margin=margin)


def test_somebody_beside_the_face_says_nothing_of_it() -> None:
    assert not is_turned(TurnSeer({"head": 0.99}, at=0.9), PICTURE, FACE)


def test_a_face_that_is_sure_enough_costs_no_further_look() -> None:
    detector = TurnSeer({"head": 1.0})
    sure = DetectedFace(box=FACE.box, confidence=SURE, landmarks=FACE.landmarks)

    assert not is_turned(detector, PICTURE, sure)
    assert detector.looks == 0


@pytest.mark.parametrize(
    "box",
    [
        Box(x=-50, y=-50, width=300, height=300),
        Box(x=99, y=99, width=1, height=1),
        Box(x=0, y=0, width=0.2, height=0.1),
    ],
)
def test_faces_at_the_edge_and_tiny_ones_are_looked_at_too(box: Box) -> None:
    face = DetectedFace(box=box, confidence=0.6, landmarks=FACE.landmarks)

    assert not is_turned(TurnSeer({}), PICTURE, face)
