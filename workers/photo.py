"""An image on its way through the pipeline: what is known of it so far, and its answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from models.results import Image
from workers.answer import (
    AnalysisAnswer,
    Answer,
    DegradedAnswer,
    ImageAnswer,
    ModelAnswer,
    QualityAnswer,
    ReasonAnswer,
)
from workers.contract import Analysis, AnalyzeOptions
from workers.decode import DecodedImage
from workers.notes import Note
from workers.stages.detection import Detection
from workers.stages.face import face_answer
from workers.stages.stage import Picture, StageResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An image that is to be analysed."""

    #: Reads the image's file; called once, in another thread where there are several images.
    read: Callable[[], bytes]
    options: AnalyzeOptions
    #: Asked between two stages: whether somebody still wants the answer.
    is_wanted: Callable[[], bool] = field(default=lambda: True)


@dataclass(kw_only=True, slots=True, eq=False)
class Photo:
    """What is known of an image so far."""

    order: Order
    decoded: DecodedImage | None = None
    detection: Detection | None = None
    qualities: Sequence[QualityAnswer] = ()
    #: By analysis: what was found, or why nothing was.
    outcomes: dict[Analysis, StageResult | ReasonAnswer] = field(default_factory=dict)
    #: By stage, ms.
    timings_ms: dict[str, float] = field(default_factory=dict)
    #: Why it gets no answer.
    failure: Exception | None = None
    #: Whether nobody wants its answer any more.
    dropped: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether there is still something to do."""
        return self.failure is None and not self.dropped

    @property
    def image(self) -> Image:
        """The pixels, (H, W, 3) uint8, RGB, upright; only once it is decoded."""
        assert self.decoded is not None  # noqa: S101 - photos without pixels have failed
        return self.decoded.pixels

    @property
    def found(self) -> Detection:
        """Its faces; only once they were looked for."""
        assert self.detection is not None  # noqa: S101 - photos without have failed
        return self.detection

    @property
    def picture(self) -> Picture:
        """What the stages after detection see of it."""
        return Picture(image=self.image, faces=self.found.faces, options=self.order.options)

    @property
    def models(self) -> dict[str, ModelAnswer]:
        """The models that took part, by id."""
        used = [*self.found.models]
        for outcome in self.outcomes.values():
            used += outcome.models if isinstance(outcome, StageResult) else ()
        return {model.id: model for model in used}

    def answer(self, *, device: str, batch_size: int, notes: Sequence[Note]) -> AnalysisAnswer:
        """The answer, once all stages are done.

        Args:
            device: What the worker was started on.
            batch_size: How many photos went through the stages together.
            notes: What went otherwise than planned with its models.
        """
        done = [each for each in self.outcomes.values() if isinstance(each, StageResult)]
        more = {name: value for result in done for name, value in result.whole.items()}
        if notes:
            more["degraded"] = tuple(map(_degraded, notes))
        return AnalysisAnswer(
            image=self._image_answer(),
            detection=self.found.answer,
            faces=tuple(
                face_answer(face, self.image, {"quality": quality, **self._members(number)})
                for number, (face, quality) in enumerate(
                    zip(self.found.faces, self.qualities, strict=True)
                )
            ),
            unavailable={
                name: outcome
                for name, outcome in self.outcomes.items()
                if isinstance(outcome, ReasonAnswer)
            },
            models=self.models,
            device=device,
            simulated=device.startswith("sim:"),
            batch_size=batch_size,
            timings_ms=self.timings_ms,
            **more,
        )

    def _members(self, number: int) -> Mapping[str, Answer | None]:
        """The answers to one face; null where there is none, which is not the same as not asked."""
        return {
            name: outcome.faces[number] if isinstance(outcome, StageResult) else None
            for name, outcome in self.outcomes.items()
        }

    def _image_answer(self) -> ImageAnswer:
        assert self.decoded is not None  # noqa: S101 - see `image`
        height, width = self.image.shape[:2]
        return ImageAnswer(
            width=width,
            height=height,
            format=self.decoded.format.lower(),
            exif_orientation=self.decoded.exif_orientation,
        )


def _degraded(note: Note) -> DegradedAnswer:
    return DegradedAnswer(
        model=note.model, step=note.step, reason=note.reason, message=note.message
    )
