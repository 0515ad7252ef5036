"""Errors of known people: part of the family of `workers.errors`.

IdentityError
├── CollectionNotFound       no such collection of that owner
├── CollectionExists         the id is taken by a collection with other settings
├── TooManyCollections       the owner has as many as the settings allow
├── ContractMismatch         the embeddings are another model's
├── RevisionMismatch         somebody else has changed the record meanwhile
├── PersonNotFound           no such person
├── PersonExists             the id is taken by a person with other data
├── ExternalIdTaken          another person has that external id
├── TooManyPersons           the collection is full
├── FaceNotFound             no such face
├── ConsentMissing           the collection takes no face of a person without consent
├── ReembeddingUnderWay      the model is being changed already
├── CertificateNotFound      no such certificate of deletion
├── KeyDestroyed             the key was destroyed: what it sealed is forgotten
├── SealBroken               what was sealed has been changed, or is another collection's
└── VaultUnavailable         the key vault can't be read or written
"""

from workers.errors import WorkersError


class IdentityError(WorkersError):
    """Something about known people could not be done."""


class CollectionNotFound(IdentityError):
    """There is no such collection."""


class CollectionExists(IdentityError):
    """There is a collection of that id with other settings. Change it, or choose another id."""


class TooManyCollections(IdentityError):
    """You have as many collections as this server allows. Delete one."""


class ContractMismatch(IdentityError):
    """The embeddings are another model's than the collection's."""


class RevisionMismatch(IdentityError):
    """It has been changed meanwhile. Read it again and decide anew."""


class PersonNotFound(IdentityError):
    """There is no such person in the collection."""


class PersonExists(IdentityError):
    """There is a person of that id with other data. Change them, or choose another id."""


class ExternalIdTaken(IdentityError):
    """Another person of the collection has that external id."""


class TooManyPersons(IdentityError):
    """The collection has as many persons as it may."""


class FaceNotFound(IdentityError):
    """There is no such face in the collection."""


class ConsentMissing(IdentityError):
    """The collection takes no face of a person without a consent record that holds."""


class ReembeddingUnderWay(IdentityError):
    """The collection's model is being changed. Wait for its end, or cancel it."""


class CertificateNotFound(IdentityError):
    """There is no such certificate."""


class KeyDestroyed(IdentityError):
    """The key was destroyed, so what it sealed can't be read any more."""


class SealBroken(IdentityError):
    """What was sealed has been changed, or belongs to another collection."""


class VaultUnavailable(IdentityError):
    """The key vault can't be read or written now."""
