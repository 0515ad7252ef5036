"""Collections, persons and faces of users, made through the gateway's own stores."""

import hashlib
import struct
import uuid

from api.accounts.users import User
from api.services import Services
from workers.identities.records import (
    Collection,
    EmbeddingContract,
    NewCollection,
    NewFace,
    NewPerson,
)
from workers.identities.trace_records import AuditEvent

#: Of nobody's model: nothing is computed here.
CONTRACT = EmbeddingContract(
    model="sface", sha256="5" * 64, preprocessing_version="1", dimensions=4
)


def album_of(parts: Services, user: User) -> Collection:
    """A user's collection, made when it is not there."""
    digits = user.id.partition("_")[2]
    return parts.identities.collections.create(
        NewCollection(uid=f"col_{uuid.uuid4().hex}", id=f"album-{digits}", owner=user.id),
        most=100,
        audit=AuditEvent(action="collection.created", by=user.id),
    )


def person_of(parts: Services, user: User) -> str:
    """The id of a person in that collection, made when they are not there."""
    name = hashlib.sha256(user.id.encode()).hexdigest()[:32]
    person, _ = parts.identities.persons.put(
        album_of(parts, user).uid,
        NewPerson(id=f"person-{name}"),
        audit=AuditEvent(action="person.created", by=user.id),
    )
    return person.id


def face_of(parts: Services, user: User) -> str:
    """The id of a new face of that person."""
    face_id = f"face_{uuid.uuid4().hex}"
    face = NewFace(
        id=face_id,
        vector=struct.pack("<4e", 1, 0, 0, 0),
        quality=0.9,
        source_sha256=hashlib.sha256(face_id.encode()).hexdigest(),
        origin="import",
        added_by=user.id,
    )
    parts.identities.persons.add_faces(
        album_of(parts, user).uid,
        person_of(parts, user),
        [face],
        contract=CONTRACT,
        audit=AuditEvent(action="faces.imported", by=user.id),
    )
    return face_id


def deletion_of(parts: Services, user: User) -> str:
    """The id of the certificate of a person who was forgotten."""
    album, name = album_of(parts, user), f"gone-{uuid.uuid4().hex}"
    audit = AuditEvent(action="person.deleted", by=user.id)
    parts.identities.persons.put(album.uid, NewPerson(id=name), audit=audit)
    return parts.identities.persons.delete(album.uid, name, audit=audit).id
