"""Persons and their faces as clients see them."""

from api.answers import Answer
from api.answers.collections import Count, Rate
from api.answers.jobs import Time
from workers.identities.records import MetadataValue


class ConsentAnswer(Answer):
    """What a person agreed to."""

    given_at: Time
    purpose: str
    evidence: str
    #: Null: until it is withdrawn.
    expires_at: Time | None


class PersonLinks(Answer):
    """Where to go on."""

    self: str
    faces: str
    verify: str
    export: str


class PersonAnswer(Answer):
    """A known person."""

    id: str
    name: str
    external_id: str
    metadata: dict[str, MetadataValue]
    consent: ConsentAnswer | None
    faces: Count
    #: Grows with every change; the `ETag` is made of it.
    revision: Count
    created_at: Time
    updated_at: Time
    #: When the last face was added.
    enrolled_at: Time | None
    links: PersonLinks


class PersonList(Answer):
    """Persons in the order they were made."""

    items: tuple[PersonAnswer, ...]
    next_cursor: str | None


class FaceAnswer(Answer):
    """An enrolled face."""

    id: str
    person_id: str
    #: 0 to 1; null of imported ones that came without.
    quality: Rate | None
    #: Of the photo's file; "" of imported ones that came without.
    source_sha256: str
    #: The job or batch that added it, or "import".
    origin: str
    #: A user's id.
    added_by: str
    added_at: Time
    #: Whether its photo is kept.
    has_image: bool


class FaceList(Answer):
    """All faces of a person, the oldest first."""

    items: tuple[FaceAnswer, ...]
    #: Always null: there are few.
    next_cursor: str | None
