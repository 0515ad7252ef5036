"""Authentic or manipulated: each face, and the image as a whole."""

from collections.abc import Sequence

from models.deepfake.detector import DeepfakeDetector
from models.deepfake.judge import judge_face, judge_image
from models.deepfake.results import DeepfakeVerdict
from models.results import DetectedFace, Image
from workers.answer import DeepfakeAnswer
from workers.choices import candidates
from workers.contract import AnalyzeOptions
from workers.residency import LoadedModel, Residency
from workers.stages.stage import StageResult


class DeepfakeStage:
    """Judges whether faces were manipulated."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency
        self._detectors: dict[str, DeepfakeDetector] = {}

    def run(
        self, image: Image, faces: Sequence[DetectedFace], options: AnalyzeOptions
    ) -> StageResult:
        """See Stage.run."""
        model = self._model(options.deepfake_model)
        detector = self._detector(model)
        scores = detector.score(image, faces)
        whole = judge_image(scores, detector.thresholds)
        verdicts = [judge_face(score, detector.thresholds) for score in scores]
        return StageResult(
            faces=[_answer(verdict) for verdict in verdicts],
            models=[model],
            whole={"deepfake": _answer(whole)},
        )

    def _model(self, name: str | None) -> LoadedModel:
        residency = self._residency
        if name is None:
            return residency.for_task("deepfake")
        return residency.first_installed(candidates(name, ("deepfake",), residency.catalogue))

    def _detector(self, model: LoadedModel) -> DeepfakeDetector:
        name = model.network.spec.id
        if name not in self._detectors:
            self._detectors[name] = DeepfakeDetector.of([model.network])
        return self._detectors[name]


def _answer(verdict: DeepfakeVerdict) -> DeepfakeAnswer:
    limits = verdict.thresholds
    return DeepfakeAnswer(
        verdict=verdict.verdict,
        score=None if verdict.score is None else round(verdict.score, 4),
        thresholds=None if limits is None else (limits.authentic, limits.manipulated),
        reasons=verdict.reasons,
        models={name: round(share, 4) for name, share in verdict.by_model.items()},
    )
