"""The models that judge a video, from the installed ones."""

from collections.abc import Sequence

from models.catalogue import Catalogue
from models.deepfake.detector import DeepfakeDetector
from models.deepfake.video import VideoDeepfakeDetector, VideoOptions
from models.deepfake.video_results import TimelineOptions
from models.detection.families import open_detector
from models.detection.search import FaceSearch, SearchOptions
from models.recognition.embedder import FaceEmbedder
from models.recognition.verify import point_at
from models.results import DetectedFace, Image
from models.video.tracking import TrackingOptions
from workers.residency import Residency

#: Faces of one frame that are judged, the largest first.
MAX_FACES = 8
#: False accept rate at which two faces of a video count as one person's.
TRACKING_FAR = 1e-3


def open_video_detector(residency: Residency, *, model: str | None = None) -> VideoDeepfakeDetector:
    """Load a detector, an embedder and a deepfake model.

    Args:
        residency: Loads what is installed.
        model: Name of the deepfake model; the default one when not given.

    Raises:
        WeightsMissing: one of them is not installed.
        ModelsError: one can't be loaded.
    """
    detector = open_detector(residency.for_task("detection").network)
    search = FaceSearch(detector)
    wanted = SearchOptions(min_confidence=detector.default_confidence, max_faces=MAX_FACES)
    catalogue = residency.catalogue
    recogniser = residency.for_task("recognition").network
    same = _same_similarity(recogniser.spec.id, catalogue)
    judging = (
        residency.for_task("deepfake")
        if model is None
        else residency.model(catalogue.model(model).id)
    )
    scorer = DeepfakeDetector.of([judging.network])

    def find(image: Image) -> Sequence[DetectedFace]:
        return search.find(image, wanted).faces

    return VideoDeepfakeDetector(
        find=find,
        encoder=FaceEmbedder(recogniser),
        scorer=scorer,
        options=VideoOptions(
            timeline=TimelineOptions(thresholds=scorer.thresholds, min_similarity=same),
            tracking=TrackingOptions(same_similarity=same),
        ),
    )


def _same_similarity(recogniser: str, catalogue: Catalogue) -> float:
    """From where two faces of a video are one person's; for following them, no verdict on who."""
    measured = catalogue.thresholds.get(recogniser)
    if measured is None:
        return TrackingOptions().same_similarity
    return point_at(measured, TRACKING_FAR, model=recogniser).similarity
