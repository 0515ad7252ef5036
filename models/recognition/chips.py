"""What a recognition model sees of a face: one chip per face, cut as the model was trained."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from models.geometry import align, resize
from models.results import Box, DetectedFace, Image, Points

ARCFACE_SIZE = 112
#: (5, 2) pixels of the 112x112 chip, in the order of LANDMARK_NAMES: the five-point template of
#: ArcFace (Deng et al., 2019), which InsightFace and OpenCV's `FaceRecognizerSF` align to.
ARCFACE_TEMPLATE: Points = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ],
    np.float32,
)
FACENET_SIZE = 160
#: Pixels of the 160x160 chip that lie outside the detected box, left and right (or above and
#: below) together: the margin of facenet-pytorch's LFW evaluation of its VGGFace2 weights.
FACENET_MARGIN = 14

#: Cuts the chip of one face, (S, S, 3) uint8, RGB, from an RGB image.
Cutter = Callable[[Image, DetectedFace], Image]


def arcface_chip(image: Image, face: DetectedFace) -> Image:
    """Turn, scale and shift the face so that its landmarks lie as in ArcFace's template."""
    return align(image, face.landmarks, ARCFACE_TEMPLATE, ARCFACE_SIZE)


def facenet_chip(image: Image, face: DetectedFace) -> Image:
    """Cut the box with its margin and squeeze it into a square, without turning the face.

    FaceNet's VGGFace2 weights were trained and evaluated on such crops of MTCNN boxes
    (facenet-pytorch's `extract_face`), never on aligned faces: aligning would show the network a
    framing it has not seen. What reaches past the image is cut off, as there.
    """
    left, top, right, bottom = _widened(face.box, FACENET_SIZE / (FACENET_SIZE - FACENET_MARGIN))
    height, width = image.shape[:2]
    left, right = _inside(left, right, width)
    top, bottom = _inside(top, bottom, height)
    return resize(image[top:bottom, left:right], FACENET_SIZE, FACENET_SIZE)


#: By the catalogue's `template`.
CUTTERS: Mapping[str, Cutter] = {"arcface_112": arcface_chip, "facenet_160": facenet_chip}


def _widened(box: Box, factor: float) -> tuple[float, float, float, float]:
    middle_x, middle_y = box.x + box.width / 2, box.y + box.height / 2
    across, down = box.width * factor / 2, box.height * factor / 2
    return middle_x - across, middle_y - down, middle_x + across, middle_y + down


def _inside(low: float, high: float, length: int) -> tuple[int, int]:
    """Whole pixels of an interval inside an image's side: at least one."""
    first = min(max(math.floor(low), 0), length - 1)
    return first, min(max(math.floor(high), first + 1), length)
