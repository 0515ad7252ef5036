"""From bodies to records: what is not sent stays as it is."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from api.errors import ApiError
from api.identities.bodies import (
    CollectionBody,
    CollectionChanges,
    ConsentBody,
    LimitsBody,
    PersonChanges,
    ThresholdsBody,
)
from workers.identities.records import (
    Calibration,
    CollectionSettings,
    Consent,
    NewPerson,
    Person,
    ThresholdPolicy,
)

#: How far ahead of ours a client's clock or calendar may be: dates go round the world in a day.
_AHEAD = timedelta(days=1)
_PLAIN = ("title", "quality", "keep_images", "consent_required", "liveness_required")


def collection_id_of(body: CollectionBody) -> str:
    """The id that was sent, or one that nobody can guess."""
    return body.id or f"collection_{uuid.uuid4().hex}"


def changed_settings(
    present: CollectionSettings, body: CollectionChanges, calibration: Calibration | None
) -> CollectionSettings:
    """Settings with what was sent.

    Raises:
        ApiError: what comes of it means nothing.
    """
    given: dict[str, Any] = {
        name: value for name in _PLAIN if (value := getattr(body, name)) is not None
    }
    if "retention_seconds" in body.model_fields_set:
        given["retention_seconds"] = body.retention_seconds
    limits = body.limits or LimitsBody()
    if limits.persons is not None:
        given["most_persons"] = limits.persons
    if limits.faces_per_person is not None:
        given["most_faces_per_person"] = limits.faces_per_person
    thresholds = _thresholds(present.thresholds, body.thresholds or ThresholdsBody(), calibration)
    return replace(present, thresholds=thresholds, **given)


def _thresholds(
    present: ThresholdPolicy, body: ThresholdsBody, calibration: Calibration | None
) -> ThresholdPolicy:
    policy = replace(present, **body.model_dump(exclude_none=True))
    if policy.source == "fixed" and policy.similarity is None:
        detail = "thresholds.similarity: a fixed threshold needs one."
        raise ApiError("validation_error", detail, field="thresholds.similarity")
    if body.source == "calibrated" and calibration is None:
        detail = "thresholds.source: the collection was not calibrated. Calibrate it first."
        raise ApiError("validation_error", detail, field="thresholds.source")
    return policy


def new_person(person_id: str | None, body: PersonChanges) -> NewPerson:
    """A person as they were sent; an id that nobody can guess where none was."""
    return NewPerson(
        id=person_id or f"person_{uuid.uuid4().hex}",
        name=body.name or "",
        external_id=body.external_id or "",
        metadata=body.metadata or {},
        consent=consent_of(body.consent),
    )


def changed_person(present: Person, body: PersonChanges) -> NewPerson:
    """A person's data with what was sent; null takes away."""
    sent = new_person(present.id, body)
    kept = NewPerson(
        id=present.id,
        name=present.name,
        external_id=present.external_id,
        metadata=present.metadata,
        consent=present.consent,
    )
    return replace(kept, **{name: getattr(sent, name) for name in body.model_fields_set - {"id"}})


def consent_of(body: ConsentBody | None) -> Consent | None:
    """The record of a consent.

    Raises:
        ApiError: it ends before it begins, or is yet to be given.
    """
    if body is None:
        return None
    if body.given_at > datetime.now(UTC) + _AHEAD:
        detail = "consent.given_at: it lies in the future."
        raise ApiError("validation_error", detail, field="consent.given_at")
    if body.expires_at is not None and body.expires_at <= body.given_at:
        detail = "consent.expires_at: it ends before it was given."
        raise ApiError("validation_error", detail, field="consent.expires_at")
    return Consent(
        given_ms=_milliseconds(body.given_at),
        purpose=body.purpose,
        evidence=body.evidence,
        expires_ms=None if body.expires_at is None else _milliseconds(body.expires_at),
    )


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
