"""What is done to one image, stage by stage. Knows no queue and no store."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from models.demographics.dlib import DlibAge, DlibGender
from models.detection.search import FaceSearch, SearchOptions
from models.detection.yunet import YuNet
from models.recognition.embedder import FaceEmbedder
from models.results import (
    LANDMARK_NAMES,
    AgeEstimate,
    Box,
    DetectedFace,
    Embedding,
    GenderEstimate,
    Image,
)
from models.spec import Task
from workers.answer import (
    AgeAnswer,
    AnalysisAnswer,
    BoxAnswer,
    DemographicsAnswer,
    FaceAnswer,
    GenderAnswer,
    ImageAnswer,
    ModelAnswer,
    PointAnswer,
    RecognitionAnswer,
)
from workers.contract import AnalyzeOptions
from workers.decode import DecodedImage, decode_image
from workers.residency import Residency


class FacePipeline:
    """Detects the faces of an image and analyses each.

    Args:
        residency: The loaded models.
        max_pixels: Images with more are refused before they are decoded.
    """

    def __init__(self, residency: Residency, *, max_pixels: int) -> None:
        self._residency = residency
        self._max_pixels = max_pixels
        self._search = FaceSearch(YuNet(residency.model("detection").network))
        self._embedder = FaceEmbedder(residency.model("recognition").network)
        self._age = DlibAge(residency.model("age").network)
        self._gender = DlibGender(residency.model("gender").network)

    def analyze(self, content: bytes, options: AnalyzeOptions) -> AnalysisAnswer:
        """Analyse one encoded image.

        Raises:
            ImageRejected: the bytes are no image we can decode.
            InferenceFailed: the runtime refused a run.
        """
        clock = _StageClock()
        with clock.stage("decode"):
            image = decode_image(content, max_pixels=self._max_pixels)
        with clock.stage("detection"):
            found = self._search.find(
                image.pixels,
                SearchOptions(min_confidence=options.min_confidence, max_faces=options.max_faces),
            )
        faces = self._describe(image, found, options, clock)
        device = self._residency.device
        return AnalysisAnswer(
            image=_image_answer(image),
            faces=faces,
            models={task: self._model_answer(task) for task in options.tasks},
            device=device,
            simulated=device.startswith("sim:"),
            timings_ms=clock.finish(),
        )

    def _describe(
        self,
        image: DecodedImage,
        found: Sequence[DetectedFace],
        options: AnalyzeOptions,
        clock: "_StageClock",
    ) -> tuple[FaceAnswer, ...]:
        pixels = image.pixels
        recognitions: list[RecognitionAnswer | None] = [None] * len(found)
        demographics: list[DemographicsAnswer | None] = [None] * len(found)
        if "recognition" in options.analyses:
            with clock.stage("recognition"):
                recognitions = [
                    self._recognition_answer(embedding, options)
                    for embedding in self._embedder.embed(pixels, found)
                ]
        if "demographics" in options.analyses:
            with clock.stage("demographics"):
                demographics = [
                    self._demographics_answer(age, gender)
                    for age, gender in zip(
                        self._age.estimate(pixels, found),
                        self._gender.estimate(pixels, found),
                        strict=True,
                    )
                ]
        return tuple(
            _face_answer(face, pixels, recognition, demographic)
            for face, recognition, demographic in zip(
                found, recognitions, demographics, strict=True
            )
        )

    def _recognition_answer(
        self, embedding: Embedding, options: AnalyzeOptions
    ) -> RecognitionAnswer:
        vector = embedding.vector
        return RecognitionAnswer(
            model=self._residency.model("recognition").network.spec.id,
            embedding_size=len(vector),
            embedding=tuple(map(float, vector)) if options.return_embeddings else None,
        )

    def _demographics_answer(self, age: AgeEstimate, gender: GenderEstimate) -> DemographicsAnswer:
        return DemographicsAnswer(
            age=AgeAnswer(
                value=round(age.years, 1),
                range=(age.low_years, age.high_years),
                confidence=round(age.confidence, 4),
                model=self._residency.model("age").network.spec.id,
            ),
            gender=GenderAnswer(
                value=gender.value,
                confidence=round(gender.confidence, 4),
                model=self._residency.model("gender").network.spec.id,
            ),
        )

    def _model_answer(self, task: Task) -> ModelAnswer:
        loaded = self._residency.model(task)
        return ModelAnswer(
            id=loaded.network.spec.id,
            sha256=loaded.network.spec.file.sha256,
            device=loaded.device,
            provider=loaded.network.session.provider,
        )


class _StageClock:
    """Milliseconds per stage."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._stages[name] = _milliseconds_since(started)

    def finish(self) -> dict[str, float]:
        return {**self._stages, "total": _milliseconds_since(self._started)}


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)


def _image_answer(image: DecodedImage) -> ImageAnswer:
    height, width = image.pixels.shape[:2]
    return ImageAnswer(
        width=width,
        height=height,
        format=image.format.lower(),
        exif_orientation=image.exif_orientation,
    )


def _face_answer(
    face: DetectedFace,
    pixels: Image,
    recognition: RecognitionAnswer | None,
    demographics: DemographicsAnswer | None,
) -> FaceAnswer:
    height, width = pixels.shape[:2]
    box = clip_box(face.box, width=width, height=height)
    return FaceAnswer(
        bbox=BoxAnswer(
            x=round(box.x, 2),
            y=round(box.y, 2),
            width=round(box.width, 2),
            height=round(box.height, 2),
        ),
        bbox_normalized=BoxAnswer(
            x=round(box.x / width, 6),
            y=round(box.y / height, 6),
            width=round(box.width / width, 6),
            height=round(box.height / height, 6),
        ),
        confidence=round(face.confidence, 4),
        landmarks={
            name: PointAnswer(x=round(float(x), 2), y=round(float(y), 2))
            for name, (x, y) in zip(LANDMARK_NAMES, face.landmarks, strict=True)
        },
        recognition=recognition,
        demographics=demographics,
    )


def clip_box(box: Box, *, width: int, height: int) -> Box:
    """The part of a box inside an image of that size, pixels."""
    left, top = min(max(box.x, 0.0), width), min(max(box.y, 0.0), height)
    right = min(max(box.x + box.width, left), width)
    bottom = min(max(box.y + box.height, top), height)
    return Box(x=left, y=top, width=right - left, height=bottom - top)
