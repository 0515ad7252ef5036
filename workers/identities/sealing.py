"""Sealing and opening the records of persons and faces, and fresh leaves to seal them under."""

from collections.abc import Iterator
from contextlib import contextmanager

from workers.identities.errors import IdentityError, KeyDestroyed
from workers.identities.face_records import (
    NO_PHOTO,
    TAG_DIGITS,
    FaceRecord,
    PersonRecord,
    new_person_of,
    person_plain,
)
from workers.identities.records import NewPerson
from workers.identities.scripts import IdentityScripts, not_found


class Sealing:
    """What adapters seal and open, of any collection.

    Args:
        scripts: They give out leaves, and have the keys.
    """

    def __init__(self, scripts: IdentityScripts) -> None:
        self._scripts = scripts
        self._seals = scripts.seals

    def fresh_leaves(self, uid: str, count: int = 1, *, is_snapshot: bool = False) -> list[int]:
        """Leaves nobody has had and whose keys are there.

        In a store that was put back from an old copy the count is an old one too, so some of the
        next leaves may have been destroyed.

        Raises:
            CollectionNotFound: there is none (any more), or its keys are destroyed.
        """
        found: list[int] = []
        least = 0
        while len(found) < count:
            outcome, told = self._scripts.about(
                "leaf_take", uid, least, count - len(found), int(is_snapshot)
            )
            if outcome == "full":
                raise IdentityError(f"Collection '{uid}' has no keys left.")
            first = int(told[0])
            taken = range(first, first + count - len(found))
            found += [leaf for leaf in taken if self.is_there(uid, leaf)]
            least = self._next_leaf(uid, taken.stop)
        return found

    def is_there(self, uid: str, leaf: int) -> bool:
        """Whether a leaf's key was not destroyed."""
        return self._next_leaf(uid, leaf) == leaf

    def _next_leaf(self, uid: str, leaf: int) -> int:
        with self.whole():
            return self._seals.next_leaf(uid, leaf)

    def tag(self, uid: str, text: str) -> str:
        """A keyed digest, 32 hexadecimal digits.

        Raises:
            CollectionNotFound: the collection's keys are destroyed.
        """
        with self.whole():
            return self._seals.tag(uid, text)[:TAG_DIGITS]

    def external_tag(self, uid: str, external_id: str) -> str:
        """The tag by which a person is found; "" for none."""
        return self.tag(uid, f"external {external_id}") if external_id else ""

    def photo_tag(self, uid: str, source_sha256: str) -> bytes:
        """The tag by which a photo is known again."""
        if not source_sha256:
            return NO_PHOTO
        return bytes.fromhex(self.tag(uid, f"photo {source_sha256}"))[: len(NO_PHOTO)]

    @contextmanager
    def whole(self) -> Iterator[None]:
        """For calls that fail for want of a key only when all of the collection's are destroyed."""
        try:
            yield
        except KeyDestroyed as error:
            raise not_found() from error

    def seal_person(self, uid: str, leaf: int, new: NewPerson) -> bytes:
        """Seal a person's data. Raises KeyDestroyed."""
        return self._seals.seal(uid, leaf, person_plain(new), purpose=f"person {new.id}")

    def open_person(self, uid: str, person_id: str, record: PersonRecord) -> NewPerson | None:
        """A person's data; None: their key was destroyed."""
        try:
            plain = self._seals.open(uid, record.leaf, record.sealed, purpose=f"person {person_id}")
        except KeyDestroyed:
            return None
        return new_person_of(person_id, plain)

    def seal_face(self, uid: str, leaf: int, face_id: str, generation: int, plain: bytes) -> bytes:
        """Seal a face's record. Raises KeyDestroyed."""
        return self._seals.seal(uid, leaf, plain, purpose=f"face {face_id} {generation}")

    def open_face(
        self, uid: str, face_id: str, record: FaceRecord, generation: int
    ) -> bytes | None:
        """A face's record; None: its key was destroyed."""
        try:
            return self._seals.open(
                uid, record.leaf, record.sealed, purpose=f"face {face_id} {generation}"
            )
        except KeyDestroyed:
            return None
