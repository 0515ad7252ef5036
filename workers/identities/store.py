"""The store of record for known people: the ports `workers.identities.redis_*` implement.

Two more are in `forgetting_store` and `reembedding_store`.

Every call is atomic and may be repeated without harm; times are the store's own. Every method
raises StoreUnavailable when the store does not answer in time (a write may have happened then), and
VaultUnavailable where something has to be sealed or opened and the keys can't be had. Methods that
take a collection's uid raise CollectionNotFound when there is none: a deleted collection is none.
"""

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from workers.identities.log_records import FacePage, LoggedChange, LogHead, LogPlace
from workers.identities.records import (
    AddedFaces,
    Calibration,
    Collection,
    CollectionSettings,
    EmbeddingContract,
    Face,
    FaceVector,
    NewCollection,
    NewFace,
    NewPerson,
    Person,
)
from workers.identities.seen import NOTHING_SEEN, Seen
from workers.identities.trace_records import AuditEvent, Certificate

#: Most records a page has, and most faces one call takes.
MOST_LISTED = 1000
#: Most changes of the log one call reads.
MOST_CHANGES = 10_000


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """Part of a list."""

    items: Sequence[T]
    #: Where the next part begins; None: there is none.
    after: str | None


class CollectionStore(Protocol):
    """Collections and what concerns them as a whole."""

    def create(self, new: NewCollection, *, most: int, audit: AuditEvent) -> Collection:
        """Make a collection and its keys; one of the same id, model and settings is given back.

        Raises:
            CollectionExists: the owner's id is taken by another one.
            TooManyCollections: the owner has `most` already.
        """
        ...

    def get(self, owner: str, id_: str) -> Collection:
        """An owner's collection by the owner's name for it."""
        ...

    def by_uid(self, uid: str) -> Collection:
        """A collection by its uid."""
        ...

    def list(self, owner: str, *, limit: int, after: str | None = None) -> Page[Collection]:
        """An owner's collections by their ids."""
        ...

    def change(
        self, uid: str, settings: CollectionSettings, *, revision: int | None, audit: AuditEvent
    ) -> Collection:
        """Replace the settings; with those that are there already nothing changes.

        Raises:
            RevisionMismatch: `revision` is given and is not the present one.
        """
        ...

    def calibrated(self, uid: str, calibration: Calibration, *, audit: AuditEvent) -> Collection:
        """Keep what was measured, with `source` of the thresholds left as it is.

        Raises:
            ContractMismatch: the collection's embeddings are another model's by now.
        """
        ...

    def delete(self, uid: str, *, audit: AuditEvent) -> Certificate:
        """Forget a collection with everything in it, at once; repeated, the same certificate."""
        ...


class PersonStore(Protocol):
    """Persons and their faces."""

    def put(self, uid: str, new: NewPerson, *, audit: AuditEvent) -> tuple[Person, bool]:
        """Make a person; one with the same data is given back. The flag says whether it is new.

        Raises:
            PersonExists: the id is taken by a person with other data.
            ExternalIdTaken: another person has it.
            TooManyPersons: the collection is full.
        """
        ...

    def get(self, uid: str, person_id: str) -> Person:
        """A person. Raises PersonNotFound."""
        ...

    def by_external_id(self, uid: str, external_id: str) -> Person:
        """A person by the client's own key. Raises PersonNotFound."""
        ...

    def list(self, uid: str, *, limit: int, after: str | None = None) -> Page[Person]:
        """Persons in the order they were made."""
        ...

    def change(
        self, uid: str, new: NewPerson, *, revision: int | None, audit: AuditEvent
    ) -> Person:
        """Replace a person's data; with the data that are there already nothing changes.

        Raises:
            PersonNotFound: there is none of that id.
            RevisionMismatch: `revision` is given and is not the present one.
            ExternalIdTaken: another person has it.
        """
        ...

    def merge(self, uid: str, *, into: str, person_id: str, audit: AuditEvent) -> Person:
        """Give one person's faces to another and forget the first; repeated, nothing changes.

        Name, external id, metadata and consent of `into` stay as they are. Faces beyond the
        collection's limit are forgotten, the oldest first. In old copies of the store the person
        can be read until `into` is deleted.

        Raises:
            PersonNotFound: there is no `into`, or no `person_id` that is, or was merged into it.
            ConsentMissing: `person_id` has faces; see CollectionSettings.consent_required.
        """
        ...

    def delete(self, uid: str, person_id: str, *, audit: AuditEvent) -> Certificate:
        """Forget a person at once; repeated, the same certificate.

        Raises:
            PersonNotFound: there is none of that id, and none was deleted.
        """
        ...

    def expire(self, uid: str, person_id: str, *, audit: AuditEvent) -> Certificate | None:
        """Forget a person if their retention is over; None: it is not (any more)."""
        ...

    def add_faces(
        self,
        uid: str,
        person_id: str,
        faces: Sequence[NewFace],
        *,
        contract: EmbeddingContract,
        seen: Seen = NOTHING_SEEN,
        audit: AuditEvent,
    ) -> AddedFaces:
        """Enrol faces: all of the call that may be, in one step.

        The collection's first face fixes its contract.

        Args:
            uid: Of the collection.
            person_id: Whose faces.
            faces: At most MOST_LISTED. A kept photo must have been announced: of one that was not,
                or too long ago, the face is added without it.
            contract: What made the vectors.
            seen: What has to hold still.
            audit: What to note if any was added.

        Raises:
            PersonNotFound: there is no such person (any more), or it is another one.
            ContractMismatch: the collection's embeddings are another model's.
            ConsentMissing: see CollectionSettings.consent_required.
        """
        ...

    def faces(self, uid: str, person_id: str) -> Sequence[Face]:
        """A person's faces, the oldest first. Raises PersonNotFound."""
        ...

    def face(self, uid: str, face_id: str) -> Face:
        """A face. Raises FaceNotFound."""
        ...

    def delete_face(self, uid: str, face_id: str, *, audit: AuditEvent) -> None:
        """Forget a face at once. Forgetting an unknown one changes nothing."""
        ...

    def vectors(self, uid: str, face_ids: Sequence[str]) -> Sequence[FaceVector]:
        """Vectors of the present generation, of those faces that are (still) there."""
        ...

    def resolve(self, uid: str, face_ids: Some[str]) -> Mapping[str, Person]:
        """By face id the person it belongs to at this moment; faces that are gone are left out.

        Asked last of all, right before somebody is named: what was deleted is never told.
        """
        ...


class FaceLog(Protocol):
    """What indexes follow."""

    def head(self, uid: str) -> LogHead:
        """Where the log ends at this moment."""
        ...

    def changes(
        self, uid: str, after: LogPlace, *, limit: int = MOST_CHANGES
    ) -> Sequence[LoggedChange] | None:
        """What came after a place, in order; None: that place is not in the log (any more).

        Then the reader starts anew: `head`, then all of `scan`, then the changes after that head.
        """
        ...

    def scan(self, uid: str, *, cursor: str = "", limit: int = MOST_LISTED) -> FacePage:
        """All vectors, part by part, while others may change them."""
        ...

    def followed(self, uid: str, process: str, version: int, *, ttl_seconds: float) -> None:
        """Note that a process holds an index in memory that has followed so far.

        Args:
            uid: Of the collection.
            process: Host and process id.
            version: How far; -1: it holds none any more.
            ttl_seconds: For how long to believe it without another word.
        """
        ...

    def take_leaf(self, uid: str) -> int:
        """A number for a key of its own, for a snapshot; it counts as one from now on."""
        ...

    def snapshot_leaves(self, uid: str) -> Some[int]:
        """The leaves that snapshots may have.

        A snapshot with another one is no good: it holds somebody who was deleted, or the store was
        put back from an old copy that does not know it.
        """
        ...
