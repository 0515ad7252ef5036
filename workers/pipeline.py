"""What is done to one image, stage by stage. Knows no queue and no store."""

from collections.abc import Collection, Mapping, Sequence

import structlog

from models.anti_spoofing.policy import CpuPolicy
from models.errors import InferenceFailed, WeightsMissing
from models.results import DetectedFace, Image
from workers.answer import AnalysisAnswer, Answer, ImageAnswer, ModelAnswer, ReasonAnswer
from workers.contract import ANALYSES, Analysis, AnalyzeOptions
from workers.decode import DecodedImage, decode_image
from workers.residency import LoadedModel, Residency
from workers.stages.anti_spoofing import AntiSpoofingStage
from workers.stages.clock import StageClock
from workers.stages.deepfake import DeepfakeStage
from workers.stages.demographics import DemographicsAnswers, DemographicsStage
from workers.stages.detection import DetectionStage
from workers.stages.face import face_answer, quality_answer
from workers.stages.recognition import RecognitionStage
from workers.stages.stage import AnalysisUnavailable, Stage, StageResult

_log = structlog.get_logger()


class FacePipeline:
    """Detects the faces of an image and analyses each.

    Args:
        residency: The loaded models.
        max_pixels: Images with more are refused before they are decoded.
        disabled_analyses: Analyses that are switched off, whoever asks.
        anti_spoofing_cpu: Whether anti-spoofing may run on the CPU.
        demographics_answers: Whether age and gender are told of each face or only counted.
    """

    def __init__(
        self,
        residency: Residency,
        *,
        max_pixels: int,
        disabled_analyses: Collection[Analysis] = (),
        anti_spoofing_cpu: CpuPolicy = "allow",
        demographics_answers: DemographicsAnswers = "per_face",
    ) -> None:
        self._residency = residency
        self._max_pixels = max_pixels
        self._disabled = frozenset(disabled_analyses)
        self._detection = DetectionStage(residency)
        self._stages: dict[Analysis, Stage] = {
            "recognition": RecognitionStage(residency),
            "anti_spoofing": AntiSpoofingStage(residency, cpu_policy=anti_spoofing_cpu),
            "deepfake": DeepfakeStage(residency),
            "demographics": DemographicsStage(residency, answers=demographics_answers),
        }

    def analyze(self, content: bytes, options: AnalyzeOptions) -> AnalysisAnswer:
        """Analyse one encoded image.

        Raises:
            ImageRejected: the bytes are no image we can decode.
            WeightsMissing: the detection engine that was asked for is not installed.
            InferenceFailed: the runtime refused the detector's run.
        """
        clock = StageClock()
        with clock.stage("decode"):
            image = decode_image(content, max_pixels=self._max_pixels)
        with clock.stage("detection"):
            found = self._detection.run(image.pixels, options)
        with clock.stage("quality"):
            qualities = [quality_answer(image.pixels, face) for face in found.faces]
        outcomes = self._run_all(image.pixels, found.faces, options, clock)
        done = [result for result in outcomes.values() if isinstance(result, StageResult)]
        used = [*found.models, *(model for result in done for model in result.models)]
        device = self._residency.device
        return AnalysisAnswer(
            image=_image_answer(image),
            detection=found.answer,
            faces=tuple(
                face_answer(face, image.pixels, {"quality": quality, **_members(outcomes, number)})
                for number, (face, quality) in enumerate(zip(found.faces, qualities, strict=True))
            ),
            unavailable={
                name: outcome
                for name, outcome in outcomes.items()
                if isinstance(outcome, ReasonAnswer)
            },
            models={model.network.spec.id: _model_answer(model) for model in used},
            device=device,
            simulated=device.startswith("sim:"),
            timings_ms=clock.finish(),
            **{name: value for result in done for name, value in result.whole.items()},
        )

    def _run_all(
        self,
        image: Image,
        faces: Sequence[DetectedFace],
        options: AnalyzeOptions,
        clock: StageClock,
    ) -> dict[str, "StageResult | ReasonAnswer"]:
        outcomes: dict[str, StageResult | ReasonAnswer] = {}
        for name in ANALYSES:
            if name in options.analyses and name != "detection":
                with clock.stage(name):
                    outcomes[name] = self._run(name, image, faces, options)
        return outcomes

    def _run(
        self,
        name: Analysis,
        image: Image,
        faces: Sequence[DetectedFace],
        options: AnalyzeOptions,
    ) -> StageResult | ReasonAnswer:
        """One analysis of all faces, or why there is none."""
        if name in self._disabled:
            message = f"'{name}' is switched off on this server."
            return ReasonAnswer(code="analysis_disabled", message=message)
        try:
            return self._stages[name].run(image, faces, options)
        except AnalysisUnavailable as error:
            reason = ReasonAnswer(code=error.code, message=str(error))
        except WeightsMissing as error:
            reason = ReasonAnswer(code="model_not_installed", message=str(error))
        except InferenceFailed:
            _log.exception("analysis.failed", analysis=name)
            message = "A model could not be run on this image; it has been logged."
            reason = ReasonAnswer(code="inference_failed", message=message)
        _log.warning("analysis.unavailable", analysis=name, code=reason.code)
        return reason


def _members(
    outcomes: Mapping[str, StageResult | ReasonAnswer], number: int
) -> dict[str, Answer | None]:
    """The answers to one face; null where there is none, which is not the same as not asked."""
    return {
        name: outcome.faces[number] if isinstance(outcome, StageResult) else None
        for name, outcome in outcomes.items()
    }


def _image_answer(image: DecodedImage) -> ImageAnswer:
    height, width = image.pixels.shape[:2]
    return ImageAnswer(
        width=width,
        height=height,
        format=image.format.lower(),
        exif_orientation=image.exif_orientation,
    )


def _model_answer(loaded: LoadedModel) -> ModelAnswer:
    network = loaded.network
    return ModelAnswer(
        id=network.spec.id,
        sha256=network.sha256,
        device=loaded.device,
        provider=network.session.provider,
        variant=network.variant,
    )
