"""The models that judge a video, from the installed ones."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from models.deepfake.detector import DeepfakeDetector, model_of
from models.deepfake.video import VideoDeepfakeDetector, VideoOptions
from models.deepfake.video_results import TimelineOptions
from models.detection.search import SearchOptions
from models.recognition.ensemble import Embedder, ensemble_id
from models.recognition.verify import point_at, thresholds_of
from models.results import DetectedFace, Image
from models.video.results import VideoLimits
from models.video.sampling import SamplingOptions
from models.video.tracking import TrackingOptions
from workers.answers.analysis import ModelAnswer
from workers.choices import candidates
from workers.devices.engines import Engine, engine_models, engine_of
from workers.devices.loaded import LoadedModel
from workers.devices.residency import Residency
from workers.stages.recognition import embedder_of, recognition_ids
from workers.stages.used_model import model_answer

#: Faces of one frame that are judged, the largest first.
MAX_FACES = 8
#: False accept rate at which two faces of a video count as one person's.
TRACKING_FAR = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VideoModels:
    """What judges videos, for as long as its models are held."""

    detector: VideoDeepfakeDetector
    models: Sequence[ModelAnswer]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Parts:
    engine: Engine
    encoder: Embedder
    judge: LoadedModel


@contextmanager
def video_detector(
    residency: Residency,
    *,
    model: str | None = None,
    recognition_model: str | None = None,
    limits: VideoLimits | None = None,
    sampling: SamplingOptions | None = None,
) -> Iterator[VideoModels]:
    """A detector, an embedder and a deepfake model, held until left.

    They are held for the whole video: embeddings of one person must come from one model, on one
    device.

    Args:
        residency: Lends what is installed.
        model: Name of the deepfake model; the default one when not given.
        recognition_model: Name of what tells people apart; the default one when not given.
        limits: What a video may cost; the reader's own when not given.
        sampling: Which frames are looked at.

    Raises:
        WeightsMissing: one of them is not installed.
        UnknownModel: there is no such model, or it judges no deepfakes.
        ThresholdsMissing: from which similarity two faces are one person's was not measured for
            the embedder.
        ModelRefused: one can't be had where it may run.
        ModelsError: one can't be loaded.
    """
    catalogue = residency.catalogue
    finding = engine_models(residency, residency.pick(catalogue.defaults["detection"]))
    embedding = recognition_ids(residency, recognition_model)
    judging = residency.pick(
        catalogue.defaults.get("deepfake", ())
        if model is None
        else candidates(model, ("deepfake",), catalogue)
    )
    name = ensemble_id(embedding)
    # For following people; no verdict on who they are.
    same = point_at(thresholds_of(name, catalogue.thresholds), TRACKING_FAR, model=name)
    with residency.use([*finding, *embedding, judging]) as models:
        parts = _Parts(
            engine=engine_of(models[: len(finding)]),
            encoder=embedder_of(models[len(finding) : -1], catalogue),
            judge=models[-1],
        )
        detector = _detector(
            parts, same.similarity, limits or VideoLimits(), sampling or SamplingOptions()
        )
        yield VideoModels(detector=detector, models=[model_answer(used) for used in models])


def _detector(
    parts: _Parts,
    same_similarity: float,
    limits: VideoLimits,
    sampling: SamplingOptions,
) -> VideoDeepfakeDetector:
    engine = parts.engine
    wanted = SearchOptions(min_confidence=engine.detector.default_confidence, max_faces=MAX_FACES)
    scorer = DeepfakeDetector([parts.judge.view(model_of)])

    def find(image: Image) -> Sequence[DetectedFace]:
        return engine.search.find(image, wanted).faces

    return VideoDeepfakeDetector(
        find=find,
        encoder=parts.encoder,
        scorer=scorer,
        options=VideoOptions(
            timeline=TimelineOptions(thresholds=scorer.thresholds, min_similarity=same_similarity),
            limits=limits,
            sampling=sampling,
            tracking=TrackingOptions(same_similarity=same_similarity),
        ),
    )
