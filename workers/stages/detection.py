"""Finding the faces: which engine, with what, and what when it fails."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from models.detection.choice import EngineChoice, Needs, choose_engine
from models.detection.port import FaceDetector
from models.detection.search import Boxes, SearchOptions, SearchResult
from models.errors import DeviceFault, InferenceFailed
from models.results import DetectedFace, Image
from workers.answers.analysis import DetectionAnswer, EngineFallbackAnswer, LookAnswer, ModelAnswer
from workers.contract import AnalyzeOptions
from workers.devices.engines import Engine, engine_models, engine_of
from workers.devices.residency import Residency
from workers.stages.used_model import model_answer

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Detection:
    """The faces of an image, and how they were found."""

    faces: Sequence[DetectedFace]
    answer: DetectionAnswer
    models: Sequence[ModelAnswer]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Search:
    """An image in which faces are to be found."""

    #: (H, W, 3) uint8, RGB.
    image: Image
    options: AnalyzeOptions


class DetectionStage:
    """Finds faces with the engine a request asks for."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency

    def run(self, image: Image, options: AnalyzeOptions) -> Detection:
        """The faces of one image, largest first.

        An engine that fails is replaced by the default one, and the answer says so.

        Args:
            image: (H, W, 3) uint8, RGB.
            options: What was asked for.

        Raises:
            WeightsMissing: the engine that was asked for is not installed.
            InferenceFailed: the default engine failed.
        """
        choice = self._choose(options)
        search = Search(image=image, options=options)
        try:
            return self._find([search], choice)[0]
        except DeviceFault:
            raise  # no engine runs in this process any more
        except InferenceFailed as error:
            residency = self._residency
            default_id = residency.pick(residency.catalogue.defaults["detection"])
            if default_id == choice.model_id:
                raise
            _log.warning("detection.engine_replaced", failed=choice.model_id, by=default_id)
            fallback = EngineFallbackAnswer(engine=choice.model_id, reason=str(error))
        replaced = EngineChoice(
            model_id=default_id, requested=choice.requested, reason=choice.reason
        )
        return self._find([search], replaced, fallback)[0]

    def run_together(
        self, searches: Iterable[Search], options: AnalyzeOptions
    ) -> Sequence[Detection]:
        """The faces of several images, whose landmarks are completed in one run.

        A failure of the engine is not made good: `run` does that for each image alone.

        Args:
            searches: Taken one by one, so that later images may still be being decoded.
            options: Of any of them; they have one batch key.

        Raises:
            WeightsMissing: see `run`.
            InferenceFailed: a run failed.
        """
        return self._find(searches, self._choose(options))

    def _choose(self, options: AnalyzeOptions) -> EngineChoice:
        residency = self._residency
        return choose_engine(
            options.engine,
            installed=residency.installed,
            loaded=residency.on_device,
            needs=Needs(landmarks=True, priority=options.detection_priority),
            catalogue=residency.catalogue,
        )

    def _find(
        self,
        searches: Iterable[Search],
        choice: EngineChoice,
        fallback: EngineFallbackAnswer | None = None,
    ) -> list[Detection]:
        with self._residency.use(engine_models(self._residency, choice.model_id)) as models:
            engine = engine_of(models)
            boxes: list[Boxes] = []
            confidences: list[float] = []
            for search in searches:
                wanted = _wanted(engine, search.options)
                boxes.append(engine.search.boxes(search.image, wanted))
                confidences.append(wanted.min_confidence)
            used = [model_answer(model) for model in models]
            return [
                Detection(
                    faces=found.faces,
                    answer=_answer(choice, found, used, min_confidence, fallback),
                    models=used,
                )
                for found, min_confidence in zip(
                    engine.search.complete(boxes), confidences, strict=True
                )
            ]


def _wanted(engine: Engine, options: AnalyzeOptions) -> SearchOptions:
    return SearchOptions(
        min_confidence=_min_confidence(engine.detector, options),
        max_faces=options.max_faces,
        min_face_pixels=options.min_face_pixels,
        tiles=options.tiles,
    )


def _min_confidence(detector: FaceDetector, options: AnalyzeOptions) -> float:
    wanted = options.min_confidence
    return detector.default_confidence if wanted is None else wanted


def _answer(
    choice: EngineChoice,
    found: SearchResult,
    used: Sequence[ModelAnswer],
    min_confidence: float,
    fallback: EngineFallbackAnswer | None,
) -> DetectionAnswer:
    return DetectionAnswer(
        engine=choice.model_id,
        requested=choice.requested,
        reason=choice.reason,
        min_confidence=min_confidence,
        # With two models the second is the landmark net.
        landmarks=tuple(model.id for model in used),
        looks=tuple(
            LookAnswer(name=look.name, reason=look.reason, faces=look.faces) for look in found.looks
        ),
        fallback=fallback,
    )
