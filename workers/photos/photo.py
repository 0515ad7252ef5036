"""An image on its way through the pipeline: what is known of it so far, and its answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from models.results import DetectedFace, Embedding, Image
from workers.answers.analysis import (
    AnalysisAnswer,
    AntiSpoofingAnswer,
    DeepfakeAnswer,
    DegradedAnswer,
    ImageAnswer,
    ModelAnswer,
    QualityAnswer,
    ReasonAnswer,
    RecognitionAnswer,
)
from workers.answers.identity import IdentityAnswer, MatchAnswer
from workers.answers.part import Answer
from workers.contract import Analysis, AnalyzeOptions, Gate, IdentifyOptions
from workers.gates import gate_reasons
from workers.naming import Named, NamingOrder, SeenFace
from workers.notes import Note
from workers.photos.attempts import Ends
from workers.photos.decode import DecodedImage
from workers.stages.detection import Detection
from workers.stages.face import face_answer
from workers.stages.stage import AnalysisUnavailable, Picture, StageResult

#: Which of the faces of an image (H, W, 3), largest first, are to be analysed.
Choose = Callable[[Image, Sequence[DetectedFace]], Sequence[DetectedFace]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An image that is to be analysed."""

    #: Reads the image's file; called once, in another thread where there are several images.
    read: Callable[[], bytes]
    options: AnalyzeOptions
    #: Asked between two stages: whether somebody still wants the answer.
    is_wanted: Callable[[], bool] = field(default=lambda: True)
    #: The job, or the item of a batch, that wants it; for the audit of known people.
    cause: str = ""
    #: Which faces go on; None: all that were found.
    choose: Choose | None = None
    #: Whether faces that are not upright are to be told by their quality.
    checks_upright: bool = False


@dataclass(kw_only=True, slots=True, eq=False)
class Photo:
    """What is known of an image so far."""

    order: Order
    decoded: DecodedImage | None = None
    detection: Detection | None = None
    #: How many faces were found, whichever of them go on.
    faces_found: int = 0
    qualities: Sequence[QualityAnswer] = ()
    #: By analysis: what was found, or why nothing was.
    outcomes: dict[Analysis, StageResult | ReasonAnswer] = field(default_factory=dict)
    #: Who its faces are; None where no collection was named.
    named: Named | None = None
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
    def embeddings(self) -> Sequence[Embedding]:
        """Of its faces, in their order.

        Raises:
            AnalysisUnavailable: they could not be made, or were not asked for.
        """
        recognised = self.outcomes.get("recognition")
        if isinstance(recognised, StageResult):
            return recognised.embeddings
        if recognised is None:
            raise AnalysisUnavailable("identification_unavailable", "No face was recognised.")
        raise AnalysisUnavailable(recognised.code, recognised.message)

    @property
    def why_unrecognised(self) -> AnalysisUnavailable | None:
        """Why its faces can't be compared with anybody's; None: they can."""
        try:
            _ = self.embeddings
        except AnalysisUnavailable as error:
            return error
        return None

    def refusals(self, number: int, require: Sequence[Gate]) -> tuple[str, ...]:
        """Why a face may not be named or enrolled; empty when it may.

        Args:
            number: Of the face.
            require: What it must be.
        """
        liveness, deepfake = self._told("anti_spoofing", number), self._told("deepfake", number)
        return gate_reasons(
            require,
            liveness=liveness if isinstance(liveness, AntiSpoofingAnswer) else None,
            deepfake=deepfake if isinstance(deepfake, DeepfakeAnswer) else None,
        )

    def naming(self, options: IdentifyOptions) -> NamingOrder:
        """Its faces as they are to be named.

        Raises:
            AnalysisUnavailable: see `embeddings`.
        """
        return NamingOrder(
            options=options,
            faces=[
                SeenFace(embedding=embedding, refusals=self.refusals(number, options.require))
                for number, embedding in enumerate(self.embeddings)
            ],
            cause=self.order.cause,
        )

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
        if self.named:
            more["identification"] = self.named.whole
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
        members: dict[str, Answer | None] = {
            name: self._told(name, number) for name in self.outcomes
        }
        if self.named:
            identity = self.named.faces[number]
            members["identity"] = identity
            members["recognition"] = _with_matches(members["recognition"], identity)
        return members

    def _told(self, name: Analysis, number: int) -> Answer | None:
        """What an analysis says of one face; None: nothing."""
        outcome = self.outcomes.get(name)
        return outcome.faces[number] if isinstance(outcome, StageResult) else None

    def _image_answer(self) -> ImageAnswer:
        assert self.decoded is not None  # noqa: S101 - see `image`
        height, width = self.image.shape[:2]
        return ImageAnswer(
            width=width,
            height=height,
            format=self.decoded.format.lower(),
            exif_orientation=self.decoded.exif_orientation,
        )


class PhotoPipeline(Protocol):
    """Leads photos through the stages."""

    def look_many(self, orders: Sequence[Order], *, ends: Ends = ()) -> list[Photo]:
        """See workers.photos.pipeline.FacePipeline."""
        ...


def _degraded(note: Note) -> DegradedAnswer:
    return DegradedAnswer(
        model=note.model, step=note.step, reason=note.reason, message=note.message
    )


def _with_matches(recognition: Answer | None, identity: IdentityAnswer) -> Answer:
    """What is told of an embedding, with the known people it resembles."""
    assert isinstance(recognition, RecognitionAnswer)  # noqa: S101 - what was named was embedded
    matches = tuple(
        MatchAnswer(person_id=one.person.id, similarity=one.similarity)
        for one in identity.candidates
    )
    if identity.similarity is not None:
        missing = None if matches else "nobody_similar"
    else:
        missing = "no_faces" if "no_faces" in identity.reasons else "not_allowed"
    told = None if missing == "not_allowed" else matches
    return recognition.model_copy(update={"matches": told, "matches_missing": missing})
