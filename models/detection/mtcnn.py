"""MTCNN: three small networks in a row (K. Zhang et al., 2016), with FaceNet's weights.

The first looks at every place of an image pyramid, the second and third look again at what is
left, each with more pixels. The weights were made with the axes of an image exchanged: every
tensor here is (N, x, y, colour).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.contract import InferenceSession
from models.detection.candidates import Candidates, finite, keep, to_image
from models.detection.windows import (
    Windows,
    best,
    cut,
    moved,
    only,
    pyramid,
    read_level,
    square,
    to_boxes,
    together,
)
from models.geometry import fit, resize
from models.network import Network
from models.pixels import to_tensor
from models.results import Image

#: Sides of the windows of the second and third network, pixels.
SECOND, THIRD = 24, 48
#: Shorter side of the smallest face that is found, pixels of the working image; this and the
#: following are values of the publishers' demo.
SMALLEST_FACE = 20
#: Scores below which the first and the second network drop a window.
FIRST_CONFIDENCE, SECOND_CONFIDENCE = 0.6, 0.7
#: Overlap above which two windows are one: within a level, and among all levels or after the
#: second network.
LEVEL_OVERLAP, WINDOW_OVERLAP = 0.5, 0.7
#: Larger images are made smaller first, so that the cost of one look is bounded.
MAX_LONGER_SIDE = 1280
#: Windows in one run of the second or third network; bounds its memory.
MAX_BATCH = 256
#: Overlap of two boxes above which they are one face. The publishers' demo instead drops what a
#: better box covers by 0.7; on WIDER FACE anything from 0.4 to 0.6 measures alike.
MAX_OVERLAP = 0.5
#: The score threshold of the third network in the publishers' demo.
DEFAULT_CONFIDENCE = 0.7

#: A network's answers by the length of a row: 2 scores, 4 shifts, 10 coordinates of landmarks.
Answers = Mapping[int, NDArray[np.float32]]
SCORES, SHIFTS, LANDMARKS = 2, 4, 10


class MTCNN:
    """Finds faces with five landmarks."""

    max_overlap = MAX_OVERLAP
    default_confidence = DEFAULT_CONFIDENCE
    has_landmarks = True
    landmarks_follow_tilt = True

    def __init__(self, network: Network) -> None:
        """Take over a loaded model.

        Raises:
            CatalogueError: its entry is not of this family.
        """
        self._pixels = network.pixels
        second, third = network.spec.parts
        self._first = network.session
        self._second, self._third = network.parts[second], network.parts[third]

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """See FaceDetector.look."""
        height, width = image.shape[:2]
        longer_side = min(max(width, height), MAX_LONGER_SIDE)
        placed = fit(width, height, longer_side=longer_side, multiple=1)
        working = resize(image, placed.width, placed.height)
        squares = self._propose(working)
        if len(squares):
            squares = self._refine(working, squares)
        if not len(squares):
            return read_faces(squares, _NOTHING, min_confidence=min_confidence)
        answers = self._run(self._third, cut(working, squares, THIRD))
        return to_image(read_faces(squares, answers, min_confidence=min_confidence), placed)

    def _propose(self, image: Image) -> NDArray[np.float32]:
        """Squares the first network sees a face in, (N, 4)."""
        height, width = image.shape[:2]
        levels: list[Windows] = []
        for level in pyramid(width, height, smallest_face=SMALLEST_FACE):
            answers = self._run(self._first, [resize(image, level.width, level.height)])
            seen = read_level(
                answers[SCORES][0, :, :, 1],
                answers[SHIFTS][0],
                level,
                min_confidence=FIRST_CONFIDENCE,
            )
            levels.append(best(seen, max_overlap=LEVEL_OVERLAP))
        if not levels:
            return np.zeros((0, 4), np.float32)
        found = best(together(levels), max_overlap=WINDOW_OVERLAP)
        return square(moved(found), width=width, height=height)

    def _refine(self, image: Image, squares: NDArray[np.float32]) -> NDArray[np.float32]:
        """Squares the second network still sees a face in, (N, 4)."""
        answers = self._run(self._second, cut(image, squares, SECOND))
        seen = Windows(corners=squares, scores=answers[SCORES][:, 1], shifts=answers[SHIFTS])
        found = best(only(seen, seen.scores >= SECOND_CONFIDENCE), max_overlap=WINDOW_OVERLAP)
        return square(moved(found), width=image.shape[1], height=image.shape[0])

    def _run(self, session: InferenceSession, chips: Sequence[Image]) -> Answers:
        """A network's answers to chips of one size; at least one chip."""
        (feed,) = session.inputs
        runs = []
        for start in range(0, len(chips), MAX_BATCH):
            tensor = to_tensor(chips[start : start + MAX_BATCH], self._pixels)
            answers = session.run({feed.name: np.ascontiguousarray(tensor.swapaxes(1, 2))})
            runs.append({value.shape[-1]: value for value in answers.values()})
        return {width: np.concatenate([run[width] for run in runs]) for width in runs[0]}


def read_faces(
    squares: NDArray[np.float32], answers: Answers, *, min_confidence: float
) -> Candidates:
    """Read the third network's answers, in pixels of the working image.

    Args:
        squares: (N, 4): left, top, right, bottom of the windows it saw.
        answers: (N, 2) scores of no face and face, (N, 4) shifts, (N, 10) landmarks: five x, then
            five y, as shares of the window.
        min_confidence: Candidates below are dropped; so are any that are not finite.
    """
    seen = Windows(
        corners=squares, scores=np.clip(answers[SCORES][:, 1], 0, 1), shifts=answers[SHIFTS]
    )
    sizes = squares[:, 2:] - squares[:, :2]
    with np.errstate(over="ignore", invalid="ignore"):
        shares = answers[LANDMARKS].reshape(-1, 2, 5).swapaxes(1, 2)
        landmarks = squares[:, None, :2] + shares * sizes[:, None]
        found = Candidates(boxes=to_boxes(moved(seen)), scores=seen.scores, landmarks=landmarks)
    return keep(found, finite(found) & (found.scores >= min_confidence))


_NOTHING: Answers = {
    width: np.zeros((0, width), np.float32) for width in (SCORES, SHIFTS, LANDMARKS)
}
