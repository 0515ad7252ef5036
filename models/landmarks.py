"""Landmarks of faces that a detector found without any: 68 points, and the five that align a face.

How good the five points are: on 99 faces (the astronaut, t1, 90 photos of LFW) against the mean of
SCRFD-2.5G's, SCRFD-500M's and YOLOv5n-0.5-face's, as a share of the distance between the eyes, half
of the faces are nearer than 0.037 and 95 % nearer than 0.098 in YuNet's boxes, 0.037 and 0.076 in
SCRFD's. In UltraFace's and both BlazeFaces' boxes it is 0.04 and 0.08 to 0.09, against SCRFD-2.5G
alone. Each of the three reference engines is 0.02 from their mean; YuNet's own points are 0.078.
Squares of 0.8 to 1.2 times the box's longer side were tried, in the box's middle and a little
below: 0.9 and below was best. A face takes 1.2 ms on one thread.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.batching import run_chips
from models.errors import CatalogueError, InferenceFailed
from models.geometry import align
from models.network import Network
from models.results import Box, Image, Points

#: The square lies below the box's middle by this share of the box's height: measured as well.
BELOW_MIDDLE = 0.05
#: Points of a face in the order of the iBUG 300-W mark-up.
COUNT = 68
#: No point lies so many sides of the square away from it; what a sound network sees in noise stays
#: within one.
FARTHEST = 10.0
#: Which of the 68 make each of the five, in the order of LANDMARK_NAMES; their mean is the point.
#: Eyes: the four points on the lids. Mouth corners: outer and inner one.
_FIVE = ((37, 38, 40, 41), (43, 44, 46, 47), (30,), (48, 60), (54, 64))


class FaceLandmarks:
    """Finds 68 landmarks in boxes of faces."""

    def __init__(self, network: Network) -> None:
        """Take over a loaded model.

        Raises:
            CatalogueError: its entry says too little of its pixels or its crop.
        """
        spec = network.spec
        if spec.pixels is None or spec.crop is None or spec.crop.shape != "square":
            raise CatalogueError(f"models.{spec.id} must say `pixels` and a square `crop`.")
        ((_, contract),) = spec.inputs.items()
        self._session = network.session
        self._pixels = spec.pixels
        self._scale = spec.crop.scale
        self._size = int(contract.dims[-1])
        self._buckets = spec.batch_buckets

    def all68(self, image: Image, boxes: Sequence[Box]) -> NDArray[np.float32]:
        """The 68 points of each box, in the boxes' order.

        Args:
            image: (H, W, 3) uint8, RGB.
            boxes: Faces in that image, pixels; they may reach past its edge.

        Returns:
            (N, 68, 2) float32, pixels of the image, in the order of the iBUG 300-W mark-up: jaw,
            brows, nose, eyes, mouth, each from the person's right to the left.

        Raises:
            InferenceFailed: the runtime refused a run, or a point is none.
        """
        return self.all68_of(self.chips(image, boxes), boxes)

    def chips(self, image: Image, boxes: Sequence[Box]) -> list[Image]:
        """What the network sees of each box of one image: (H, W, 3) uint8, RGB."""
        squares = [_square(box, self._scale) for box in boxes]
        return [align(image, _corners(s), _unit(self._size), self._size) for s in squares]

    def all68_of(self, chips: Sequence[Image], boxes: Sequence[Box]) -> NDArray[np.float32]:
        """What `all68` answers, for chips of one image or of several and the boxes they are of.

        Raises:
            InferenceFailed: see `all68`.
        """
        if not boxes:
            return np.empty((0, COUNT, 2), np.float32)
        squares = [_square(box, self._scale) for box in boxes]
        rows = run_chips(self._session, chips, self._pixels, self._buckets)
        relative = np.stack(rows).reshape(len(boxes), COUNT, 2)
        # Written so that a NaN fails too.
        if not np.abs(relative).max() <= FARTHEST:
            raise InferenceFailed(
                "The landmark network put a point far outside its face. Its weights are damaged, or"
                " the runtime computes wrongly on this device."
            )
        return np.stack(
            [
                points * np.float32(square.width) + np.array([square.x, square.y], np.float32)
                for points, square in zip(relative, squares, strict=True)
            ]
        )

    def five(self, image: Image, boxes: Sequence[Box]) -> NDArray[np.float32]:
        """The five points of each box, in the boxes' order.

        Returns:
            (N, 5, 2) float32, pixels of the image, in the order of LANDMARK_NAMES.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        return five_of(self.all68(image, boxes))


def five_of(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both eyes, nose and mouth corners of faces.

    Args:
        points: (N, 68, 2), in the order of the iBUG 300-W mark-up.

    Returns:
        (N, 5, 2), in the order of LANDMARK_NAMES.
    """
    return np.stack([points[:, which].mean(axis=1) for which in map(list, _FIVE)], axis=1)


def _square(box: Box, scale: float) -> Box:
    side = max(box.width, box.height, 1.0) * scale
    middle_x = box.x + box.width / 2
    middle_y = box.y + box.height * (0.5 + BELOW_MIDDLE)
    return Box(x=middle_x - side / 2, y=middle_y - side / 2, width=side, height=side)


def _corners(box: Box) -> Points:
    right, bottom = box.x + box.width, box.y + box.height
    return np.array([[box.x, box.y], [right, box.y], [box.x, bottom]], np.float32)


def _unit(size: int) -> Points:
    return np.array([[0, 0], [size, 0], [0, size]], np.float32)
