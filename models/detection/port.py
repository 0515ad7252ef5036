"""What every face detector offers, whatever its network: one look at one image."""

from typing import Protocol

from models.detection.candidates import Candidates
from models.results import Image


class FaceDetector(Protocol):
    """A network family that finds faces; made from a `models.network.Network`."""

    @property
    def max_overlap(self) -> float:
        """Intersection over union of two boxes above which they are one face."""
        ...

    @property
    def default_confidence(self) -> float:
        """The confidence its publishers use as a threshold, 0 to 1."""
        ...

    @property
    def has_landmarks(self) -> bool:
        """Whether `look` gives the five landmarks."""
        ...

    @property
    def landmarks_follow_tilt(self) -> bool:
        """Whether its landmarks turn with a head that leans to one side."""
        ...

    def look(self, image: Image, *, min_confidence: float) -> Candidates:
        """Look once at a whole image, scaled to what the network takes.

        Args:
            image: (H, W, 3) uint8, RGB, any size from 1x1 on.
            min_confidence: 0 to 1; less confident candidates are dropped.

        Returns:
            Candidates in pixels of the image, all values finite; boxes may reach past its edges.

        Raises:
            InferenceFailed: the runtime refused a run.
        """
        ...
