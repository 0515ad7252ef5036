"""Which face of a photo with several is meant."""

from collections.abc import Sequence
from typing import Literal

from models.results import DetectedFace, Image

#: The largest; or the one nearest the photo's middle, as portraits and LFW's photos have it.
FaceChoice = Literal["largest", "center"]


def chosen_face(faces: Sequence[DetectedFace], image: Image, choice: FaceChoice) -> DetectedFace:
    """The face that is meant.

    Args:
        faces: At least one, largest first.
        image: (H, W, 3) uint8, where they were found.
        choice: See FaceChoice.
    """
    if choice == "largest":
        return faces[0]
    height, width = image.shape[:2]

    def distance(face: DetectedFace) -> float:
        """Squared, from the box's middle to the photo's, pixels."""
        box = face.box
        across = box.x + box.width / 2 - width / 2
        down = box.y + box.height / 2 - height / 2
        return float(across * across + down * down)

    return min(faces, key=distance)
