"""Faces of persons on Redis or Valkey: thin calls to `workers/identities/lua`."""

from collections.abc import Collection as Some
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.identities.collection_hashes import contract_text, event_text
from workers.identities.errors import ConsentMissing, ContractMismatch
from workers.identities.face_records import (
    FaceRecord,
    face_ids_of,
    face_of,
    face_plain,
    face_record,
    id_bytes,
    person_of,
    person_record,
    vector_of,
)
from workers.identities.records import (
    AddedFaces,
    EmbeddingContract,
    Face,
    FaceAdded,
    FaceVector,
    NewFace,
    Person,
)
from workers.identities.refusals import ATTEMPTS, COMPARISONS, busy, no_face, no_person
from workers.identities.scripts import IdentityScripts
from workers.identities.sealing import Sealing
from workers.identities.seen import NOTHING_SEEN, Compared, FacesCame, Seen
from workers.identities.store import MOST_LISTED
from workers.identities.trace_records import AuditEvent

#: Letters of faces that may be there already.
_NOT_ADDED = frozenset(b"kdf")
_OUTCOMES: Mapping[str, FaceAdded] = {"a": "added", "k": "known", "d": "duplicate", "f": "full"}


#: Of a face: id, tag of its photo, key of its kept photo, leaf, and what is sealed.
_Row = tuple[bytes, bytes, str, int, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Adding:
    """Faces that are sealed, and about to be written."""

    person_id: str
    #: Leaf of the person, contract and generation that are expected.
    head: tuple[str | int, ...]
    #: Generation they are sealed for.
    present: int
    event: str
    #: Each behind its face's id.
    rows: list[tuple[str, _Row]]

    @property
    def ids(self) -> frozenset[str]:
        """Of the faces."""
        return frozenset(face_id for face_id, _ in self.rows)


class RedisFaces:
    """The part of PersonStore that concerns faces.

    Args:
        scripts: With the keys of collections.
    """

    def __init__(self, scripts: IdentityScripts) -> None:
        self._scripts = scripts
        self._sealing = Sealing(scripts)

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
        """See PersonStore."""
        if len(faces) > MOST_LISTED:
            raise ValueError(f"More than {MOST_LISTED} faces at once.")
        before, compared = b"", seen.compared
        for _ in range(ATTEMPTS):
            present = self._generation_for(uid, person_id, seen.leaf)
            adding = _Adding(
                person_id=person_id,
                head=(_known(seen.leaf), contract_text(contract), _known(seen.generation)),
                present=present,
                event=event_text(audit),
                rows=self._rows(uid, faces, present),
            )
            outcome, told = self._added(uid, adding, compared)
            _refuse(outcome)
            faces = [face for face in faces if face.id in adding.ids]
            if outcome == "done":
                # What an earlier round has added, this one knows, and takes back no more.
                before, compared = bytes(map(min, before or told[0], told[0])), None
                if not self._purged(uid, person_id, before):
                    outcomes = tuple(_OUTCOMES[letter] for letter in before.decode())
                    return AddedFaces(outcomes=outcomes, version=int(told[1]))
        raise busy()

    def _added(
        self, uid: str, adding: "_Adding", compared: Compared | None
    ) -> tuple[str, Sequence[Any]]:
        """What the script answers once nothing has come that the faces were not compared with.

        What is sealed is sent again as it is: others who add have as little time as can be.
        """
        version = compared.version if compared else None
        left = COMPARISONS
        while left:
            rows = [part for _, row in adding.rows for part in row]
            args = (*adding.head, _known(version), adding.present, adding.event, *rows)
            outcome, told = self._scripts.about("faces_add", uid, adding.person_id, *args)
            if compared is None or outcome != "behind":
                return outcome, told
            version, is_latest, came = int(told[0]), told[1], told[2]
            vectors = self._came(uid, came, adding.present)
            wanted = compared.hold_against(FacesCame(vectors=vectors, version=version))
            adding.rows[:] = [one for one in adding.rows if one[0] in wanted]
            # Much is told part by part: only who has seen all was overtaken since.
            left -= is_latest
        raise busy()

    def _came(self, uid: str, flat: Sequence[bytes], generation: int) -> Sequence[FaceVector]:
        """Faces of an answer: id and record of each."""
        found = []
        for place in range(0, len(flat), 2):
            [face_id], record = face_ids_of(flat[place]), face_record(flat[place + 1])
            plain = self._sealing.open_face(uid, face_id, record, generation)
            if plain is not None:
                found.append(vector_of(face_id, record, plain))
        return found

    def _generation_for(self, uid: str, person_id: str, leaf: int | None) -> int:
        """The collection's generation, if the person is there, is meant, and can be opened."""
        outcome, told = self._scripts.about("person_generation", uid, person_id)
        if outcome == "free":
            raise no_person()
        record = person_record(told[0])
        is_meant = leaf in {None, record.leaf}
        if not is_meant or not self._sealing.open_person(uid, person_id, record):
            raise no_person()
        return int(told[1])

    def _rows(self, uid: str, faces: Sequence[NewFace], generation: int) -> list[tuple[str, _Row]]:
        """What `faces_add` takes of each face, behind its id."""
        rows: list[tuple[str, _Row]] = []
        leaves = self._sealing.fresh_leaves(uid, len(faces))
        for face, leaf in zip(faces, leaves, strict=True):
            plain = face_plain(face)
            with self._sealing.whole():
                sealed = self._sealing.seal_face(uid, leaf, face.id, generation, plain)
            tag = self._sealing.photo_tag(uid, face.source_sha256)
            rows.append((face.id, (_id(face.id), tag, face.image_key, leaf, sealed)))
        return rows

    def _purged(self, uid: str, person_id: str, letters: bytes) -> bool:
        """Strike out faces whose keys were destroyed, where some may have been taken for known.

        An old copy of the store brings such ones back.

        Returns:
            Whether there were any.
        """
        if not set(letters) & _NOT_ADDED:
            return False
        outcome, told = self._scripts.about("person_faces", uid, person_id)
        if outcome == "free":
            return False
        generation, *rest = told[1:]
        purged = False
        for face_id, row in zip(person_record(told[0]).face_ids, rest[::2], strict=True):
            record = face_record(row)
            if self._sealing.open_face(uid, face_id, record, int(generation)) is None:
                self._scripts.about("face_delete", uid, _id(face_id), record.leaf, "")
                purged = True
        return purged

    def faces(self, uid: str, person_id: str) -> Sequence[Face]:
        """See PersonStore."""
        outcome, told = self._scripts.about("person_faces", uid, person_id)
        if outcome == "free":
            raise no_person()
        if self._sealing.open_person(uid, person_id, person_record(told[0])) is None:
            raise no_person()
        return tuple(
            face_of(face_id, record, plain, image)
            for face_id, record, plain, image in self._opened_faces(
                uid, person_record(told[0]).face_ids, told[1:]
            )
        )

    def face(self, uid: str, face_id: str) -> Face:
        """See PersonStore."""
        for known_id, record, plain, image in self._read(uid, [face_id]):
            return face_of(known_id, record, plain, image)
        raise no_face()

    def vectors(self, uid: str, face_ids: Sequence[str]) -> Sequence[FaceVector]:
        """See PersonStore."""
        return tuple(
            vector_of(face_id, record, plain)
            for face_id, record, plain, _ in self._read(uid, face_ids)
        )

    def _read(
        self, uid: str, face_ids: Sequence[str]
    ) -> Iterator[tuple[str, FaceRecord, bytes, str]]:
        known = [face_id for face_id in face_ids if id_bytes(face_id)]
        _, told = self._scripts.about("faces_read", uid, *(_id(face_id) for face_id in known))
        return self._opened_faces(uid, known, told)

    def _opened_faces(
        self, uid: str, face_ids: Sequence[str], told: Sequence[Any]
    ) -> Iterator[tuple[str, FaceRecord, bytes, str]]:
        """Faces of an answer (generation, then record and image key of each) that are there."""
        generation, *rest = told
        for place, face_id in enumerate(face_ids):
            if not rest[2 * place]:
                continue
            record, image = face_record(rest[2 * place]), rest[2 * place + 1].decode()
            plain = self._sealing.open_face(uid, face_id, record, int(generation))
            if plain is not None:
                yield face_id, record, plain, image

    def delete_face(self, uid: str, face_id: str, *, audit: AuditEvent) -> None:
        """See PersonStore."""
        if id_ := id_bytes(face_id):
            self._scripts.about("face_delete", uid, id_, "", event_text(audit))

    def resolve(self, uid: str, face_ids: Some[str]) -> Mapping[str, Person]:
        """See PersonStore."""
        known = [face_id for face_id in face_ids if id_bytes(face_id)]
        _, [owners, *rest] = self._scripts.about("faces_resolve", uid, *map(_id, known))
        persons: dict[bytes, Person] = {}
        for place in range(0, len(rest), 2):
            person_id, record = rest[place].decode(), person_record(rest[place + 1])
            if new := self._sealing.open_person(uid, person_id, record):
                persons[rest[place]] = person_of(new, record)
        found = zip(known, owners[::2], owners[1::2], strict=True)
        return {
            face_id: persons[owner]
            for face_id, owner, leaf in found
            if owner in persons and self._sealing.is_there(uid, int(leaf))
        }


def _known(number: int | None) -> int | str:
    return "" if number is None else number


def _refuse(outcome: str) -> None:
    """Raise what an outcome stands for; none of "moved": then it is tried again."""
    if outcome == "free":
        raise no_person()
    if outcome == "mismatch":
        raise ContractMismatch
    if outcome == "no_consent":
        raise ConsentMissing
    if outcome == "lost":
        raise busy()


def _id(face_id: str) -> bytes:
    """The bytes of an id.

    Raises:
        ValueError: it is none.
    """
    found = id_bytes(face_id)
    if found is None:
        raise ValueError(f"'{face_id}' is no face's id.")
    return found
