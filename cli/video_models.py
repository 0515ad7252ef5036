"""The models that judge a video, from the installed ones."""

from collections.abc import Sequence

from models.deepfake.detector import DeepfakeDetector
from models.deepfake.video import VideoDeepfakeDetector, VideoOptions
from models.deepfake.video_results import TimelineOptions
from models.detection.search import SearchOptions
from models.recognition.embedder import FaceEmbedder
from models.recognition.verify import point_at, thresholds_of
from models.results import DetectedFace, Image
from models.video.tracking import TrackingOptions
from workers.choices import candidates
from workers.engines import open_engine
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
        UnknownModel: there is no such model, or it judges no deepfakes.
        ThresholdsMissing: from which similarity two faces are one person's was not measured for
            the embedder.
        ModelsError: one can't be loaded.
    """
    catalogue = residency.catalogue
    engine = open_engine(residency, residency.pick(catalogue.defaults["detection"]))
    confidence = engine.detector.default_confidence
    wanted = SearchOptions(min_confidence=confidence, max_faces=MAX_FACES)
    recogniser = residency.for_task("recognition").network
    recogniser_id = recogniser.spec.id
    measured = thresholds_of(recogniser_id, catalogue.thresholds)
    # For following people; no verdict on who they are.
    same = point_at(measured, TRACKING_FAR, model=recogniser_id).similarity
    judging = (
        residency.for_task("deepfake")
        if model is None
        else residency.first_installed(candidates(model, ("deepfake",), catalogue))
    )
    scorer = DeepfakeDetector.of([judging.network])

    def find(image: Image) -> Sequence[DetectedFace]:
        return engine.search.find(image, wanted).faces

    return VideoDeepfakeDetector(
        find=find,
        encoder=FaceEmbedder(recogniser),
        scorer=scorer,
        options=VideoOptions(
            timeline=TimelineOptions(thresholds=scorer.thresholds, min_similarity=same),
            tracking=TrackingOptions(same_similarity=same),
        ),
    )
