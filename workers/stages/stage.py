"""What every analysis of faces offers to the pipeline, and what it sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from models.results import DetectedFace, Embedding, Image
from workers.answers.analysis import ModelAnswer
from workers.answers.part import Answer
from workers.contract import AnalyzeOptions
from workers.errors import WorkersError


class AnalysisUnavailable(WorkersError):
    """An analysis that was asked for can't be done here."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        #: Stable; listed in docs/reference/errors.md.
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """An image and the faces that were found in it."""

    #: (H, W, 3) uint8, RGB.
    image: Image
    #: May be none.
    faces: Sequence[DetectedFace]
    #: What was asked for.
    options: AnalyzeOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """What one analysis found in one picture."""

    #: One answer for each face, in the faces' order; None where there is nothing to say of one.
    faces: Sequence[Answer | None]
    #: The models that took part.
    models: Sequence[ModelAnswer]
    #: Members for the answer as a whole, by name.
    whole: dict[str, Any]
    #: Of recognition: each face's embedding, in the faces' order.
    embeddings: Sequence[Embedding] = ()


class Stage(Protocol):
    """One analysis of the faces of pictures."""

    def run(self, pictures: Sequence[Picture]) -> list[StageResult]:
        """Analyse all faces of several pictures together.

        Models are held for the length of the call only; between calls the ledger may have them
        unloaded.

        Args:
            pictures: At least one; their options have one batch key.

        Returns:
            One result for each picture, in their order.

        Raises:
            AnalysisUnavailable: it can't be done here; the other analyses can.
            WeightsMissing: no model for it is installed.
            InferenceFailed: the runtime refused a run.
        """
        ...
