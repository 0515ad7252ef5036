"""Following a log that others write to between any two reads."""

import dataclasses
from collections.abc import Sequence

import pytest

from workers.errors import StoreUnavailable
from workers.identities.errors import VaultUnavailable
from workers.identities.index.follower import Follower
from workers.identities.memory_faces import EXAMPLE_CONTRACT, MemoryFaces
from workers.identities.records import EmbeddingContract, FaceVector

UID = "col_" + "a" * 32
#: As long as the other, and of another model.
NEW_CONTRACT = dataclasses.replace(EXAMPLE_CONTRACT, model="new")


def face(number: int, person_id: str = "ann", *, fill: int = 1) -> FaceVector:
    return FaceVector(
        face_id=f"face_{number:032x}", person_id=person_id, vector=bytes([fill, 0x30]) * 8
    )


@pytest.fixture
def store() -> MemoryFaces:
    store = MemoryFaces()
    store.create(UID)
    store.add(UID, [face(1)])
    return store


@pytest.fixture
def follower(store: MemoryFaces) -> Follower:
    return Follower(UID, store, store, exact_faces=100)


def held(follower: Follower) -> dict[str, tuple[str, bytes]]:
    """Person and vector by face."""
    index = follower.index
    if index is None:
        return {}
    contents = index.contents()
    vectors = index.block(0, len(index))
    return {
        f"face_{high:016x}{low:016x}": (contents.persons[person], vector.tobytes())
        for (high, low), person, vector in zip(
            contents.ids.tolist(), contents.whose, vectors, strict=True
        )
    }


def stored(store: MemoryFaces) -> dict[str, tuple[str, bytes]]:
    return {one.face_id: (one.person_id, one.vector) for one in store.faces(UID).values()}


def nothing() -> None:
    """Nobody writes between these two reads."""


def test_a_model_changed_between_the_log_and_the_vectors_mixes_no_two_models(
    store: MemoryFaces, follower: Follower
) -> None:
    follower.follow()
    store.add(UID, [face(2)])

    def change() -> None:
        store.reset(UID, NEW_CONTRACT, {one: bytes([2, 0x30]) * 8 for one in store.faces(UID)})

    # The log is read, then the model changed, then the vectors of the new face are read.
    store.meanwhile = [nothing, change]
    follower.follow()

    assert follower.contract == NEW_CONTRACT
    assert held(follower) == stored(store)


def test_a_face_that_came_while_everything_was_read_is_there_once(
    store: MemoryFaces, follower: Follower
) -> None:
    store.meanwhile = [nothing, lambda: store.add(UID, [face(2)])]

    follower.follow()
    follower.follow()

    assert held(follower) == stored(store)
    assert follower.faces == 2


@pytest.mark.parametrize("kind", ["removed", "moved"])
def test_what_happens_to_a_face_after_it_was_scanned_is_taken_in(
    store: MemoryFaces, follower: Follower, kind: str
) -> None:
    def change() -> None:
        if kind == "removed":
            store.remove(UID, [face(1).face_id])
        else:
            store.move(UID, [face(1).face_id], "bob")

    store.meanwhile = [nothing, nothing, change]
    follower.follow()

    assert held(follower) == stored(store)


def test_vectors_of_a_face_that_has_gone_since_are_not_missed(
    store: MemoryFaces, follower: Follower
) -> None:
    follower.follow()
    store.add(UID, [face(2), face(3)])
    store.meanwhile = [nothing, lambda: store.remove(UID, [face(2).face_id])]

    follower.follow()
    assert sorted(held(follower)) == [face(1).face_id, face(3).face_id]
    follower.follow()

    assert held(follower) == stored(store)


def test_a_log_that_was_trimmed_behind_our_back_is_read_anew(
    store: MemoryFaces, follower: Follower
) -> None:
    follower.follow()
    for number in range(2, 6):
        store.add(UID, [face(number)])
    store.trim(UID, keep=1)

    follower.follow()

    assert held(follower) == stored(store)
    assert store.calls["scan"] == 2


def test_when_nothing_has_changed_one_question_is_asked(
    store: MemoryFaces, follower: Follower
) -> None:
    follower.follow()
    before = sum(store.calls.values())

    follower.follow()

    assert sum(store.calls.values()) == before + 1


def test_a_log_that_never_holds_still_is_no_answer(store: MemoryFaces, follower: Follower) -> None:
    def change() -> None:
        store.reset(UID, NEW_CONTRACT, {one: bytes(16) for one in store.faces(UID)})

    store.meanwhile = [change] * 100

    with pytest.raises(StoreUnavailable, match="too often"):
        follower.follow()


class Breaking:
    """A source of vectors that fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def vectors(self, uid: str, face_ids: Sequence[str]) -> Sequence[FaceVector]:
        del uid, face_ids
        raise self.error


@pytest.mark.parametrize("error", [StoreUnavailable(), VaultUnavailable()])
def test_what_was_taken_in_before_the_store_went_away_stands(
    store: MemoryFaces, error: BaseException
) -> None:
    source = Breaking(error)
    follower = Follower(UID, store, source, exact_faces=100)
    follower.follow()
    store.add(UID, [face(2)])

    with pytest.raises(type(error)):
        follower.follow()

    assert sorted(held(follower)) == [face(1).face_id]
    assert follower.version == 1
    assert store.calls["scan"] == 1


def test_after_a_time_limit_in_the_middle_of_a_step_everything_is_read_anew(
    store: MemoryFaces,
) -> None:
    source = Breaking(TimeoutError())
    follower = Follower(UID, store, source, exact_faces=100)
    follower.follow()
    store.add(UID, [face(2)])

    with pytest.raises(TimeoutError):
        follower.follow()
    assert follower.index is None
    follower.follow()

    assert held(follower) == stored(store)


@pytest.mark.parametrize("at", [2, 3])
def test_a_scan_broken_off_leaves_nothing_behind(store: MemoryFaces, at: int) -> None:
    store.add(UID, [face(number) for number in range(2, 1500)])
    follower = Follower(UID, store, store, exact_faces=100)

    def go() -> None:
        store.is_away = True
        raise StoreUnavailable

    store.meanwhile = [*[nothing] * (at - 1), go]
    with pytest.raises(StoreUnavailable):
        follower.follow()
    assert follower.faces == 0
    store.is_away = False
    follower.follow()

    assert follower.faces == 1499


def test_a_face_of_another_length_is_not_taken_in(store: MemoryFaces) -> None:
    longer = dataclasses.replace(face(2), vector=bytes(32))
    store.add(UID, [longer])
    follower = Follower(UID, store, store, exact_faces=100)

    follower.follow()

    assert sorted(held(follower)) == [face(1).face_id]


def test_before_anything_is_read_it_is_said_that_this_process_begins(store: MemoryFaces) -> None:
    asked: list[int] = []

    def beginning() -> None:
        asked.append(sum(store.calls.values()))

    Follower(UID, store, store, exact_faces=100, beginning=beginning).follow()

    assert asked[0] == 0


def test_a_collection_without_faces_has_no_contract() -> None:
    store = MemoryFaces()
    store.create(UID, EmbeddingContract(**dataclasses.asdict(EXAMPLE_CONTRACT)))
    follower = Follower(UID, store, store, exact_faces=100)

    follower.follow()
    assert (follower.contract, follower.index, follower.version) == (None, None, 0)
    store.add(UID, [face(1)])
    follower.follow()

    assert follower.contract == EXAMPLE_CONTRACT
    assert follower.faces == 1
