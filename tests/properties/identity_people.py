"""What the stores of known people should say, in plain Python: their reference."""

import dataclasses
from collections.abc import Iterable

from workers.identities.errors import (
    CollectionNotFound,
    ContractMismatch,
    ExternalIdTaken,
    PersonExists,
    PersonNotFound,
    RevisionMismatch,
    TooManyPersons,
)
from workers.identities.records import EmbeddingContract, FaceAdded, NewPerson

MOST_PERSONS = 3
MOST_FACES = 4


@dataclasses.dataclass(kw_only=True)
class ModelFace:
    """A face; its id is made of its name."""

    key: int
    photo: str
    added_ms: int
    #: Generation -> what its vector is made of.
    vectors: dict[int, str]


@dataclasses.dataclass(kw_only=True)
class ModelPerson:
    """A person."""

    data: NewPerson
    #: Stand for what their data are sealed under, and those of who was merged into them.
    keys: set[int]
    faces: list[str] = dataclasses.field(default_factory=list)
    revision: int = 1


@dataclasses.dataclass(kw_only=True)
class ModelCollection:
    """A collection."""

    owner: str
    id: str
    persons: dict[str, ModelPerson] = dataclasses.field(default_factory=dict)
    faces: dict[str, ModelFace] = dataclasses.field(default_factory=dict)
    #: Merged person -> whom they were merged into; deleted person -> "".
    left: dict[str, str] = dataclasses.field(default_factory=dict)
    contract: EmbeddingContract | None = None
    generation: int = 1
    generations: int = 1
    #: The job that changes the model, and the generation it makes.
    job: str = ""
    coming: int = 0
    coming_contract: EmbeddingContract | None = None
    switched: str = ""
    #: Leaf of a snapshot -> names of the faces in it.
    snapshots: dict[int, set[str]] = dataclasses.field(default_factory=dict)
    #: Keys that are to be destroyed, and leaves of snapshots.
    doomed: set[int] = dataclasses.field(default_factory=set)
    doomed_snapshots: set[int] = dataclasses.field(default_factory=set)

    def take_snapshots(self) -> None:
        """All snapshots are none any more."""
        self.doomed_snapshots |= set(self.snapshots)
        self.snapshots.clear()


class People:
    """All collections, and which keys are destroyed; changes of model are in `identity_model`."""

    def __init__(self) -> None:
        self.collections: dict[str, ModelCollection] = {}
        self.gone: set[str] = set()
        self.destroyed: set[int] = set()
        #: Collections all of whose keys are destroyed.
        self.wrecked: set[str] = set()
        self._keys = 0

    def new_key(self) -> int:
        """What something is sealed under."""
        self._keys += 1
        return self._keys

    def go_on_from(self, key: int) -> None:
        """Make no key a second time, though an old state was put back."""
        self._keys = key

    def of(self, uid: str) -> ModelCollection:
        """A collection. Raises CollectionNotFound."""
        if uid not in self.collections:
            raise CollectionNotFound
        return self.collections[uid]

    def person(self, uid: str, person_id: str) -> ModelPerson:
        """A person who can be read. Raises PersonNotFound."""
        found = self.of(uid).persons.get(person_id)
        if found is None or self.is_ghost(found):
            raise PersonNotFound
        return found

    def is_ghost(self, person: ModelPerson) -> bool:
        """Whether an old copy has brought back somebody who is forgotten."""
        return bool(person.keys & self.destroyed)

    def readable(self, uid: str) -> dict[str, tuple[str, str]]:
        """Face's name -> person and vector, of those whose key is there."""
        found = self.collections[uid]
        return {
            name: (person_id, found.faces[name].vectors[found.generation])
            for person_id, person in found.persons.items()
            for name in person.faces
            if found.faces[name].key not in self.destroyed
        }

    def destroy(self) -> None:
        """Destroy doomed keys."""
        self.wrecked |= self.gone
        for found in self.collections.values():
            self.destroyed |= found.doomed
            found.doomed.clear()
            found.doomed_snapshots.clear()

    # -- persons ----------------------------------------------------------------------------------

    def put(self, uid: str, new: NewPerson) -> bool:
        """Make a person; whether they are new."""
        found = self.of(uid)
        known = found.persons.get(new.id)
        if known and self.is_ghost(known):
            self.forget(uid, new.id)
        elif known:
            if known.data != new:
                raise PersonExists
            return False
        self._take_external(uid, new)
        if len(found.persons) >= MOST_PERSONS:
            raise TooManyPersons
        found.persons[new.id] = ModelPerson(data=new, keys={self.new_key()})
        found.left.pop(new.id, None)
        return True

    def _take_external(self, uid: str, new: NewPerson) -> None:
        for other_id, other in list(self.of(uid).persons.items()):
            if other_id != new.id and new.external_id == other.data.external_id != "":
                if not self.is_ghost(other):
                    raise ExternalIdTaken
                self.forget(uid, other_id)

    def change(self, uid: str, new: NewPerson, revision: int | None) -> None:
        """Replace a person's data."""
        person = self.person(uid, new.id)
        if person.data == new:
            return
        if revision not in {None, person.revision}:
            raise RevisionMismatch
        self._take_external(uid, new)
        person.data = new
        person.revision += 1

    def forget(self, uid: str, person_id: str) -> int:
        """Strike a person out with all faces; how many these were."""
        found = self.of(uid)
        person = found.persons[person_id]
        count = len(person.faces)
        self.forget_faces(uid, person_id, list(person.faces))
        found.doomed |= person.keys
        del found.persons[person_id]
        return count

    def delete(self, uid: str, person_id: str) -> int | None:
        """Delete a person; faces, or None: they were deleted before."""
        found = self.of(uid)
        if person_id not in found.persons:
            if found.left.get(person_id) != "":
                raise PersonNotFound
            return None
        found.left[person_id] = ""
        return self.forget(uid, person_id)

    def merge(self, uid: str, into: str, person_id: str) -> None:
        """Give a person's faces to another one."""
        found = self.of(uid)
        person = self.person(uid, into)
        other = found.persons.get(person_id)
        if into == person_id or (other is None and found.left.get(person_id) == into):
            return
        if other is None or self.is_ghost(other):
            raise PersonNotFound
        faces = [*person.faces, *other.faces]
        faces.sort(key=lambda name: found.faces[name].added_ms)
        gone = faces[: max(0, len(faces) - MOST_FACES)]
        self._doom_faces(uid, gone)
        person.faces = [name for name in faces if name not in gone]
        person.keys |= other.keys
        person.revision += 1
        del found.persons[person_id]
        found.left[person_id] = into

    # -- faces ------------------------------------------------------------------------------------

    def forget_faces(self, uid: str, person_id: str, names: list[str]) -> None:
        """Strike faces out of a person."""
        person = self.of(uid).persons[person_id]
        self._doom_faces(uid, names)
        person.faces = [name for name in person.faces if name not in names]

    def _doom_faces(self, uid: str, names: list[str]) -> None:
        found = self.of(uid)
        if names:
            found.take_snapshots()
        for name in names:
            found.doomed.add(found.faces.pop(name).key)

    def delete_face(self, uid: str, name: str) -> None:
        """Delete a face, if it is there."""
        for person_id, person in self.of(uid).persons.items():
            if name in person.faces:
                self.forget_faces(uid, person_id, [name])
                person.revision += 1
                return

    def add(
        self,
        uid: str,
        person_id: str,
        faces: Iterable[tuple[str, str]],
        contract: EmbeddingContract,
        now_ms: int,
    ) -> tuple[FaceAdded, ...]:
        """Add faces by name and photo; what became of them."""
        found = self.of(uid)
        person = self.person(uid, person_id)
        if found.contract not in {None, contract}:
            raise ContractMismatch
        faces, outcomes = list(faces), list[FaceAdded]()
        while True:
            found_now = [self._add(found, person, name, photo, now_ms) for name, photo in faces]
            if "added" in found_now:
                found.contract = contract
                person.revision += 1
            # By their first letters: what was added in an earlier round is known in this one.
            outcomes = list(map(min, outcomes or found_now, found_now))
            ghosts = [name for name in person.faces if found.faces[name].key in self.destroyed]
            if not ghosts or set(outcomes) == {"added"}:
                return tuple(outcomes)
            for name in ghosts:
                self.delete_face(uid, name)

    def _add(
        self, found: ModelCollection, person: ModelPerson, name: str, photo: str, now_ms: int
    ) -> FaceAdded:
        if name in found.faces:
            return "known"
        if photo and photo in {found.faces[one].photo for one in person.faces}:
            return "duplicate"
        if len(person.faces) >= MOST_FACES:
            return "full"
        found.faces[name] = ModelFace(
            key=self.new_key(), photo=photo, added_ms=now_ms, vectors={found.generation: name}
        )
        person.faces.append(name)
        return "added"
