"""A photo that is to be enrolled, and what becomes of it on the way."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from models.results import DetectedFace, Embedding, Image
from workers.answers.analysis import BoxAnswer, QualityAnswer
from workers.contract import Gate
from workers.identities.answers import EnrolledPhotoAnswer, PhotoOutcome, SimilarPersonAnswer
from workers.identities.refusal_texts import text_of
from workers.stages.chosen import chosen_face

#: Which face of a photo with several is the person's; "only": none, it is refused.
EnrolledFace = Literal["only", "largest", "center"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrollOrder:
    """A photo of a known person."""

    #: Reads the photo's file, maybe in another thread; again if the work is begun again.
    read: Callable[[], bytes]
    #: Uid of the collection, and id of the person in it.
    collection: str
    person: str
    #: What adds it: a job, or a batch; and its place there. From both the face's id is made, so
    #: that doing it again adds nothing twice.
    origin: str
    place: str
    #: Its number in the call, from 0, and what it is called in answers.
    index: int = 0
    filename: str = ""
    #: Leaf of the person who is meant: whoever was made anew under their id is another one. None:
    #: whoever has the id.
    leaf: int | None = None
    #: SHA-256 of the file, hexadecimal; "": it is taken when the file is read.
    digest: str = ""
    face: EnrolledFace = "only"
    require: tuple[Gate, ...] = ()
    #: Whether it is checked against the person's enrolled faces alone, not against the other photos
    #: of its call: which ones those are is chance where photos come by the thousand.
    alone: bool = False
    #: Who asks: user and credential.
    by: str = ""
    credential_id: str = ""
    is_wanted: Callable[[], bool] = field(default=lambda: True)

    @property
    def face_id(self) -> str:
        """The id of its face."""
        made_of = f"{self.collection}\n{self.person}\n{self.origin}\n{self.place}"
        return "face_" + hashlib.sha256(made_of.encode()).hexdigest()[:32]

    def choose(self, image: Image, faces: Sequence[DetectedFace]) -> Sequence[DetectedFace]:
        """The person's face; none when there is no telling which it is."""
        if not faces or (self.face == "only" and len(faces) > 1):
            return ()
        return [faces[0] if self.face == "only" else chosen_face(faces, image, self.face)]


@dataclass(kw_only=True, slots=True, eq=False)
class Enrolling:
    """A photo on its way into a collection."""

    order: EnrollOrder
    #: Of the file; "" until it is known.
    digest: str = ""
    #: The file, where it is to be kept.
    content: bytes | None = None
    #: What was found; None until it was looked at, or where there is nothing.
    faces_found: int | None = None
    bbox: BoxAnswer | None = None
    quality: QualityAnswer | None = None
    embedding: Embedding | None = None
    warnings: tuple[str, ...] = ()
    similar_to: SimilarPersonAnswer | None = None
    #: Whether its face was added before the work was repeated. It is looked at again: its answer
    #: is to tell as much as the first one did.
    is_known: bool = False
    #: What became of it; None: nothing yet.
    answer: EnrolledPhotoAnswer | None = None
    #: Why there is no answer.
    failure: Exception | None = None
    #: Whether nobody wants it any more.
    dropped: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether there is still something to do."""
        return self.answer is None and self.failure is None and not self.dropped

    @property
    def outcome(self) -> EnrolledPhotoAnswer | Exception | None:
        """Its answer, why there is none, or None when nobody wants it."""
        return None if self.dropped else self.failure or self.answer

    def read(self, *, keeps: bool) -> bytes:
        """The file, whose digest is taken; kept here where it is to be kept for good."""
        content = self.order.read()
        self.digest = self.order.digest or hashlib.sha256(content).hexdigest()
        self.content = content if keeps else None
        return content

    def warn(self, reason: str) -> None:
        """Note what is to be known of it although it is enrolled."""
        self.warnings = tuple(dict.fromkeys((*self.warnings, reason)))

    def refuse(self, *reasons: str) -> None:
        """End it: it is not enrolled."""
        self.end("refused", reasons)

    def end(
        self, outcome: PhotoOutcome, reasons: tuple[str, ...] = (), *, message: str = ""
    ) -> None:
        """End it.

        Args:
            outcome: What became of it. One that is known is not refused any more: what is held
                against it by now is a warning.
            reasons: Why it was refused.
            message: Why, in words; "": the reasons' own.
        """
        if self.is_known:
            self.warnings = tuple(dict.fromkeys((*self.warnings, *reasons)))
            outcome, reasons = "known", ()
        warnings = () if reasons else self.warnings
        self.answer = EnrolledPhotoAnswer(
            index=self.order.index,
            filename=self.order.filename,
            outcome=outcome,
            face_id=self.order.face_id if outcome in {"added", "known"} else None,
            reasons=reasons,
            warnings=warnings,
            message=message or " ".join(text_of(reason) for reason in (*reasons, *warnings)),
            faces_found=self.faces_found,
            bbox=self.bbox,
            quality_score=None if self.quality is None else self.quality.score,
            similar_to=self.similar_to,
        )


def refused(order: EnrollOrder, reason: str) -> EnrolledPhotoAnswer:
    """The answer to a photo of which nothing is known but why it is not enrolled."""
    photo = Enrolling(order=order)
    photo.refuse(reason)
    assert photo.answer is not None  # noqa: S101 - it was just given
    return photo.answer
