"""What every analysis of faces offers to the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from models.results import DetectedFace, Image
from workers.answer import Answer
from workers.contract import AnalyzeOptions
from workers.errors import WorkersError
from workers.residency import LoadedModel


class AnalysisUnavailable(WorkersError):
    """An analysis that was asked for can't be done here."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        #: Stable; listed in docs/reference/errors.md.
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """What one analysis found."""

    #: One answer for each face, in the faces' order; None where there is nothing to say of one.
    faces: Sequence[Answer | None]
    #: The models that took part.
    models: Sequence[LoadedModel]
    #: Members for the answer as a whole, by name.
    whole: dict[str, Any]


class Stage(Protocol):
    """One analysis of the faces of an image."""

    def run(
        self, image: Image, faces: Sequence[DetectedFace], options: AnalyzeOptions
    ) -> StageResult:
        """Analyse all faces of one image.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image; may be none.
            options: What was asked for.

        Raises:
            AnalysisUnavailable: it can't be done here; the other analyses can.
            WeightsMissing: no model for it is installed.
            InferenceFailed: the runtime refused a run.
        """
        ...
