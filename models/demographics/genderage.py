"""InsightFace's `genderage` network: age and gender from a square crop around the box."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.batching import ChipNetwork
from models.demographics.groups import OLDEST_YEARS, age_group
from models.demographics.port import Demographics
from models.errors import CatalogueError
from models.geometry import align
from models.network import Network
from models.results import AgeEstimate, Box, DetectedFace, GenderEstimate, Image

_NO_RANGE = "The network answers with one number for the age, without a distribution."


class GenderAge(ChipNetwork):
    """Estimates age and gender together."""

    def __init__(self, network: Network) -> None:
        """Take over a loaded model.

        Raises:
            CatalogueError: its entry does not say how large a crop it wants.
        """
        super().__init__(network)
        (contract,) = network.spec.inputs.values()
        size = contract.dims[-1]
        if network.spec.crop is None or not isinstance(size, int):
            raise CatalogueError(f"{network.spec.id} needs a crop and an input of a fixed size.")
        self._scale, self._size = network.spec.crop.scale, size

    def estimate(self, image: Image, faces: Sequence[DetectedFace]) -> list[Demographics]:
        """Estimate age and gender of each face of one image, in their order.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        return self.of_chips(self.chips(image, faces))

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        """What the network sees of each face of one image: (H, W, 3) uint8, RGB."""
        return [crop(image, face.box, scale=self._scale, size=self._size) for face in faces]

    def of_chips(self, chips: Sequence[Image]) -> list[Demographics]:
        """Estimate both for chips, of one image or of several, in their order."""
        return [read(row) for row in self._rows(chips)]


def crop(image: Image, box: Box, *, scale: float, size: int) -> Image:
    """Cut a square around the middle of a box, without turning it, as InsightFace does.

    Args:
        image: (H, W, 3) uint8, RGB.
        box: Where the face is.
        scale: Side of the square in lengths of the box's longer side.
        size: Side of the crop, pixels.

    Returns:
        (size, size, 3) uint8, RGB, 0 to 255 as the network wants it; black outside the image.
    """
    half = scale * max(box.width, box.height) / 2
    middle = np.array([box.x + box.width / 2, box.y + box.height / 2])
    corners = np.array([middle - half, middle + half], np.float32)
    target = np.array([[0, 0], [size, size]], np.float32)
    return align(image, corners, target, size)


def read(row: NDArray[np.float32]) -> Demographics:
    """Read the (3,) answer: female, male, hundredths of the age.

    The first two are scores of unknown scale: only which is larger is documented, so there is no
    probability, and the gender counts as uncertain.
    """
    years = min(max(round(float(row[2]) * 100), 0), OLDEST_YEARS)
    return Demographics(
        age=AgeEstimate(
            years=float(years),
            group=age_group(years),
            low_years=None,
            high_years=None,
            confidence=None,
            reason=_NO_RANGE,
        ),
        gender=GenderEstimate(
            value="female" if row[0] >= row[1] else "male",
            confidence=None,
            probabilities=None,
            uncertain=True,
        ),
    )
