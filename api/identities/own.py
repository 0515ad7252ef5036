"""Collections and persons of the caller's; anybody else's are answered as if there were none."""

import uuid

from api.endpoint import principal
from api.identities.auditing import audit_event
from api.principal import Principal
from api.services import Services
from workers.identities.errors import CollectionNotFound, FaceNotFound, PersonNotFound
from workers.identities.records import (
    CLIENT_ID,
    DEFAULT_COLLECTION,
    FACE_ID,
    Collection,
    Face,
    NewCollection,
    Person,
)


def own_collection(
    parts: Services, collection_id: str, caller: Principal | None = None
) -> Collection:
    """The caller's collection of that id; the default one is made when it is first asked for.

    Args:
        parts: Of the gateway.
        collection_id: The owner's name for it.
        caller: Who asks; that of the current request when not given.

    Raises:
        CollectionNotFound: there is none that the caller may know of.
    """
    owner = caller or principal()
    try:
        return known_collection(parts, collection_id, owner)
    except CollectionNotFound:
        if collection_id != DEFAULT_COLLECTION:
            raise
    return parts.identities.collections.create(
        NewCollection(uid=new_uid(), id=DEFAULT_COLLECTION, owner=owner.user_id),
        most=parts.settings.collections_per_user,
        audit=audit_event("collection.created", owner),
    )


def known_collection(parts: Services, collection_id: str, caller: Principal) -> Collection:
    """The same, and nothing is made.

    Raises:
        CollectionNotFound: there is none that the caller may know of.
    """
    if not CLIENT_ID.fullmatch(collection_id):
        raise CollectionNotFound(
            "There is no such collection: ids are 1 to 64 letters, digits and . _ -"
        )
    try:
        return parts.identities.collections.get(caller.user_id, collection_id)
    except CollectionNotFound:
        raise CollectionNotFound(f"You have no collection '{collection_id}'.") from None


def new_uid() -> str:
    """A name for a collection that nobody can guess."""
    return f"col_{uuid.uuid4().hex}"


def own_person(parts: Services, collection: Collection, person_id: str) -> Person:
    """A person of a collection.

    Raises:
        PersonNotFound: there is none.
    """
    if not CLIENT_ID.fullmatch(person_id):
        raise PersonNotFound("There is no such person: ids are 1 to 64 letters, digits and . _ -")
    try:
        return parts.identities.persons.get(collection.uid, person_id)
    except PersonNotFound:
        raise PersonNotFound(
            f"There is no person '{person_id}' in the collection '{collection.id}'."
        ) from None


def own_face(parts: Services, collection: Collection, face_id: str) -> Face:
    """A face of a collection.

    Raises:
        FaceNotFound: there is none.
    """
    if not FACE_ID.fullmatch(face_id):
        raise FaceNotFound("There is no such face: ids are `face_` and 32 hexadecimal digits.")
    try:
        return parts.identities.persons.face(collection.uid, face_id)
    except FaceNotFound:
        raise FaceNotFound(
            f"There is no face '{face_id}' in the collection '{collection.id}'."
        ) from None
