"""Records of known people as answers."""

import time
from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from api.answers.collections import (
    CalibratedPointAnswer,
    CalibratedSearchAnswer,
    CalibrationAnswer,
    CollectionAnswer,
    CollectionLinks,
    ContractAnswer,
    LevelAnswer,
    LevelsAnswer,
    LimitsAnswer,
    ReembeddingAnswer,
    ThresholdPolicyAnswer,
    UnsupportedAnswer,
)
from api.answers.keeping import AuditEventAnswer, DeletionAnswer, DeletionLinks
from api.answers.persons import ConsentAnswer, FaceAnswer, PersonAnswer, PersonLinks
from api.identities.naming_batches import ResultsLeft
from api.identities.responses import json_response
from api.timestamps import timestamp
from models.spec import VerificationThresholds
from workers.identities.records import (
    CalibratedPoint,
    Calibration,
    Collection,
    Consent,
    EmbeddingContract,
    Face,
    Person,
    Reembedding,
)
from workers.identities.thresholds import collection_thresholds
from workers.identities.trace_records import Certificate, StoredAuditEvent


def collection_answer(
    collection: Collection, presets: Mapping[str, VerificationThresholds]
) -> CollectionAnswer:
    """A collection.

    Args:
        collection: As the store knows it.
        presets: Measured thresholds by model, as the catalogue has them.
    """
    settings, policy = collection.settings, collection.settings.thresholds
    return CollectionAnswer(
        id=collection.id,
        title=settings.title,
        model=collection.model,
        contract=_contract(collection.contract),
        quality=settings.quality,
        thresholds=ThresholdPolicyAnswer(
            source=policy.source,
            far=policy.far,
            fpir=policy.fpir,
            similarity=policy.similarity,
            margin=policy.margin,
        ),
        levels=_levels(collection, presets),
        keep_images=settings.keep_images,
        consent_required=settings.consent_required,
        liveness_required=settings.liveness_required,
        retention_seconds=settings.retention_seconds,
        limits=LimitsAnswer(
            persons=settings.most_persons, faces_per_person=settings.most_faces_per_person
        ),
        calibration=_calibration(collection.calibration),
        reembedding=_reembedding(collection.reembedding),
        persons=collection.persons,
        faces=collection.faces,
        version=collection.version,
        revision=collection.revision,
        created_at=_time(collection.created_ms),
        updated_at=_time(collection.updated_ms),
        links=_collection_links(collection.id),
    )


def _collection_links(collection_id: str) -> CollectionLinks:
    return CollectionLinks(
        self=url_for("collections.read", collection_id=collection_id),
        persons=url_for("persons.read_all", collection_id=collection_id),
        identify=url_for("identify.identify", collection_id=collection_id),
        export=url_for("collection_files.export", collection_id=collection_id),
        audit=url_for("collections.read_audit", collection_id=collection_id),
    )


def _levels(
    collection: Collection, presets: Mapping[str, VerificationThresholds]
) -> LevelsAnswer | None:
    if collection.contract is None:
        return None
    rules = collection_thresholds(collection, collection.contract, presets)
    return LevelsAnswer(
        points=tuple(
            LevelAnswer(
                far=point.far,
                similarity=point.similarity,
                tar=point.tar,
                far_limit=min(1.0, point.far_limit),
            )
            for point in rules.points
        ),
        origin=rules.origin,
    )


def _contract(contract: EmbeddingContract | None) -> ContractAnswer | None:
    if contract is None:
        return None
    return ContractAnswer(
        model=contract.model,
        sha256=contract.sha256,
        preprocessing_version=contract.preprocessing_version,
        dimensions=contract.dimensions,
    )


def _calibration(calibration: Calibration | None) -> CalibrationAnswer | None:
    if calibration is None:
        return None
    contract = _contract(calibration.contract)
    assert contract is not None  # noqa: S101 - for the type checker
    return CalibrationAnswer(
        points=tuple(map(_calibrated_point, calibration.points)),
        unsupported=tuple(
            UnsupportedAnswer(far=far, reason=reason) for far, reason in calibration.unsupported
        ),
        genuine_pairs=calibration.genuine_pairs,
        impostor_pairs=calibration.impostor_pairs,
        persons=calibration.persons,
        measured_at=_time(calibration.measured_ms),
        at_version=calibration.at_version,
        contract=contract,
        searches=tuple(
            CalibratedSearchAnswer(
                fpir=search.fpir,
                similarity=search.similarity,
                measured=search.measured,
                faces=search.faces,
            )
            for search in calibration.searches
        ),
    )


def _calibrated_point(point: CalibratedPoint) -> CalibratedPointAnswer:
    return CalibratedPointAnswer(
        far=point.far,
        similarity=point.similarity,
        far_low=point.far_low,
        far_high=point.far_high,
        tar=point.tar,
        tar_low=point.tar_low,
        tar_high=point.tar_high,
    )


def _reembedding(reembedding: Reembedding | None) -> ReembeddingAnswer | None:
    if reembedding is None:
        return None
    return ReembeddingAnswer(
        model=reembedding.model,
        contract=_contract(reembedding.contract),
        done=reembedding.done,
        started_at=_time(reembedding.started_ms),
        job_id=reembedding.job_id,
    )


def person_answer(collection_id: str, person: Person) -> PersonAnswer:
    """A person."""
    names: dict[str, Any] = {"collection_id": collection_id, "person_id": person.id}
    return PersonAnswer(
        id=person.id,
        name=person.name,
        external_id=person.external_id,
        metadata=dict(person.metadata),
        consent=consent_answer(person.consent),
        faces=person.faces,
        revision=person.revision,
        created_at=_time(person.created_ms),
        updated_at=_time(person.updated_ms),
        enrolled_at=timestamp(person.enrolled_ms),
        links=PersonLinks(
            self=url_for("persons.read", **names),
            faces=url_for("faces.read_all", **names),
            verify=url_for("identify.verify", **names),
            export=url_for("person_files.export", **names),
        ),
    )


def consent_answer(consent: Consent | None) -> ConsentAnswer | None:
    """A consent record; None where there is none."""
    if consent is None:
        return None
    return ConsentAnswer(
        given_at=_time(consent.given_ms),
        purpose=consent.purpose,
        evidence=consent.evidence,
        expires_at=timestamp(consent.expires_ms),
    )


def face_answer(face: Face) -> FaceAnswer:
    """An enrolled face, without its embedding."""
    return FaceAnswer(
        id=face.id,
        person_id=face.person_id,
        quality=face.quality,
        source_sha256=face.source_sha256,
        origin=face.origin,
        added_by=face.added_by,
        added_at=_time(face.added_ms),
        has_image=bool(face.image_key),
    )


def deletion_answer(certificate: Certificate, left: ResultsLeft) -> DeletionAnswer:
    """A deletion, as far as it has got.

    Args:
        certificate: Of the deletion.
        left: See `naming_batches.results_left`.
    """
    gone = (certificate.keys_destroyed_ms, certificate.workers_cleared_ms)
    named_until_ms = left.named_until_ms
    is_named = named_until_ms is not None and time.time_ns() // 1_000_000 < named_until_ms
    return DeletionAnswer(
        id=certificate.id,
        collection_id=certificate.collection_id,
        person_id=certificate.person_id,
        faces=certificate.faces,
        deleted_at=_time(certificate.deleted_ms),
        keys_destroyed_at=timestamp(certificate.keys_destroyed_ms),
        workers_cleared_at=timestamp(certificate.workers_cleared_ms),
        results_expire_at=_time(left.expire_ms),
        results_named_until=timestamp(named_until_ms),
        complete=not is_named and None not in gone,
        links=DeletionLinks(self=url_for("deletions.read", deletion_id=certificate.id)),
    )


def deletion_response(certificate: Certificate, left: ResultsLeft) -> Response:
    """A deletion, with its address; see `deletion_answer`."""
    answer = deletion_answer(certificate, left)
    response = json_response(answer)
    response.headers["Location"] = answer.links.self
    return response


def event_answer(stored: StoredAuditEvent) -> AuditEventAnswer:
    """An audited event."""
    event = stored.event
    return AuditEventAnswer(
        id=stored.id,
        at=_time(stored.at_ms),
        action=event.action,
        by=event.by,
        credential_id=event.credential_id,
        cause=event.cause,
        person_ids=event.person_ids,
        detail=dict(event.detail),
    )


def _time(milliseconds: int) -> str:
    told = timestamp(milliseconds)
    assert told is not None  # noqa: S101 - for the type checker
    return told
