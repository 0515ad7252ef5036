"""The faces of one collection in memory."""

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.identities.index.face_index import FaceIndex
from workers.identities.records import FaceVector

DIMENSIONS = 512


def drawn(count: int, *, seed: int = 1) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSIONS), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def face(number: int, person_id: str, vector: NDArray[np.float32]) -> FaceVector:
    digits = hashlib.sha256(f"{number}".encode()).hexdigest()[:32]
    return FaceVector(
        face_id=f"face_{digits}", person_id=person_id, vector=vector.astype("<f2").tobytes()
    )


def filled(vectors: NDArray[np.float32], *, exact_faces: int, persons: int) -> FaceIndex:
    index = FaceIndex(DIMENSIONS, exact_faces=exact_faces)
    index.add([face(n, f"p{n % persons}", vector) for n, vector in enumerate(vectors)])
    return index


@pytest.mark.parametrize(("exact_faces", "kind"), [(6000, "exact"), (5999, "codes")])
def test_the_most_similar_persons_are_those_of_comparing_everything(
    exact_faces: int, kind: str
) -> None:
    vectors, queries = drawn(6000), drawn(12, seed=2)
    # Each has somebody to be.
    queries = queries * 0.6 + vectors[::500] * 0.8
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    index = filled(vectors, exact_faces=exact_faces, persons=700)

    found = index.search(queries, 1)

    cosines = queries @ vectors.astype(np.float16).astype(np.float32).T
    assert index.kind == kind
    assert [one[0].person_id for one in found] == [f"p{row % 700}" for row in cosines.argmax(1)]
    assert np.allclose([one[0].similarity for one in found], cosines.max(1), atol=1e-6)


def test_a_person_is_told_once_by_the_most_similar_face() -> None:
    vectors = drawn(300)
    index = filled(vectors, exact_faces=1000, persons=3)

    [found] = index.search(vectors[7][np.newaxis], 5)

    assert sorted(one.person_id for one in found) == ["p0", "p1", "p2"]
    assert found[0].person_id == "p1"
    assert found[0].face_id == face(7, "", vectors[7]).face_id
    assert [one.similarity for one in found] == sorted(
        (one.similarity for one in found), reverse=True
    )


def test_as_many_persons_as_asked_for_are_found_behind_the_many_faces_of_one() -> None:
    near, far = drawn(1), drawn(40, seed=3)
    index = FaceIndex(DIMENSIONS, exact_faces=100)
    index.add([face(n, "many", near[0]) for n in range(2500)])
    index.add([face(5000 + n, f"far{n}", vector) for n, vector in enumerate(far)])

    [found] = index.search(near, 8)

    assert index.kind == "codes"
    assert len(found) == 8
    assert found[0].person_id == "many"
    order = np.argsort(-(far.astype(np.float16).astype(np.float32) @ near[0]))
    assert [one.person_id for one in found[1:]] == [f"far{n}" for n in order[:7]]


def test_codes_are_made_when_there_are_many_faces_and_go_when_there_are_few() -> None:
    vectors = drawn(100)
    faces = [face(n, "p", vector) for n, vector in enumerate(vectors)]
    index = FaceIndex(DIMENSIONS, exact_faces=50)
    kinds: list[str] = []

    index.add(faces[:50])
    kinds.append(index.kind)
    index.add(faces[50:51])
    kinds.append(index.kind)
    index.remove([one.face_id for one in faces[:26]])
    kinds.append(index.kind)
    index.remove([faces[26].face_id])
    kinds.append(index.kind)

    assert kinds == ["exact", "codes", "codes", "exact"]


def test_a_face_added_again_is_there_once_with_what_came_last() -> None:
    first, second = drawn(2)
    index = FaceIndex(DIMENSIONS, exact_faces=100)
    index.add([face(1, "ann", first)])

    index.add([face(1, "bob", first), face(1, "cy", second)])

    [found] = index.search(second[np.newaxis], 3)
    assert [(one.person_id, round(one.similarity, 3)) for one in found] == [("cy", 1.0)]
    assert (len(index), index.persons) == (1, 1)


def test_a_face_named_twice_is_removed_once() -> None:
    vectors = drawn(3)
    index = filled(vectors, exact_faces=100, persons=3)
    gone = face(0, "", vectors[0]).face_id

    index.remove([gone, gone, "face_" + "0" * 32])

    assert (len(index), index.persons) == (2, 2)


def test_an_empty_index_finds_nobody() -> None:
    index = filled(drawn(1), exact_faces=100, persons=1)
    index.remove([face(0, "", drawn(1)[0]).face_id])

    assert index.search(drawn(2), 3) == [[], []]


def test_memory_is_told_by_face() -> None:
    index = filled(drawn(1000), exact_faces=10, persons=10)

    per_face = index.size_bytes / 1000

    # 1024 of the vector, 64 of its code, 16 of its id, 4 of whose it is, and what is sorted.
    assert 1100 < per_face < 1180


def test_after_clearing_no_embedding_is_in_memory() -> None:
    index = filled(drawn(40), exact_faces=10, persons=4)
    assert index._codes is not None
    [vectors], [codes] = index._vectors._blocks, index._codes._blocks
    assert vectors[:40].any()
    assert codes[:, :40].any()

    index.clear()

    assert not vectors[:40].any()
    assert not codes[:, :40].any()
    assert index.search(drawn(1), 1) == [[]]
