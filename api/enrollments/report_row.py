"""One photo of an enrolment as its report tells of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workers.batches.records import Item, ItemState

#: What became of a photo. duplicate: the person had a face of the same photo before.
Outcome = Literal["enrolled", "duplicate", "refused", "waiting", "cancelled"]
_WITHOUT_END: Mapping[ItemState, Outcome] = {
    ItemState.PENDING: "waiting",
    ItemState.RUNNING: "waiting",
    ItemState.CANCELLED: "cancelled",
    ItemState.FAILED: "refused",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """What is told of a photo; "" and None where there is nothing to tell."""

    #: In the order they came, from 1.
    number: int
    file: str
    #: Whom it shows; "" where nothing said so.
    person_id: str
    state: ItemState
    outcome: Outcome
    #: Why it was refused.
    code: str
    message: str
    retryable: bool
    face_id: str
    #: How well the face can be recognised, 0 to 1.
    quality: float | None
    #: What is to be known of it although it was enrolled.
    warnings: tuple[str, ...]
    #: Somebody else whom the face resembles, and how much: cosine.
    similar_person_id: str
    similarity: float | None


#: Columns of the table.
COLUMNS = tuple(name for name in ReportRow.__slots__ if name != "retryable")


def report_row(item: Item) -> ReportRow:
    """What is told of an item."""
    found: Mapping[str, Any] = json.loads(item.result_json) if item.result_json else {}
    similar = found.get("similar_to") or {}
    return ReportRow(
        number=item.number,
        file=item.custom_id,
        person_id=item.subject,
        state=item.state,
        outcome=_outcome(item.state, found),
        code=item.error.code if item.error else "",
        message=item.error.message if item.error else found.get("message", ""),
        retryable=item.error is not None and item.error.retryable,
        face_id=found.get("face_id") or "",
        quality=found.get("quality_score"),
        warnings=tuple(found.get("warnings", ())),
        similar_person_id=similar.get("person_id", ""),
        similarity=similar.get("similarity"),
    )


def refusal(row: ReportRow) -> dict[str, Any]:
    """A row of a refused photo as the report lists it."""
    names = ("number", "file", "person_id", "code", "message", "retryable", "quality")
    return _some(row, *names)


def conflict(row: ReportRow) -> dict[str, Any]:
    """A row of a photo that resembles somebody else, as the report lists it."""
    return _some(row, "number", "file", "person_id", "outcome", "face_id")


def _some(row: ReportRow, *names: str) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in names}
    similar = {"person_id": row.similar_person_id, "similarity": row.similarity}
    return {**told, "similar_to": similar if row.similar_person_id else None}


def _outcome(state: ItemState, found: Mapping[str, Any]) -> Outcome:
    if state is not ItemState.SUCCEEDED:
        return _WITHOUT_END[state]
    return "duplicate" if found.get("outcome") == "duplicate" else "enrolled"
