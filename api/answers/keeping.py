"""What was done with known people as clients see it: audit, deletions, imports."""

from typing import Annotated

from pydantic import Field

from api.answers import Answer
from api.answers.collections import Count
from api.answers.jobs import Time
from workers.identities.trace_records import AuditAction


class DeletionLinks(Answer):
    """Where to ask again."""

    self: str


class DeletionAnswer(Answer):
    """What was deleted, and how far every copy of it is gone. Names nobody."""

    id: str
    collection_id: str
    #: Null: the whole collection.
    person_id: str | None
    faces: Count
    #: From then on nobody is found any more.
    deleted_at: Time
    #: From then on nobody can read it in results, backups, logs and snapshots; null: not yet.
    keys_destroyed_at: Time | None
    #: From then on no worker has it in memory; null: not yet.
    workers_cleared_at: Time | None
    #: When the last result of a job or batch expires that may have the person's id; names in
    #: results can't be read any more from `keys_destroyed_at` on.
    results_expire_at: Time
    #: When the last result expires that has the person's name in the open: one of before names were
    #: sealed in results. Null: there is none.
    results_named_until: Time | None
    #: Whether keys are destroyed, workers have cleared their memory, and no result has the name in
    #: the open.
    complete: bool
    links: DeletionLinks


class DeletionList(Answer):
    """Deletions, the latest first."""

    items: tuple[DeletionAnswer, ...]
    next_cursor: str | None


class AuditEventAnswer(Answer):
    """Who did what: ids only."""

    id: str
    at: Time
    action: AuditAction
    #: A user's id; "" of what time made due.
    by: str
    #: Of the API key or session.
    credential_id: str
    #: The job or request that did it.
    cause: str
    person_ids: tuple[str, ...]
    detail: dict[str, str]


class AuditList(Answer):
    """A collection's events, the latest first."""

    items: tuple[AuditEventAnswer, ...]
    next_cursor: str | None


class TakenPersons(Answer):
    """What became of imported persons."""

    added: Count
    #: They were there with the same data.
    known: Count


class TakenFaces(Answer):
    """What became of imported faces."""

    added: Count
    #: They were imported before.
    known: Count
    #: Their persons have a face of the same photo.
    duplicate: Count
    #: Their persons have as many as they may.
    full: Count


class RejectedLine(Answer):
    """A line that was not taken."""

    #: From 1.
    line: Annotated[int, Field(ge=1)]
    code: str
    message: str


class ImportAnswer(Answer):
    """What became of an import."""

    lines: Count
    persons: TakenPersons
    faces: TakenFaces
    rejected: Count
    #: The first thousand.
    rejections: tuple[RejectedLine, ...]
    #: The collection's version afterwards; null where no face was added.
    version: int | None
