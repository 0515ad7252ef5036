"""Known people as the gateway tells them: persons, faces, and what became of enrolments."""

from collections.abc import Mapping
from datetime import datetime

from client.records import BatchState, Record

#: What a person's metadata may hold.
MetadataValue = str | int | float | bool | None


class Consent(Record):
    """What a person agreed to."""

    given_at: datetime
    #: What for, in the owner's words.
    purpose: str
    #: Where it is on record.
    evidence: str = ""
    #: None: until it is withdrawn.
    expires_at: datetime | None = None


class Person(Record):
    """Somebody who is known."""

    id: str
    name: str
    #: The owner's own key in another system; "" without one.
    external_id: str
    metadata: Mapping[str, MetadataValue]
    consent: Consent | None = None
    #: How many faces there are.
    faces: int
    #: Grows with every change; see `People.change`.
    revision: int
    created_at: datetime
    updated_at: datetime
    #: When the last face was added; None without one.
    enrolled_at: datetime | None = None


class Face(Record):
    """An enrolled face."""

    id: str
    person_id: str
    #: 0 to 1; None of imported embeddings.
    quality: float | None
    #: SHA-256 of the photo's file; "" of imported embeddings.
    source_sha256: str
    #: The job that added it, or "import".
    origin: str
    #: Id of the user who asked for it.
    added_by: str
    added_at: datetime
    #: Whether its photo is kept.
    has_image: bool


class SimilarPerson(Record):
    """Another person whom a face resembles."""

    person_id: str
    #: Cosine, -1 to 1.
    similarity: float


class RefusedPhoto(Record):
    """A photo of a bulk enrolment that was not taken."""

    #: Place in the batch, from 1.
    number: int
    file: str
    person_id: str
    #: Stable; see docs/reference/errors.md.
    code: str
    message: str
    #: Whether it may be taken when it is tried again.
    retryable: bool = False
    similar_to: SimilarPerson | None = None


class ConflictingPhoto(Record):
    """A photo of a bulk enrolment whose face resembles somebody else's."""

    #: Place in the batch, from 1.
    number: int
    file: str
    person_id: str
    #: "enrolled", "duplicate" or "refused".
    outcome: str
    #: Of the enrolled face; None when it was refused.
    face_id: str | None = None
    similar_to: SimilarPerson


class EnrolledPhotos(Record):
    """Photos of a bulk enrolment by what became of them."""

    total: int
    enrolled: int
    #: Photos the person has a face of already.
    duplicate: int
    refused: int
    waiting: int
    cancelled: int


class EnrolledPersons(Record):
    """Persons of a bulk enrolment."""

    #: Whom the photos or the manifest name.
    named: int
    #: Who are new.
    made: int
    #: Who have a face by it.
    enrolled: int
    #: Who have none at all.
    without_face: int


class EnrollmentReport(Record):
    """What became of a bulk enrolment, so far."""

    batch_id: str
    collection_id: str
    state: BatchState
    #: Whether every photo has its outcome.
    complete: bool
    photos: EnrolledPhotos
    persons: EnrolledPersons
    #: Refused photos by code.
    reasons: Mapping[str, int]
    #: Faces that were enrolled all the same, by what to know of them.
    warnings: Mapping[str, int]
    refused: tuple[RefusedPhoto, ...]
    #: Photos that resemble somebody else, enrolled or not.
    conflicts: tuple[ConflictingPhoto, ...] = ()


class Rejection(Record):
    """A line of an import that was not taken."""

    #: From 1.
    line: int
    #: Stable; see docs/reference/errors.md.
    code: str
    message: str


class PersonsImported(Record):
    """Persons of an import: made, and there already."""

    added: int
    known: int


class FacesImported(Record):
    """Faces of an import: new; there already; of a photo the person has a face of; too many."""

    added: int
    known: int
    duplicate: int
    full: int


class Imported(Record):
    """What became of an import."""

    lines: int
    persons: PersonsImported
    faces: FacesImported
    #: Lines that were not taken.
    rejected: int
    #: Of the first thousand of them, why.
    rejections: tuple[Rejection, ...]
    #: The collection's version afterwards; none when no line was taken.
    version: int | None
