"""Which faces a collection is measured on: all, or of whole persons always the same part."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from workers.identities.calibration_sample import CollectionSample, read_sample
from workers.identities.log_records import FacePage
from workers.identities.memory_faces import EXAMPLE_CONTRACT, MemoryFaces
from workers.identities.records import FaceVector

UID = "col_" + "1" * 32


def face(person: int, number: int) -> FaceVector:
    rng = np.random.default_rng(person * 1000 + number)
    vector = rng.normal(size=EXAMPLE_CONTRACT.dimensions).astype("<f2")
    return FaceVector(
        face_id=f"face_{person:016x}{number:016x}", person_id=f"p{person}", vector=vector.tobytes()
    )


def store_of(faces: Sequence[FaceVector]) -> MemoryFaces:
    store = MemoryFaces()
    store.create(UID)
    for one in faces:
        store.add(UID, [one])
    return store


def sample(store: MemoryFaces, *, most_faces: int = 10_000) -> CollectionSample:
    found = read_sample(store, UID, is_wanted=lambda: True, most_faces=most_faces)
    assert found is not None
    return found


def test_a_small_collection_is_read_whole() -> None:
    store = store_of([face(person, number) for person in range(5) for number in range(3)])

    found = sample(store)

    assert Counter(found.sample.persons) == {f"p{person}": 3 for person in range(5)}
    np.testing.assert_allclose(np.linalg.norm(found.sample.vectors, axis=1), 1, atol=1e-3)
    assert (found.faces, found.version, found.contract) == (15, 15, EXAMPLE_CONTRACT)


def test_each_vector_stays_with_its_person() -> None:
    faces = [face(person, number) for person in range(5) for number in range(3)]
    found = sample(store_of(faces)).sample

    for person, vector in zip(found.persons, found.vectors, strict=True):
        theirs = [
            np.frombuffer(f.vector, "<f2").astype(np.float32)
            for f in faces
            if f.person_id == person
        ]
        assert max(float(one @ vector / np.linalg.norm(one)) for one in theirs) > 0.999


def test_of_a_large_collection_whole_persons_are_taken_until_there_are_faces_enough() -> None:
    store = store_of([face(person, number) for person in range(300) for number in range(4)])

    found = sample(store, most_faces=100)

    assert set(Counter(found.sample.persons).values()) == {4}
    assert len(found.sample.persons) == 100
    assert found.faces == 1200


def test_the_same_persons_are_taken_whatever_the_order_they_come_in() -> None:
    faces = [face(person, number) for person in range(300) for number in range(4)]

    class Backwards(MemoryFaces):
        def scan(self, uid: str, *, cursor: str = "", limit: int = 100) -> FacePage:
            page = super().scan(uid, limit=100_000)
            at = int(cursor or "0")
            left = list(reversed(page.vectors))[at : at + limit]
            # A face may come twice.
            return FacePage(vectors=(*left, *left[:1]), cursor=str(at + limit) if left else "")

    store = Backwards()
    store.create(UID)
    for one in faces:
        store.add(UID, [one])

    backwards, forwards = sample(store, most_faces=100), sample(store_of(faces), most_faces=100)

    assert backwards.sample.persons == forwards.sample.persons
    np.testing.assert_array_equal(backwards.sample.vectors, forwards.sample.vectors)


def test_a_collection_without_faces_has_no_sample() -> None:
    assert read_sample(store_of([]), UID, is_wanted=lambda: True) is None


def test_a_collection_whose_last_face_goes_meanwhile_has_no_sample() -> None:
    class Leaving(MemoryFaces):
        """Its only face is deleted before it is read."""

        def scan(self, uid: str, *, cursor: str = "", limit: int = 1000) -> FacePage:
            self.remove(uid, list(self.faces(uid)))
            return super().scan(uid, cursor=cursor, limit=limit)

    store = Leaving()
    store.create(UID)
    store.add(UID, [face(1, 1)])

    assert read_sample(store, UID, is_wanted=lambda: True) is None


def test_reading_stops_when_nobody_wants_it_any_more() -> None:
    store = store_of([face(1, 1)])

    assert read_sample(store, UID, is_wanted=lambda: False) is None
    assert "scan" not in store.calls


def test_vectors_of_two_models_are_never_mixed() -> None:
    class Changing(MemoryFaces):
        """Its model is changed while it is read for the first time."""

        has_changed = False

        def scan(self, uid: str, *, cursor: str = "", limit: int = 1000) -> FacePage:
            page = super().scan(uid, cursor=cursor, limit=limit)
            if not self.has_changed:
                self.has_changed = True
                self.reset(uid, EXAMPLE_CONTRACT, dict.fromkeys(self.faces(uid), b"\x00<" * 8))
            return page

    store = Changing()
    store.create(UID)
    store.add(UID, [face(1, 1)])

    found = sample(store)

    np.testing.assert_allclose(found.sample.vectors, np.full((1, 8), 8**-0.5), atol=1e-4)
    assert store.calls["scan"] == 2
