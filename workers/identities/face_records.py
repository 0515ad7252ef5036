"""Persons and faces as the scripts keep them: what is in the open, and what is sealed.

In the open lies what scripts decide by: leaves, counts, times, keyed tags, ids. The formats are
those of `lua/prelude.lua`.
"""

import json
import struct
from dataclasses import dataclass

from workers.identities.records import Consent, Face, FaceVector, NewFace, NewPerson, Person

#: Of a face in a person's record: 16 bytes of its id, 8 of the tag of its photo.
FACE_BYTES = 24
ID_BYTES = 16
#: Stands for the tag of no photo.
NO_PHOTO = bytes(FACE_BYTES - ID_BYTES)
#: Hexadecimal digits of the tag of an external id: 128 bits.
TAG_DIGITS = 32
_FACE_PREFIX = "face_"
#: Before a face's texts: quality (NaN: unknown), and how many bytes the texts have.
_DETAILS = struct.Struct("<dH")
#: What is sealed of a face of which nothing is known.
NO_DETAILS = _DETAILS.pack(float("nan"), 3) + b"\n\n\n"
_PERSON_FIELDS = 10
_FACE_FIELDS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonRecord:
    """What lies in the open of a person, and the rest as it is sealed."""

    leaf: int
    revision: int
    created_ms: int
    updated_ms: int
    enrolled_ms: int | None
    face_ids: tuple[str, ...]
    sealed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceRecord:
    """The same of a face."""

    leaf: int
    added_ms: int
    person_id: str
    sealed: bytes


def id_bytes(face_id: str) -> bytes | None:
    """The 16 bytes of a face's id; None: it is none."""
    digits = face_id.removeprefix(_FACE_PREFIX)
    if len(digits) != 2 * ID_BYTES or digits == face_id:
        return None
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return None


def face_ids_of(flat: bytes, width: int = ID_BYTES) -> tuple[str, ...]:
    """Ids of faces that lie behind each other, each at the beginning of `width` bytes."""
    starts = range(0, len(flat), width)
    return tuple(_FACE_PREFIX + flat[start : start + ID_BYTES].hex() for start in starts)


def person_record(record: bytes) -> PersonRecord:
    """A person's record as scripts keep it."""
    leaf, _, revision, created, updated, enrolled, _, _, _, count, rest = record.split(
        b"\n", _PERSON_FIELDS
    )
    end = int(count) * FACE_BYTES
    return PersonRecord(
        leaf=int(leaf),
        revision=int(revision),
        created_ms=int(created),
        updated_ms=int(updated),
        enrolled_ms=int(enrolled) if enrolled else None,
        face_ids=face_ids_of(rest[:end], FACE_BYTES),
        sealed=rest[end:],
    )


def face_record(record: bytes) -> FaceRecord:
    """A face's record as scripts keep it."""
    leaf, added, person_id, sealed = record.split(b"\n", _FACE_FIELDS)
    return FaceRecord(
        leaf=int(leaf), added_ms=int(added), person_id=person_id.decode(), sealed=sealed
    )


def consent_ms(new: NewPerson) -> int:
    """Until when there is consent, as scripts keep it: 0 for none, -1 without end."""
    if new.consent is None:
        return 0
    return -1 if new.consent.expires_ms is None else new.consent.expires_ms


def person_plain(new: NewPerson) -> bytes:
    """What is sealed of a person."""
    consent = new.consent
    told = {
        "name": new.name,
        "external_id": new.external_id,
        "metadata": dict(new.metadata),
        "consent": consent
        and [consent.given_ms, consent.purpose, consent.evidence, consent.expires_ms],
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True).encode()


def new_person_of(person_id: str, plain: bytes) -> NewPerson:
    """And back: a person as their client described them."""
    told = json.loads(plain)
    consent = None
    if told["consent"]:
        given_ms, purpose, evidence, expires_ms = told["consent"]
        consent = Consent(
            given_ms=given_ms, purpose=purpose, evidence=evidence, expires_ms=expires_ms
        )
    return NewPerson(
        id=person_id,
        name=told["name"],
        external_id=told["external_id"],
        metadata=told["metadata"],
        consent=consent,
    )


def person_of(new: NewPerson, record: PersonRecord) -> Person:
    """A person as the store tells them."""
    return Person(
        id=new.id,
        leaf=record.leaf,
        name=new.name,
        external_id=new.external_id,
        metadata=new.metadata,
        consent=new.consent,
        faces=len(record.face_ids),
        revision=record.revision,
        created_ms=record.created_ms,
        updated_ms=record.updated_ms,
        enrolled_ms=record.enrolled_ms,
    )


def face_plain(face: NewFace) -> bytes:
    """What is sealed of a face: details, then the vector."""
    parts = (face.source_sha256, face.origin, face.added_by, face.image_secret)
    texts = "\n".join(parts).encode()
    quality = float("nan") if face.quality is None else face.quality
    return _DETAILS.pack(quality, len(texts)) + texts + face.vector


def with_vector(plain: bytes, vector: bytes) -> bytes:
    """What is sealed of a face, with another vector."""
    return plain[: _texts_end(plain)] + vector


def face_of(face_id: str, record: FaceRecord, plain: bytes, image_key: str) -> Face:
    """A face as the store tells it."""
    quality, _ = _DETAILS.unpack_from(plain)
    texts = plain[_DETAILS.size : _texts_end(plain)].decode()
    source_sha256, origin, added_by, image_secret = texts.split("\n")
    return Face(
        id=face_id,
        person_id=record.person_id,
        quality=None if quality != quality else quality,  # noqa: PLR0124 - only NaN is unlike itself
        source_sha256=source_sha256,
        origin=origin,
        added_by=added_by,
        added_ms=record.added_ms,
        image_key=image_key,
        image_secret=image_secret if image_key else "",
    )


def vector_of(face_id: str, record: FaceRecord, plain: bytes) -> FaceVector:
    """A face's vector."""
    return FaceVector(
        face_id=face_id, person_id=record.person_id, vector=plain[_texts_end(plain) :]
    )


def _texts_end(plain: bytes) -> int:
    _, length = _DETAILS.unpack_from(plain)
    return _DETAILS.size + int(length)
