"""The answer of an analysis as users see it: JSON shapes, documented field by field.

Coordinates are pixels of the image after EXIF rotation, origin at the top left. Analyses that
were not asked for are left out; one that was asked for and could not be done is null in every face,
and `unavailable` says why.
"""

from typing import Annotated, Literal

from pydantic import Field

from workers.answers.demographics import DemographicsAnswer, DemographicsSummaryAnswer
from workers.answers.identity import IdentificationAnswer, IdentityAnswer, MatchAnswer
from workers.answers.part import Answer


class ImageAnswer(Answer):
    """The image that was analysed."""

    #: Pixels, after EXIF rotation.
    width: int
    height: int
    #: "jpeg", "png" or "webp".
    format: str
    #: The EXIF orientation that was applied, 1 to 8; 1 is none.
    exif_orientation: int


class PointAnswer(Answer):
    """A point."""

    x: float
    y: float


class BoxAnswer(Answer):
    """A rectangle by its top left corner and size, cut at the image's edges."""

    x: float
    y: float
    width: float
    height: float


class ReasonAnswer(Answer):
    """Why something is not there."""

    #: Stable; listed in docs/reference/errors.md.
    code: str
    #: What happened and what to do.
    message: str


class EngineFallbackAnswer(Answer):
    """Another detection engine took over."""

    #: Id of the engine that failed.
    engine: str
    reason: str


class LookAnswer(Answer):
    """One look for faces."""

    #: "image", "padded" (inside a wide border), or "tile 1/4".
    name: str
    reason: str
    #: Faces it found, before looks were merged.
    faces: int


class DetectionAnswer(Answer):
    """How the faces were looked for."""

    #: Id of the model that found them.
    engine: str
    #: What was asked for: "auto" or a name.
    requested: str
    #: Why this engine.
    reason: str
    #: Confidence a face had to have, 0 to 1.
    min_confidence: float
    #: Ids of the models of the five points: the engine's, and the landmark net's where it helped.
    landmarks: tuple[str, ...]
    #: The looks that were taken.
    looks: tuple[LookAnswer, ...]
    #: The engine that was to do it and failed; null when none did.
    fallback: EngineFallbackAnswer | None


class PoseAnswer(Answer):
    """Where a head points, estimated from five landmarks, degrees."""

    #: Positive: turned to the person's own left.
    yaw: float
    #: Positive: looking up.
    pitch: float
    #: Positive: leaning to the person's own left, clockwise in the image.
    roll: float


class QualityAnswer(Answer):
    """How well a face can be analysed."""

    #: 0 to 1; see docs/explanation/quality.md.
    score: float
    #: Variance of the Laplacian of the face at a fixed size.
    sharpness: float
    #: Mean grey value, 0 to 255.
    brightness: float
    #: Longer side of the box.
    size_pixels: float
    pose_degrees: PoseAnswer
    #: face_too_small, low_quality, blurred, too_dark, too_bright, extreme_pose, at_edge; held
    #: against faces that are to be enrolled, not_upright.
    reasons: tuple[str, ...]


#: Why no known people are told of a face.
MatchesMissing = Literal["no_database", "nobody_similar", "no_faces", "not_allowed"]


class RecognitionAnswer(Answer):
    """A face as a model sees it. Only embeddings of one identity may be compared."""

    #: Id of the model; of an ensemble, its members' ids joined by "+".
    model: str
    #: Of the weight file; of an ensemble, of its members and their weights.
    sha256: str
    #: Changes with alignment, colour order and normalisation.
    preprocessing_version: str
    embedding_size: int
    #: L2-normalised; only when `return_embeddings` was asked for.
    embedding: tuple[float, ...] | None = None
    #: Known people it resembles, the most similar first; null when nobody was looked for.
    matches: tuple[MatchAnswer, ...] | None = None
    #: Why there are none: no_database (no collection was named), nobody_similar, no_faces (the
    #: collection is empty), not_allowed (it is not what `require` asks for); null where there are.
    matches_missing: MatchesMissing | None = "no_database"


class AttackAnswer(Answer):
    """Probabilities of presentation attacks, 0 to 1; null where no model tells them apart."""

    print: float | None
    replay: float | None
    #: Why they are null; null where they are not.
    missing: str | None


class AntiSpoofingAnswer(Answer):
    """Whether a face is a person before the camera or a picture of one."""

    #: "live", "spoof", or "retake": the picture allows no verdict.
    outcome: str
    #: Probability of live over all models, 0 to 1.
    score: float
    #: Score from which a face is live.
    threshold: float
    #: Why the outcome is no plain yes or no: face_too_small, blurred, at_edge, uncertain …
    reasons: tuple[str, ...]
    #: Probability of live by model, 0 to 1.
    models: dict[str, float]
    attack: AttackAnswer
    #: Where the models ran, and whether the server lets them run on the CPU.
    device: str
    cpu_policy: str


class DeepfakeAnswer(Answer):
    """Whether a face, or an image, was manipulated."""

    #: "authentic", "manipulated" or "inconclusive"; null without a face.
    verdict: str | None
    #: Probability of manipulation, calibrated, 0 to 1.
    score: float | None
    #: Scores up to the first are authentic, from the second on manipulated.
    thresholds: tuple[float, float] | None
    #: Why the verdict is not firm.
    reasons: tuple[str, ...]
    #: Probability of manipulation by model, 0 to 1.
    models: dict[str, float]


class FaceAnswer(Answer):
    """One face, largest first."""

    bbox: BoxAnswer
    #: The same box in shares of the image's width and height, 0 to 1.
    bbox_normalized: BoxAnswer
    #: Detection confidence, 0 to 1.
    confidence: float
    #: right_eye, left_eye, nose, mouth_right, mouth_left; sides are the person's own.
    landmarks: dict[str, PointAnswer]
    quality: QualityAnswer
    recognition: RecognitionAnswer | None = None
    anti_spoofing: AntiSpoofingAnswer | None = None
    deepfake: DeepfakeAnswer | None = None
    demographics: DemographicsAnswer | None = None
    #: Who it is; only where a collection was named.
    identity: IdentityAnswer | None = None


class ModelAnswer(Answer):
    """A model that took part."""

    id: str
    #: Of the published weight file.
    sha256: str
    #: Where it ran: "cpu", "cuda:0", or "sim:6144": simulated, so computed on the CPU.
    device: str
    #: The execution provider that was really used.
    provider: str
    #: "fp32", or "int8": quantised.
    variant: str
    #: Why it ran on the CPU although the worker has a device; left out where it did not.
    reason: str | None = None


class DegradedAnswer(Answer):
    """Something that went otherwise than planned, and what was done about it."""

    #: Id of the model.
    model: str
    #: cpu, arena_shrunk, smaller_batch, others_evicted, session_renewed or failed.
    step: str
    #: Why, as code; see docs/reference/vram.md.
    reason: str
    #: Why, and what would have to happen for it to go as planned.
    message: str


class AnalysisAnswer(Answer):
    """Everything an analysis found."""

    image: ImageAnswer
    detection: DetectionAnswer
    faces: tuple[FaceAnswer, ...]
    #: The image as a whole.
    deepfake: DeepfakeAnswer | None = None
    demographics: DemographicsSummaryAnswer | None = None
    #: How faces were named; only where a collection was.
    identification: IdentificationAnswer | None = None
    #: Analyses that were asked for and not done, by name.
    unavailable: dict[str, ReasonAnswer]
    #: The models that took part, by id.
    models: dict[str, ModelAnswer]
    #: What the worker was started on.
    device: str
    #: True when `device` is simulated: nothing ran on a GPU.
    simulated: bool
    #: How many photos went through the stages together, this one included.
    batch_size: Annotated[int, Field(ge=1)] = 1
    #: What went otherwise than planned; left out when nothing did.
    degraded: tuple[DegradedAnswer, ...] = ()
    #: Milliseconds per stage, an even share where photos shared it; `total` from the batch's start.
    timings_ms: dict[str, Annotated[float, Field(ge=0)]]
