"""Authentic or manipulated: each face, and the image as a whole."""

from collections.abc import Sequence

from models.deepfake.detector import DeepfakeDetector, model_of
from models.deepfake.judge import judge_face, judge_image
from models.deepfake.results import DeepfakeVerdict
from workers.answers.analysis import DeepfakeAnswer
from workers.choices import candidates
from workers.devices.residency import Residency
from workers.stages.chips import read_together
from workers.stages.stage import Picture, StageResult
from workers.stages.used_model import model_answer


class DeepfakeStage:
    """Judges whether faces were manipulated."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency

    def run(self, pictures: Sequence[Picture]) -> list[StageResult]:
        """See Stage.run."""
        with self._residency.use([self._id(pictures[0].options.deepfake_model)]) as [model]:
            judge = model.view(model_of)
            each = read_together(pictures, judge.chips, judge.of_chips)
            detector = DeepfakeDetector([judge])
            scored = [
                detector.scored(picture.image, picture.faces, {judge.spec.id: values})
                for picture, values in zip(pictures, each, strict=True)
            ]
            thresholds, used = detector.thresholds, [model_answer(model)]
        return [
            StageResult(
                faces=[_answer(judge_face(score, thresholds)) for score in scores],
                models=used,
                whole={"deepfake": _answer(judge_image(scores, thresholds))},
            )
            for scores in scored
        ]

    def _id(self, name: str | None) -> str:
        residency = self._residency
        if name is None:
            return residency.pick(residency.catalogue.defaults.get("deepfake", ()))
        return residency.pick(candidates(name, ("deepfake",), residency.catalogue))


def _answer(verdict: DeepfakeVerdict) -> DeepfakeAnswer:
    limits = verdict.thresholds
    return DeepfakeAnswer(
        verdict=verdict.verdict,
        score=None if verdict.score is None else round(verdict.score, 4),
        thresholds=None if limits is None else (limits.authentic, limits.manipulated),
        reasons=verdict.reasons,
        models={name: round(share, 4) for name, share in verdict.by_model.items()},
    )
