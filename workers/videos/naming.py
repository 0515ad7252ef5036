"""The port by which people of a video are named."""

from collections.abc import Mapping
from typing import Protocol

from models.deepfake.video import Sighting
from workers.contract import IdentifyOptions
from workers.naming import Named


class TrackNamer(Protocol):
    """Names the people of one video; made anew for each."""

    @property
    def model(self) -> str | None:
        """Name of the recognition model that is to embed their faces; None: the default one."""
        ...

    def add(self, sighting: Sighting) -> None:
        """Count a frame in which a person is seen."""
        ...

    def name(self, verdicts: Mapping[int, str], *, cause: str) -> Named:
        """Who the people are: the answers are in the order of the verdicts.

        Args:
            verdicts: By track whether the person is "authentic", "manipulated" or "inconclusive".
            cause: The job; for the audit.

        Raises:
            WorkersError: nobody can say.
        """
        ...


class VideoNamer(Protocol):
    """Begins to name the people of videos."""

    def begin(self, options: IdentifyOptions) -> TrackNamer:
        """For one video.

        Raises:
            CollectionNotFound: there is no such collection (any more).
            StoreUnavailable: the store does not answer.
        """
        ...
