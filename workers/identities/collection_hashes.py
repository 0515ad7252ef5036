"""Collections, certificates and events as the scripts keep them, and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from workers.identities.records import (
    Calibration,
    Collection,
    CollectionSettings,
    EmbeddingContract,
    Reembedding,
)
from workers.identities.trace_records import AuditEvent, Certificate

#: What a newer version has written and this one does not know is passed over.
_SETTINGS: Final = TypeAdapter(CollectionSettings)
_CALIBRATION: Final = TypeAdapter(Calibration)
_EVENT: Final = TypeAdapter(AuditEvent)


def pairs(flat: Sequence[bytes]) -> dict[str, str]:
    """Fields of a hash as a script answers it: name, value, name, value."""
    told = [part.decode() for part in flat]
    return dict(zip(told[::2], told[1::2], strict=True))


def settings_args(settings: CollectionSettings) -> list[str]:
    """Fields of a collection's hash: the settings, and apart what the scripts ask for."""
    retention = settings.retention_seconds
    fields = {
        "settings": _SETTINGS.dump_json(settings).decode(),
        "most_persons": str(settings.most_persons),
        "most_faces": str(settings.most_faces_per_person),
        "consent_required": str(int(settings.consent_required)),
        "retention_ms": "" if retention is None else str(retention * 1000),
    }
    return [part for field in fields.items() for part in field]


def contract_text(contract: EmbeddingContract) -> str:
    """A contract as it is stored: two are equal if their texts are."""
    parts = [contract.model, contract.sha256, contract.preprocessing_version, contract.dimensions]
    return json.dumps(parts)


def contract_of(text: str) -> EmbeddingContract | None:
    """And back; None for ""."""
    if not text:
        return None
    model, sha256, preprocessing_version, dimensions = json.loads(text)
    return EmbeddingContract(
        model=model,
        sha256=sha256,
        preprocessing_version=preprocessing_version,
        dimensions=dimensions,
    )


def calibration_text(calibration: Calibration) -> str:
    """A calibration as it is stored."""
    return _CALIBRATION.dump_json(calibration).decode()


def collection_of(uid: str, view: Sequence[Any]) -> Collection:
    """The collection of a script's view: flat hash, persons, faces, vectors of the next model."""
    flat, persons, faces, done = view
    fields = pairs(flat)
    calibration = fields.get("calibration")
    return Collection(
        uid=uid,
        id=fields["id"],
        owner=fields["owner"],
        model=fields.get("model"),
        contract=contract_of(fields.get("contract", "")),
        settings=_SETTINGS.validate_json(fields["settings"]),
        calibration=_CALIBRATION.validate_json(calibration) if calibration else None,
        generation=int(fields["generation"]),
        reembedding=_reembedding_of(fields, done),
        persons=persons,
        faces=faces,
        version=int(fields["version"]),
        revision=int(fields["revision"]),
        keys_version=int(fields["keys_version"]),
        created_ms=int(fields["created_ms"]),
        updated_ms=int(fields["updated_ms"]),
    )


def _reembedding_of(fields: Mapping[str, str], done: int) -> Reembedding | None:
    if "next_generation" not in fields:
        return None
    return Reembedding(
        model=fields.get("next_model"),
        contract=contract_of(fields.get("next_contract", "")),
        generation=int(fields["next_generation"]),
        done=done,
        started_ms=int(fields["next_started_ms"]),
        job_id=fields["next_job"],
    )


def event_text(event: AuditEvent) -> str:
    """An audited event as it is stored."""
    return _EVENT.dump_json(event).decode()


def event_of(text: bytes) -> AuditEvent:
    """And back."""
    return _EVENT.validate_json(text)


def certificate_of(id_: str, flat: Sequence[bytes]) -> Certificate:
    """The certificate of a hash."""
    fields = pairs(flat)
    destroyed, cleared = fields.get("keys_destroyed_ms"), fields.get("workers_cleared_ms")
    sealed = fields.get("results_sealed_ms")
    return Certificate(
        id=id_,
        owner=fields["owner"],
        collection_uid=fields["collection_uid"],
        collection_id=fields["collection_id"],
        person_id=fields["person_id"] or None,
        faces=int(fields["faces"]),
        deleted_ms=int(fields["deleted_ms"]),
        version=int(fields["version"]),
        keys_destroyed_ms=int(destroyed) if destroyed else None,
        workers_cleared_ms=int(cleared) if cleared else None,
        results_expire_ms=int(fields["results_expire_ms"]),
        results_sealed_ms=int(sealed) if sealed else None,
    )
