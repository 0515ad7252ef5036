"""Detection engines, ready to search: a detector, and the landmark net where it needs one."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.detection.families import open_detector
from models.detection.port import FaceDetector
from models.detection.search import FaceSearch
from models.errors import WeightsMissing
from models.landmarks import FaceLandmarks
from workers.residency import LoadedModel, Residency


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """What finds faces under one name."""

    detector: FaceDetector
    search: FaceSearch
    #: The detector's model, and the landmark net's where it takes part.
    models: Sequence[LoadedModel]


def open_engine(residency: Residency, model_id: str) -> Engine:
    """Load a detection model and, where its landmarks are missing or rough, the landmark net.

    Raises:
        WeightsMissing: the model is not installed, or its faces have no landmarks and the net is
            not installed either.
        ModelsError: one of them can't be loaded.
    """
    loaded = residency.model(model_id)
    detector = open_detector(loaded.network)
    net = _landmark_net(residency, detector)
    landmarks = None if net is None else FaceLandmarks(net.network)
    return Engine(
        detector=detector,
        search=FaceSearch(detector, landmarks=landmarks),
        models=[loaded] if net is None else [loaded, net],
    )


def _landmark_net(residency: Residency, detector: FaceDetector) -> LoadedModel | None:
    if detector.has_landmarks and detector.landmarks_follow_tilt:
        return None
    try:
        return residency.for_task("landmarks")
    except WeightsMissing:
        # Points that lean too little will do; `DetectionAnswer.landmarks` tells whose they are.
        if not detector.has_landmarks:
            raise
        return None
