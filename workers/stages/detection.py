"""Finding the faces: which engine, with what, and what when it fails."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from models.detection.choice import Needs, choose_engine
from models.detection.port import FaceDetector
from models.detection.search import SearchOptions, SearchResult
from models.errors import InferenceFailed
from models.results import DetectedFace, Image
from workers.answer import DetectionAnswer, EngineFallbackAnswer, LookAnswer
from workers.contract import AnalyzeOptions
from workers.engines import Engine, open_engine
from workers.residency import LoadedModel, Residency

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Detection:
    """The faces of an image, and how they were found."""

    faces: Sequence[DetectedFace]
    answer: DetectionAnswer
    models: Sequence[LoadedModel]


class DetectionStage:
    """Finds faces with the engine a request asks for."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency
        self._engines: dict[str, Engine] = {}

    def run(self, image: Image, options: AnalyzeOptions) -> Detection:
        """The faces of an image, largest first.

        An engine that fails is replaced by the default one, and the answer says so.

        Args:
            image: (H, W, 3) uint8, RGB.
            options: What was asked for.

        Raises:
            WeightsMissing: the engine that was asked for is not installed.
            InferenceFailed: the default engine failed.
        """
        residency = self._residency
        choice = choose_engine(
            options.engine,
            installed=residency.installed,
            loaded=residency.on_device,
            needs=Needs(landmarks=True, priority=options.detection_priority),
            catalogue=residency.catalogue,
        )
        engine_id, fallback = choice.model_id, None
        try:
            engine, found = self._find(engine_id, image, options)
        except InferenceFailed as error:
            engine_id = residency.pick(residency.catalogue.defaults["detection"])
            if engine_id == choice.model_id:
                raise
            _log.warning("detection.engine_replaced", failed=choice.model_id, by=engine_id)
            fallback = EngineFallbackAnswer(engine=choice.model_id, reason=str(error))
            engine, found = self._find(engine_id, image, options)
        answer = DetectionAnswer(
            engine=engine_id,
            requested=choice.requested,
            reason=choice.reason,
            min_confidence=_min_confidence(engine.detector, options),
            landmarks=tuple(model.network.spec.id for model in engine.models),
            looks=tuple(
                LookAnswer(name=look.name, reason=look.reason, faces=look.faces)
                for look in found.looks
            ),
            fallback=fallback,
        )
        return Detection(faces=found.faces, answer=answer, models=engine.models)

    def _find(
        self, model_id: str, image: Image, options: AnalyzeOptions
    ) -> tuple[Engine, SearchResult]:
        engine = self._engine(model_id)
        wanted = SearchOptions(
            min_confidence=_min_confidence(engine.detector, options),
            max_faces=options.max_faces,
            min_face_pixels=options.min_face_pixels,
            tiles=options.tiles,
        )
        return engine, engine.search.find(image, wanted)

    def _engine(self, model_id: str) -> Engine:
        if model_id not in self._engines:
            self._engines[model_id] = open_engine(self._residency, model_id)
        return self._engines[model_id]


def _min_confidence(detector: FaceDetector, options: AnalyzeOptions) -> float:
    wanted = options.min_confidence
    return detector.default_confidence if wanted is None else wanted
