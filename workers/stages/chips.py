"""The chips of several pictures through one network, in batches that know no pictures."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from models.results import DetectedFace, Image
from workers.stages.stage import Picture

V = TypeVar("V")


def read_together(
    pictures: Sequence[Picture],
    cut: Callable[[Image, Sequence[DetectedFace]], Sequence[Image]],
    read: Callable[[Sequence[Image]], Sequence[V]],
) -> list[list[V]]:
    """What a network says of each face of each picture.

    Args:
        pictures: Any number.
        cut: Cuts the chips of one picture's faces.
        read: Runs chips, of whichever pictures, in batches of the model's sizes.

    Returns:
        For each picture what was read of its faces, in their order.
    """
    chips = [cut(picture.image, picture.faces) for picture in pictures]
    values = iter(read([chip for of_one in chips for chip in of_one]))
    return [list(islice(values, len(of_one))) for of_one in chips]
