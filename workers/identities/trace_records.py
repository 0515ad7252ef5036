"""What stays of what was done to known people: audited events and certificates of deletion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: What is audited.
AuditAction = Literal[
    "collection.created",
    "collection.changed",
    "collection.deleted",
    "collection.exported",
    "collection.calibrated",
    "collection.model_changed",
    "collection.model_kept",
    "person.created",
    "person.changed",
    "person.deleted",
    "person.merged",
    "person.exported",
    "person.expired",
    "faces.enrolled",
    "faces.imported",
    "face.deleted",
    "identified",
    "verified",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """Who did what with a collection: ids only, no names, no pictures, no embeddings."""

    action: AuditAction
    #: User's id; of work that time made due: "".
    by: str
    #: Id of the API key or session; "" where there was none.
    credential_id: str = ""
    #: Job or request that did it.
    cause: str = ""
    #: Persons concerned: of "identified" those who were named.
    person_ids: tuple[str, ...] = ()
    #: What else is to be known: decisions with their counts, for instance.
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAuditEvent:
    """An audited event as the store keeps it."""

    #: Cursor, by time.
    id: str
    at_ms: int
    event: AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """What was deleted, and how far every copy of it is gone. Names nobody."""

    #: "deletion_" and digits.
    id: str
    owner: str
    collection_uid: str
    #: As the owner called it.
    collection_id: str
    #: The client's id of the person; None: the whole collection.
    person_id: str | None
    faces: int
    #: When the store's records were deleted: from then on nobody is found any more.
    deleted_ms: int
    #: The collection's version by which every index has forgotten the faces.
    version: int
    #: When the keys were destroyed without which backups, old logs and snapshots can't be read;
    #: None: it is still to be done.
    keys_destroyed_ms: int | None
    #: When the last worker that had the faces in memory reported that it has not; None: not yet.
    workers_cleared_ms: int | None
    #: When the last result of a job that may have the person's id expires.
    results_expire_ms: int
    #: Since when results of the collection hold names sealed; 0: always. None: the certificate is
    #: from before names were sealed in results.
    results_sealed_ms: int | None
