"""The report of an enrolment of many people."""

from typing import Annotated, Literal

from pydantic import Field

from api.answers import Answer
from workers.batches.records import BatchState

Count = Annotated[int, Field(ge=0)]


class SimilarPerson(Answer):
    """Somebody else whom a face resembles."""

    person_id: str
    #: Cosine, -1 to 1.
    similarity: float


class RefusedPhoto(Answer):
    """A photo that was not enrolled."""

    #: In the order they came, from 1.
    number: Annotated[int, Field(ge=1)]
    file: str
    #: Whom it shows; "" where nothing said so.
    person_id: str
    #: Why; see the codes of enrolment.
    code: str
    message: str
    #: Whether the same photo may be taken later.
    retryable: bool
    #: How well the face can be recognised, 0 to 1; null without one.
    quality: float | None
    similar_to: SimilarPerson | None


class ConflictingPhoto(Answer):
    """A photo whose face resembles somebody else of the collection."""

    number: Annotated[int, Field(ge=1)]
    file: str
    #: Whom it is said to show.
    person_id: str
    #: Whether it was enrolled all the same: only a strict collection refuses it.
    outcome: Literal["enrolled", "duplicate", "refused", "waiting", "cancelled"]
    #: "" when it was refused.
    face_id: str
    similar_to: SimilarPerson


class PhotoTally(Answer):
    """Photos by what became of them; always exact."""

    total: Count
    enrolled: Count
    #: The person had a face of the same photo before.
    duplicate: Count
    refused: Count
    waiting: Count
    cancelled: Count


class PersonTally(Answer):
    """Persons of the batch."""

    #: Whom photos show.
    named: Count
    #: Of those, made by this batch.
    made: Count
    #: With a photo of this batch that is enrolled, now or before.
    enrolled: Count
    #: Without.
    without_face: Count


class EnrollmentReport(Answer):
    """What came of an enrolment, as far as it has got."""

    batch_id: str
    collection_id: str
    state: BatchState
    #: Whether all photos were taken and have ended: nothing will change any more, unless refused
    #: photos are retried.
    complete: bool
    #: Every photo that was not enrolled, by number.
    refused: tuple[RefusedPhoto, ...]
    #: Every photo that resembles somebody else, by number: look whether two are one person, or
    #: whether somebody was given the wrong name.
    conflicts: tuple[ConflictingPhoto, ...]
    photos: PhotoTally
    #: Refused photos by code.
    reasons: dict[str, Count]
    #: Enrolled photos by what is to be known of them.
    warnings: dict[str, Count]
    persons: PersonTally
