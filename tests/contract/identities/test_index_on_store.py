"""Indexes of two processes have in memory what the stores have, whatever happens."""

import random
from collections.abc import Callable

import numpy as np
import pytest

from tests.contract.identities.gallery import (
    CONTRACT,
    NOTED,
    OTHER_CONTRACT,
    Gallery,
    face_id,
    old_copy,
    put_back,
    vector,
)
from workers.blobs.store import MemoryBlobs
from workers.identities.errors import PersonNotFound
from workers.identities.index.searcher import LocalSearcher
from workers.identities.index.snapshots import Snapshots
from workers.identities.records import EmbeddingContract, FaceVector
from workers.identities.search import Found

PEOPLE = ("ann", "bob", "cy", "dot", "eve")


class Walk:
    """A collection to which things happen, and two processes that search it."""

    def __init__(self, it: Gallery, *, seed: int) -> None:
        self.it = it
        self.dice = random.Random(seed)  # noqa: S311 - no secret
        self.uid = it.collection().uid
        self.contract = CONTRACT
        self.names: dict[str, str] = {}
        self.number = 0
        self.blobs = MemoryBlobs()
        self.processes = {name: self.start(name) for name in ("one", "two")}
        self.copy = old_copy(it), self.contract

    def start(self, name: str) -> LocalSearcher:
        stores = self.it.stores
        snapshots = Snapshots(self.blobs, self.it.seals, stores.log, exact_faces=100, least_faces=1)
        return LocalSearcher(
            stores.log,
            stores.persons,
            index_mb=64,
            exact_faces=100,
            process=f"{name}:1",
            snapshots=snapshots,
        )

    def enrol(self) -> None:
        person = self.dice.choice(PEOPLE)
        self.it.person(self.uid, person)
        self.number += 1
        names = [f"{person}{self.number}.{photo}" for photo in range(self.dice.randint(1, 3))]
        self.names |= {face_id(name): name for name in names}
        self.it.add(self.uid, person, *names, contract=self.contract)

    def delete_a_face(self) -> None:
        there = sorted(self.it.all_vectors(self.uid))
        if there:
            self.it.stores.persons.delete_face(self.uid, self.dice.choice(there), audit=NOTED)

    def delete_a_person(self) -> None:
        self.asked(
            lambda: self.it.stores.persons.delete(self.uid, self.dice.choice(PEOPLE), audit=NOTED)
        )

    def merge(self) -> None:
        into, person_id = self.dice.sample(PEOPLE, 2)
        self.asked(
            lambda: self.it.stores.persons.merge(
                self.uid, into=into, person_id=person_id, audit=NOTED
            )
        )

    def change_the_model(self) -> None:
        self.number += 1
        stores, job = self.it.stores.reembedding, f"job_{self.number}"
        new = OTHER_CONTRACT if self.contract == CONTRACT else CONTRACT
        there = self.it.all_vectors(self.uid).values()
        if not there:
            return
        stores.begin(self.uid, model=None, job_id=job)
        vectors = [
            FaceVector(
                face_id=one.face_id,
                person_id=one.person_id,
                vector=vector(new.model + one.face_id),
            )
            for one in there
        ]
        stores.add_vectors(self.uid, job, vectors, contract=new)
        # What an old copy put back and nobody can open any more.
        for left in stores.pending(self.uid, job, limit=1000):
            self.it.stores.persons.delete_face(self.uid, left.id, audit=NOTED)
        assert stores.switch(self.uid, job, audit=NOTED)
        self.contract = new

    def destroy_keys(self) -> None:
        self.it.destroy_keys()

    def copy_the_store(self) -> None:
        self.copy = old_copy(self.it), self.contract

    def put_the_copy_back(self) -> None:
        # About every second. One that had not followed a deletion yet would hold on to the face,
        # and the last look into the store not name it: docs/explanation/forgetting.md.
        for process in self.processes.values():
            process.keep()
        copy, self.contract = self.copy
        put_back(self.it, copy)

    def restart(self) -> None:
        name = self.dice.choice(sorted(self.processes))
        self.processes[name].close()
        self.processes[name] = self.start(name)

    def save(self) -> None:
        self.dice.choice(list(self.processes.values())).save(at_once=True)

    def look(self) -> None:
        self.check(self.dice.choice(sorted(self.processes)))

    def asked(self, call: Callable[[], object]) -> None:
        try:
            call()
        except PersonNotFound:
            return

    def search(self, name: str) -> Found:
        queries = np.full((1, 4), 0.5, np.float32)
        return self.processes[name].search(
            self.uid, queries, contract=self.contract, persons=len(PEOPLE)
        )

    def check(self, name: str) -> None:
        """Compare what a process has in memory with what the store has."""
        found = self.search(name)
        stored = {
            (one.face_id, one.person_id, one.vector)
            for one in self.it.all_vectors(self.uid).values()
        }
        index = self.processes[name]._loaded[self.uid].follower.index
        held = set()
        if index is not None:
            contents, vectors = index.contents(), index.block(0, len(index))
            held = {
                (f"face_{high:016x}{low:016x}", contents.persons[person], one.tobytes())
                for (high, low), person, one in zip(
                    contents.ids.tolist(), contents.whose, vectors, strict=True
                )
            }
        assert held == stored
        assert {one.person_id for one in found.candidates[0]} == {one[1] for one in stored}
        assert found.version == self.it.stores.log.head(self.uid).place.version


STEPS = (
    *[Walk.enrol] * 6,
    *[Walk.look] * 4,
    *[Walk.delete_a_face] * 2,
    *[Walk.save] * 2,
    *[Walk.restart] * 2,
    Walk.merge,
    Walk.delete_a_person,
    Walk.destroy_keys,
    Walk.change_the_model,
    Walk.copy_the_store,
    Walk.put_the_copy_back,
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_anything_that_may_happen_indexes_have_what_the_store_has(
    it: Gallery, seed: int
) -> None:
    walk = Walk(it, seed=seed)

    for _ in range(100):
        walk.dice.choice(STEPS)(walk)
    for name in walk.processes:
        walk.check(name)


def test_a_deleted_collection_is_searched_by_nobody(it: Gallery) -> None:
    walk = Walk(it, seed=1)
    walk.enrol()
    walk.look()

    it.stores.collections.delete(walk.uid, audit=NOTED)
    for process in walk.processes.values():
        process.keep()

    assert all(process.loaded() == {} for process in walk.processes.values())


def test_the_index_that_a_process_has_is_what_certificates_wait_for(it: Gallery) -> None:
    walk = Walk(it, seed=1)
    it.known(walk.uid, "ann", "bob")
    for name in walk.processes:
        walk.check(name)
        walk.processes[name].keep()
    certificate = it.stores.persons.delete(walk.uid, "ann", audit=NOTED)

    def cleared() -> int | None:
        it.stores.forgetting.reconcile(limit=100)
        return it.stores.forgetting.certificate("ada", certificate.id).workers_cleared_ms

    assert cleared() is None
    walk.processes["one"].keep()
    assert cleared() is None
    walk.processes["two"].keep()
    assert cleared() is not None


def test_the_model_of_an_empty_collection_is_that_of_its_first_face(it: Gallery) -> None:
    walk = Walk(it, seed=1)
    contracts: list[EmbeddingContract | None] = [walk.search("one").contract]

    it.known(walk.uid, "ann")
    contracts.append(walk.search("one").contract)

    assert contracts == [None, CONTRACT]
