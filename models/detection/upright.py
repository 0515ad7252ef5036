"""Whether a face is upright as the photo has it.

Photos lie on their side or stand on their head where their EXIF orientation was lost. A detector
finds their faces all the same, with points as if they were upright, and their embeddings say more
about that than about the person: of 100 persons of LFW, turned by 180 degrees, 35 % of all pairs
reach SFace's threshold of FAR 1e-3, by 90 or 270 degrees 22 to 25 %. What gives them away is that
the same detector is surer of the face once it is turned. By MARGIN or more YuNet is so of 100 of
100 such photos that stand on their head and of 188 of 190 that lie on a side; of none of 100 as
they are, nor leaning by 20 degrees, of 1 in 200 leaning by 30. Beyond, both are half true: of 100
faces that lean by 45 degrees 21 were. SCRFD-2.5G is so of 117 of 119 and of none of 180 upright or
leaning by 20 at most; YOLOv5n-0.5 of 12 of 180 of these, so it and all others have to be surer by
WIDE_MARGIN, which it is of none of 450, and of 83 of 113 that are turned.
"""

from collections.abc import Iterator

import numpy as np

from models.detection.port import FaceDetector
from models.geometry import align
from models.results import Box, DetectedFace, Image
from models.spec import Family

#: A face the detector is as sure of is upright, and not looked at again.
SURE = 0.93
#: By how much surer it has to be of the turned face.
MARGIN = 0.02
#: Of whom that was measured to be enough.
STEADY: frozenset[Family] = frozenset({"yunet", "scrfd"})
#: Others are surer of an upright face by as much only because it was cut out and turned.
WIDE_MARGIN = 0.15
#: What is turned: a square around the face, its side in longer sides of the box.
AROUND = 2.0
#: The square is not larger, pixels.
MOST_PIXELS = 640
#: How far from the square's middle its face is at most, and how long at least: in sides.
_OFF_MIDDLE, _LONG = 0.2, 0.25
#: Quarters of a turn; what is seen most often first.
_QUARTERS = (2, 1, 3)


def margin_of(family: Family) -> float:
    """By how much surer a detector of a family has to be of a turned face."""
    return MARGIN if family in STEADY else WIDE_MARGIN


def is_turned(
    detector: FaceDetector, image: Image, face: DetectedFace, *, margin: float = MARGIN
) -> bool:
    """Whether a face lies on its side or stands on its head.

    Args:
        detector: What found it.
        image: (H, W, 3) uint8, RGB; it was found there.
        face: Its box may reach past the image's edge.
        margin: See `margin_of`.

    Raises:
        InferenceFailed: the runtime refused a run.
    """
    if face.confidence >= SURE:
        return False
    part = _around(image, face.box)
    # Seen once more as the turned ones are: the same face is less or more sure in a smaller image.
    bound = margin + max([face.confidence, *_confidences(detector, part, 0.0)])
    return bound <= 1 and any(
        confidence >= bound
        for quarters in _QUARTERS
        for confidence in _confidences(
            detector, np.ascontiguousarray(np.rot90(part, quarters)), bound
        )
    )


def _around(image: Image, box: Box) -> Image:
    """The square around a box, black where it reaches past the image."""
    side = max(box.width, box.height, 1.0) * AROUND
    left, top = box.x + (box.width - side) / 2, box.y + (box.height - side) / 2
    size = min(int(np.ceil(side)), MOST_PIXELS)
    corners = np.array([[left, top], [left + side, top], [left, top + side]], np.float32)
    chip = np.array([[0, 0], [size, 0], [0, size]], np.float32)
    return align(image, corners, chip, size)


def _confidences(detector: FaceDetector, part: Image, least: float) -> Iterator[float]:
    """How sure the detector is of the faces in the middle of a square."""
    found = detector.look(part, min_confidence=max(least, detector.default_confidence))
    size = part.shape[0]
    off = np.abs(found.boxes[:, :2] + found.boxes[:, 2:] / 2 - size / 2).max(axis=1, initial=0)
    is_it = (off <= _OFF_MIDDLE * size) & (
        found.boxes[:, 2:].max(axis=1, initial=0) >= _LONG * size
    )
    yield from found.scores[is_it].astype(float).tolist()
