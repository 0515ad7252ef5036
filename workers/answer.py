"""The answer of an analysis as users see it: JSON shapes, documented field by field.

Coordinates are pixels of the image after EXIF rotation, origin at the top left.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ImageAnswer(_Answer):
    """The image that was analysed."""

    #: Pixels, after EXIF rotation.
    width: int
    height: int
    #: "jpeg", "png" or "webp".
    format: str
    #: The EXIF orientation that was applied, 1 to 8; 1 is none.
    exif_orientation: int


class PointAnswer(_Answer):
    """A point."""

    x: float
    y: float


class BoxAnswer(_Answer):
    """A rectangle by its top left corner and size, cut at the image's edges."""

    x: float
    y: float
    width: float
    height: float


class RecognitionAnswer(_Answer):
    """The identity features of a face."""

    model: str
    embedding_size: int
    #: L2-normalised; only when `return_embeddings` was asked for.
    embedding: tuple[float, ...] | None = None


class AgeAnswer(_Answer):
    """Apparent age in years."""

    value: float
    #: Shortest span of years with at least 80 % of the probability, both ends included.
    range: tuple[int, int]
    #: Probability of that span, 0 to 1.
    confidence: float
    model: str


class GenderAnswer(_Answer):
    """Apparent gender."""

    #: "female" or "male".
    value: str
    #: Probability of the value, 0.5 to 1.
    confidence: float
    model: str


class DemographicsAnswer(_Answer):
    """What a face looks like, not who it is."""

    age: AgeAnswer
    gender: GenderAnswer


class FaceAnswer(_Answer):
    """One face, largest first."""

    bbox: BoxAnswer
    #: The same box in shares of the image's width and height, 0 to 1.
    bbox_normalized: BoxAnswer
    #: Detection confidence, 0 to 1.
    confidence: float
    #: right_eye, left_eye, nose, mouth_right, mouth_left; sides are the person's own.
    landmarks: dict[str, PointAnswer]
    #: None when not asked for.
    recognition: RecognitionAnswer | None = None
    demographics: DemographicsAnswer | None = None


class ModelAnswer(_Answer):
    """A model that took part."""

    id: str
    #: Of the published weight file.
    sha256: str
    #: Where it ran: "cpu", "cuda:0", or "sim:6144": simulated, so computed on the CPU.
    device: str
    #: The execution provider ONNX Runtime really used.
    provider: str


class AnalysisAnswer(_Answer):
    """Everything an analysis found."""

    image: ImageAnswer
    faces: tuple[FaceAnswer, ...]
    #: By task: detection, recognition, age, gender.
    models: dict[str, ModelAnswer]
    #: What the worker was started on.
    device: str
    #: True when `device` is simulated: nothing ran on a GPU.
    simulated: bool
    #: Milliseconds per stage, `total` included.
    timings_ms: dict[str, Annotated[float, Field(ge=0)]]
