"""Detection engines, ready to search: a detector, and the landmark net where it needs one."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.detection.families import landmarks_of, open_detector
from models.detection.port import FaceDetector
from models.detection.search import FaceSearch
from models.errors import WeightsMissing
from models.landmarks import FaceLandmarks
from workers.devices.loaded import LoadedModel
from workers.devices.residency import Residency


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """What finds faces under one name, for as long as its models are held."""

    detector: FaceDetector
    search: FaceSearch


def engine_models(residency: Residency, model_id: str) -> tuple[str, ...]:
    """Ids of the models of an engine: the detector and, where it takes part, the landmark net.

    Raises:
        WeightsMissing: the detector's faces have no landmarks and the net is not installed.
        CatalogueError: the model finds no faces.
    """
    catalogue = residency.catalogue
    landmarks = landmarks_of(catalogue.model(model_id))
    if landmarks == "follow_tilt":
        return (model_id,)
    try:
        return (model_id, residency.pick(catalogue.defaults.get("landmarks", ())))
    except WeightsMissing:
        # Points that lean too little will do; `DetectionAnswer.landmarks` tells whose they are.
        if landmarks == "none":
            raise
        return (model_id,)


def engine_of(models: Sequence[LoadedModel]) -> Engine:
    """The engine of the loaded models that `engine_models` names."""
    detector = models[0].view(open_detector)
    net = models[1].view(FaceLandmarks) if len(models) > 1 else None
    return Engine(detector=detector, search=FaceSearch(detector, landmarks=net))


def open_engine(residency: Residency, model_id: str) -> Engine:
    """An engine that stays open: for a residency on the CPU, which unloads nothing.

    Raises:
        WeightsMissing: the model is not installed, or its faces have no landmarks and the net is
            not installed either.
        ModelsError: one of them can't be loaded.
    """
    return engine_of([residency.model(name) for name in engine_models(residency, model_id)])
