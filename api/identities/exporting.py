"""What is known of people, as files: a collection to be imported elsewhere, a person's own data."""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from api.identities.vectors import of_float16
from api.identities.views import consent_answer, event_answer, face_answer
from api.offload import give_way
from api.outlet import Outlet
from api.services import Services
from api.timestamps import timestamp
from workers.errors import BlobMissing
from workers.identities.errors import PersonNotFound
from workers.identities.kept_images import KeptImage, KeptImages
from workers.identities.records import Collection, Face, Person
from workers.identities.trace_records import StoredAuditEvent

_PAGE = 100
_AUDIT_PAGE = 1000
#: First bytes of the photos that are taken, and how such files are called.
_KINDS = {b"\xff\xd8": "jpg", b"\x89P": "png", b"RI": "webp"}


def collection_lines(parts: Services, collection: Collection) -> Iterator[bytes]:
    """A collection, one JSON object a line: itself, each person before their faces, an end.

    What is enrolled or deleted meanwhile may be in it or not. Without its last line it broke off.
    """
    yield _line(_collection_head(collection))
    persons = faces = 0
    after: str | None = None
    while True:
        page = parts.identities.persons.list(collection.uid, limit=_PAGE, after=after)
        for person in page.items:
            persons += 1
            yield _line({"kind": "person", **_person(person)})
            for face in _faces(parts, collection, person):
                faces += 1
                yield _line({"kind": "face", **face})
            give_way()
        after = page.after
        if after is None:
            break
    yield _line({"kind": "end", "persons": persons, "faces": faces})


def _collection_head(collection: Collection) -> Mapping[str, Any]:
    """The first line of an export: what made the embeddings that follow."""
    contract = collection.contract
    return {
        "kind": "collection",
        "id": collection.id,
        "title": collection.settings.title,
        "contract": contract
        and {
            "model": contract.model,
            "sha256": contract.sha256,
            "preprocessing_version": contract.preprocessing_version,
            "dimensions": contract.dimensions,
        },
    }


def _person(person: Person) -> Mapping[str, Any]:
    consent = consent_answer(person.consent)
    return {
        "id": person.id,
        "name": person.name,
        "external_id": person.external_id,
        "metadata": dict(person.metadata),
        "consent": consent and consent.model_dump(mode="json"),
    }


def _faces(parts: Services, collection: Collection, person: Person) -> Iterator[Mapping[str, Any]]:
    persons = parts.identities.persons
    try:
        faces = persons.faces(collection.uid, person.id)
    except PersonNotFound:  # deleted or merged meanwhile
        return
    vectors = _vectors(parts, collection, faces)
    for face in faces:
        if face.id in vectors:
            yield {
                "id": face.id,
                "person_id": face.person_id,
                "embedding": of_float16(vectors[face.id]),
                "quality": face.quality,
                "source_sha256": face.source_sha256,
            }


def _vectors(parts: Services, collection: Collection, faces: Sequence[Face]) -> Mapping[str, bytes]:
    found = parts.identities.persons.vectors(collection.uid, [face.id for face in faces])
    return {one.face_id: one.vector for one in found}


def begun(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same, with its first part made: what fails until then is answered as any other fault."""
    return chain([next(parts, b"")], parts)


def person_archive(parts: Services, collection: Collection, person: Person) -> Iterator[bytes]:
    """A ZIP of everything stored of a person: data and embeddings, kept photos, audit."""
    outlet = Outlet()
    faces = parts.identities.persons.faces(collection.uid, person.id)
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED) as archive:
        for face in faces:
            if photo := _photo(parts, face):
                kind = _KINDS.get(photo[:2], "bin")
                archive.writestr(
                    f"photos/{face.id}.{kind}", photo, compress_type=zipfile.ZIP_STORED
                )
                yield outlet.empty()
        told = _told(parts, collection, person, faces)
        archive.writestr("person.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")
        yield outlet.empty()
        with archive.open("audit.ndjson", "w") as file:
            for event in _events(parts, collection, person):
                file.write(_line(event_answer(event).model_dump(mode="json")))
        yield outlet.empty()
    yield outlet.empty()


def _told(
    parts: Services, collection: Collection, person: Person, faces: Sequence[Face]
) -> Mapping[str, Any]:
    vectors = _vectors(parts, collection, faces)
    return {
        "collection": _collection_head(collection),
        **_person(person),
        "created_at": timestamp(person.created_ms),
        "updated_at": timestamp(person.updated_ms),
        "faces": [
            {
                **face_answer(face).model_dump(mode="json"),
                "embedding": of_float16(vectors[face.id]) if face.id in vectors else None,
            }
            for face in faces
        ],
    }


def _photo(parts: Services, face: Face) -> bytes | None:
    """A kept photo; None where none is kept, or it is deleted meanwhile."""
    if not face.image_key:
        return None
    images = KeptImages(parts.identity_blobs, parts.identities.forgetting)
    try:
        return images.read(KeptImage(key=face.image_key, secret=face.image_secret))
    except BlobMissing:
        return None


def _events(parts: Services, collection: Collection, person: Person) -> Iterator[StoredAuditEvent]:
    """Everything that was done with a person, the latest first."""
    before: str | None = None
    while True:
        page = parts.identities.forgetting.audited(collection.uid, limit=_AUDIT_PAGE, before=before)
        yield from (one for one in page.items if person.id in one.event.person_ids)
        before = page.after
        if before is None:
            return
        give_way()


def _line(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"
