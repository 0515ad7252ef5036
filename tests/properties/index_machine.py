"""Indexes of two processes beside what the store says, whatever happens in whatever order.

The reference compares every query with every face of the store; nothing of the index is in it.
"""

import dataclasses
import hashlib
import itertools
from functools import partial

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.properties.index_draws import CONTRACTS, direction, vector
from workers.blobs.store import MemoryBlobs
from workers.errors import BlobMissing, StoreUnavailable
from workers.identities.errors import ContractMismatch
from workers.identities.index.face_index import FaceIndex
from workers.identities.index.face_rows import face_numbers
from workers.identities.index.loaded import BELIEVED_SECONDS
from workers.identities.index.searcher import LocalSearcher
from workers.identities.index.snapshots import Snapshots, snapshot_key
from workers.identities.keys import VaultSeals
from workers.identities.memory_faces import MemoryFaces
from workers.identities.records import EmbeddingContract, FaceVector
from workers.identities.search import Found
from workers.identities.vault import MemoryVault

UID = "col_" + "1" * 32
PERSONS = ("ann", "bob", "cy", "dot")
#: With more faces than this codes choose, with fewer than half of it they go again.
EXACT_FACES = 6
WRITES = ("add", "remove", "again", "move", "reset", "trim")
PROCESSES = st.sampled_from(("one", "two"))
#: Who looks right after a change; "": nobody, so that changes come together.
SEEN = st.sampled_from(("one", "two", ""))


class IndexMachine(RuleBasedStateMachine):
    """A store, two processes with an index each, and their snapshots."""

    def __init__(self) -> None:
        super().__init__()
        self.faces = MemoryFaces()
        self.contract = CONTRACTS[1]
        self.blobs = MemoryBlobs()
        self.seals = VaultSeals(MemoryVault())
        self.seals.create(UID)
        self.now = 0.0
        self.numbers = itertools.count()
        self.backup: tuple[object, EmbeddingContract] | None = None
        self.processes: dict[str, LocalSearcher] = {}

    @initialize(contract=st.sampled_from(CONTRACTS))
    def begin(self, contract: EmbeddingContract) -> None:
        self.contract = contract
        self.faces.create(UID, contract)
        for name in ("one", "two"):
            self.processes[name] = self.start(name)

    def start(self, name: str) -> LocalSearcher:
        snapshots = Snapshots(
            self.blobs, self.seals, self.faces, exact_faces=EXACT_FACES, least_faces=1
        )
        return LocalSearcher(
            self.faces,
            self.faces,
            index_mb=64,
            exact_faces=EXACT_FACES,
            process=name,
            snapshots=snapshots,
            clock=lambda: self.now,
        )

    # What happens in the store.

    @rule(person=st.sampled_from(PERSONS), count=st.integers(1, 5), seen=SEEN)
    def enrol(self, person: str, count: int, seen: str) -> None:
        names = [f"{next(self.numbers)}" for _ in range(count)]
        self.faces.add(UID, [self.new_face(name, person) for name in names])
        self.see(seen)

    @rule(data=st.data(), seen=SEEN)
    def delete_faces(self, data: st.DataObject, seen: str) -> None:
        self.faces.remove(UID, self.some(data))
        self.see(seen)

    @rule(data=st.data(), person=st.sampled_from(PERSONS), seen=SEEN)
    def enrol_a_deleted_face_again(self, data: st.DataObject, person: str, seen: str) -> None:
        for face_id in self.some(data)[:1]:
            self.faces.remove(UID, [face_id])
            again = FaceVector(
                face_id=face_id, person_id=person, vector=vector(f"{face_id}x", self.contract)
            )
            self.faces.add(UID, [again])
        self.see(seen)

    @rule(source=st.sampled_from(PERSONS), into=st.sampled_from(PERSONS), seen=SEEN)
    def merge(self, source: str, into: str, seen: str) -> None:
        theirs = [one.face_id for one in self.faces.faces(UID).values() if one.person_id == source]
        self.faces.move(UID, theirs, into)
        self.see(seen)

    @rule(contract=st.sampled_from(CONTRACTS))
    def change_the_model(self, contract: EmbeddingContract) -> None:
        self.contract = dataclasses.replace(contract, sha256=f"{next(self.numbers):064x}")
        faces = self.faces.faces(UID)
        self.faces.reset(UID, self.contract, {one: vector(one, self.contract) for one in faces})

    @rule(keep=st.integers(1, 3))
    def trim_the_log(self, keep: int) -> None:
        self.faces.trim(UID, keep=keep)

    @rule()
    def back_up(self) -> None:
        self.backup = self.faces.backup(UID), self.contract

    @precondition(lambda self: self.backup is not None)
    @rule()
    def put_the_backup_back(self) -> None:
        assert self.backup is not None
        backup, self.contract = self.backup
        self.faces.restore(UID, backup)

    # What happens to processes and snapshots.

    @rule(name=PROCESSES)
    def restart(self, name: str) -> None:
        self.processes[name].close()
        self.processes[name] = self.start(name)

    @rule(name=PROCESSES)
    def keep(self, name: str) -> None:
        self.processes[name].keep()
        loaded = self.processes[name]._loaded.get(UID)
        if loaded is not None and loaded._told_version is not None:
            assert self.faces.followers(UID)[name] == self.faces.head(UID).place.version
            self.check_memory(name)

    @rule(name=PROCESSES)
    def write_a_snapshot(self, name: str) -> None:
        self.processes[name].save(at_once=True)

    @rule(place=st.floats(0, 1, exclude_max=True))
    def damage_the_snapshot(self, place: float) -> None:
        try:
            content = bytearray(self.blobs.get(snapshot_key(UID)))
        except BlobMissing:
            return
        content[int(place * len(content))] ^= 1
        self.blobs.put(snapshot_key(UID), bytes(content))

    @rule(name=PROCESSES)
    def lose_the_store_for_long(self, name: str) -> None:
        self.faces.is_away = True
        try:
            self.search(name, "q")
        except StoreUnavailable:
            pass
        else:
            raise AssertionError("An answer without the store.")
        self.now += BELIEVED_SECONDS
        self.processes[name].keep()
        assert self.processes[name].loaded().get(UID, 0) == 0
        self.faces.is_away = False

    # What is found.

    @rule(name=PROCESSES, query=st.integers(0, 50), persons=st.integers(1, 5))
    def identify(self, name: str, query: int, persons: int) -> None:
        found = self.search(name, f"{query}", persons)

        assert name in self.faces.followers(UID)
        assert found.version == self.faces.head(UID).place.version
        assert found.faces == len(self.faces.faces(UID))
        wanted = self.expected(f"{query}")[:persons]
        told = [(one.person_id, one.face_id) for one in found.candidates[0]]
        assert told == [(person, face_id) for _, person, face_id in wanted]
        assert np.allclose(
            [one.similarity for one in found.candidates[0]], [one[0] for one in wanted], atol=1e-6
        )
        self.check_memory(name)

    @rule(
        name=PROCESSES,
        is_new=st.booleans(),
        writes=st.lists(st.sampled_from(WRITES), min_size=1, max_size=5),
        data=st.data(),
    )
    def identify_while_others_write(
        self, name: str, is_new: bool, writes: list[str], data: st.DataObject
    ) -> None:
        if is_new:
            self.restart(name)
        told: set[tuple[str, str]] = self.pairs()

        def write(kind: str) -> None:
            self.write(kind, data)
            told.update(self.pairs())

        self.faces.meanwhile = [partial(write, kind) for kind in writes]
        try:
            found = self.search(name, "0", 4)
        except ContractMismatch:
            assert "reset" in writes
        else:
            assert {(one.face_id, one.person_id) for one in found.candidates[0]} <= told
        self.faces.meanwhile = []
        self.identify(name=name, query=0, persons=4)

    @invariant()
    def nothing_is_told_that_was_not_followed(self) -> None:
        if self.processes:
            head = self.faces.head(UID).place.version
            for version in self.faces.followers(UID).values():
                assert version <= head or self.backup is not None

    def write(self, kind: str, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(PERSONS))
        if kind == "add":
            self.enrol(person=person, count=2, seen="")
        elif kind == "remove":
            self.delete_faces(data=data, seen="")
        elif kind == "again":
            self.enrol_a_deleted_face_again(data=data, person=person, seen="")
        elif kind == "move":
            self.faces.move(UID, self.some(data), person)
        elif kind == "reset":
            self.change_the_model(contract=data.draw(st.sampled_from(CONTRACTS)))
        else:
            self.trim_the_log(keep=1)

    def pairs(self) -> set[tuple[str, str]]:
        return {(one.face_id, one.person_id) for one in self.faces.faces(UID).values()}

    def see(self, name: str) -> None:
        if name:
            self.identify(name=name, query=0, persons=2)

    def search(self, name: str, query: str, persons: int = 3) -> Found:
        queries = direction(self.contract.model + query, self.contract.dimensions)[np.newaxis]
        return self.processes[name].search(UID, queries, contract=self.contract, persons=persons)

    def expected(self, query: str) -> list[tuple[float, str, str]]:
        """Every person's most similar face, the most similar person first."""
        wanted = direction(self.contract.model + query, self.contract.dimensions)
        best: dict[str, tuple[float, str, str]] = {}
        for face in self.faces.faces(UID).values():
            similarity = float(np.frombuffer(face.vector, "<f2").astype(np.float32) @ wanted)
            known = best.get(face.person_id)
            if known is None or similarity > known[0]:
                best[face.person_id] = similarity, face.person_id, face.face_id
        return sorted(best.values(), key=lambda one: (-one[0], one[1]))

    def check_memory(self, name: str) -> None:
        """What a process has in memory is what the store has, and zeros."""
        index = self.index(name)
        faces = self.faces.faces(UID)
        if index is None:
            assert not faces
            return
        contents = index.contents()
        order = [face_numbers([one])[0].tolist() for one in faces]
        assert sorted(order) == sorted(contents.ids.tolist())
        whose = {
            tuple(pair): contents.persons[one]
            for pair, one in zip(contents.ids.tolist(), contents.whose, strict=True)
        }
        assert all(
            whose[tuple(face_numbers([one])[0].tolist())] == face.person_id
            for one, face in faces.items()
        )
        everything = np.concatenate(
            [np.zeros((0, index.dimensions)), *(block[:1000] for block in index._vectors._blocks)]
        )
        assert not everything[len(faces) :].any()
        assert sorted(row.astype("<f2").tobytes() for row in everything[: len(faces)]) == sorted(
            face.vector for face in faces.values()
        )

    def index(self, name: str) -> FaceIndex | None:
        return self.processes[name]._loaded[UID].follower.index

    def new_face(self, name: str, person: str) -> FaceVector:
        face_id = "face_" + hashlib.sha256(name.encode()).hexdigest()[:32]
        return FaceVector(face_id=face_id, person_id=person, vector=vector(face_id, self.contract))

    def some(self, data: st.DataObject) -> list[str]:
        known = sorted(self.faces.faces(UID))
        if not known:
            return []
        return data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=4, unique=True))
