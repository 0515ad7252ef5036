"""FaceNet's crop where the face lies at the edge, or is small."""

import numpy as np
import pytest

from models.recognition.chips import ARCFACE_TEMPLATE, FACENET_SIZE, facenet_chip
from models.results import Box, DetectedFace, Image


def chip(image: Image, box: Box) -> Image:
    return facenet_chip(image, DetectedFace(box=box, confidence=1, landmarks=ARCFACE_TEMPLATE))


@pytest.mark.parametrize(
    "box",
    [
        Box(x=-40, y=-40, width=80, height=80),
        Box(x=160, y=60, width=80, height=80),
        Box(x=50, y=50, width=0.4, height=0.4),
        Box(x=-90, y=20, width=50, height=50),
        Box(x=500, y=500, width=50, height=50),
    ],
)
def test_a_crop_never_shows_what_is_not_in_the_image(box: Box) -> None:
    image = np.full((100, 200, 3), 200, np.uint8)

    found = chip(image, box)

    assert found.shape == (FACENET_SIZE, FACENET_SIZE, 3)
    assert (found == 200).all()


def test_a_wide_box_is_squeezed_into_the_square() -> None:
    image = np.zeros((200, 400, 3), np.uint8)
    image[:, 200:] = 255

    found = chip(image, Box(x=100, y=50, width=200, height=100))

    assert found[:, :79].max() == 0
    assert found[:, 81:].min() == 255
