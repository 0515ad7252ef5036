"""Every searcher finds what the store has at that moment: in memory, and in PostgreSQL."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import psycopg
import pytest

from tests.contract.identities.searching import OTHER, SIXTEEN, UID, face, named, search, unit
from workers.errors import StoreUnavailable
from workers.identities.engine.searcher import EngineSearcher, open_engine
from workers.identities.errors import CollectionNotFound, ContractMismatch
from workers.identities.index.searcher import LocalSearcher
from workers.identities.memory_faces import EXAMPLE_CONTRACT, MemoryFaces
from workers.identities.search import Candidate, FaceSearcher


@pytest.fixture
def faces() -> MemoryFaces:
    store = MemoryFaces()
    store.create(UID)
    return store


@pytest.fixture(params=["local", pytest.param("pgvector", marks=pytest.mark.postgres)])
def process(
    request: pytest.FixtureRequest, faces: MemoryFaces
) -> Iterator[Callable[[], FaceSearcher]]:
    """Starts another process that searches."""
    opened: list[EngineSearcher | LocalSearcher] = []
    url = ""
    if request.param == "pgvector":
        url = request.getfixturevalue("postgres_url")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS facesocial CASCADE")

    def start() -> FaceSearcher:
        if url:
            opened.append(open_engine(url, faces, faces, exact_faces=1000))
        else:
            name = f"box:{len(opened)}"
            opened.append(LocalSearcher(faces, faces, index_mb=64, exact_faces=1000, process=name))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def searcher(process: Callable[[], FaceSearcher]) -> FaceSearcher:
    return process()


def test_persons_are_found_by_falling_similarity_each_once(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    faces.add(UID, [face(1, "anna", unit(1)), face(2, "anna", unit(1, 0.1))])
    faces.add(UID, [face(3, "ben", unit(1, 1))])
    faces.add(UID, [face(4, "carl", unit(0, 0, 1))])

    found = search(searcher, unit(1), unit(0, 0.1, 1), persons=2)

    assert named(found) == [["anna", "ben"], ["carl", "ben"]]
    assert (found.faces, found.persons, found.version) == (4, 3, 3)
    assert found.contract == EXAMPLE_CONTRACT
    assert found.candidates[0][0].face_id == face(1, "anna", unit(1)).face_id
    assert [one.similarity for one in found.candidates[0]] == pytest.approx([1, 0.5**0.5], abs=1e-3)


def test_similarities_are_exact_cosines_with_what_is_stored(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    chance = np.random.default_rng(1)
    stored = [unit(*chance.normal(size=8)) for _ in range(40)]
    for number, vector in enumerate(stored):
        faces.add(UID, [face(number, f"p{number}", vector)])
    query = unit(*chance.normal(size=8))

    (candidates,) = search(searcher, query, persons=40).candidates

    expected = {
        f"p{number}": float(vector.astype("<f2").astype(np.float32) @ query)
        for number, vector in enumerate(stored)
    }
    assert len(candidates) == 40
    for one in candidates:
        assert one.similarity == pytest.approx(expected[one.person_id], abs=1e-6)


def test_who_has_many_faces_keeps_nobody_from_being_found(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    chance = np.random.default_rng(2)
    crowd = [face(n, "anna", unit(1, *(chance.normal(size=3) / 100))) for n in range(90)]
    faces.add(UID, crowd)
    for number, name in enumerate(("ben", "carl", "dora"), start=100):
        faces.add(UID, [face(number, name, unit(1, number))])

    assert [len(one) for one in search(searcher, unit(1), persons=4).candidates] == [4]


def test_what_another_process_enrols_is_found_at_once(
    faces: MemoryFaces, process: Callable[[], FaceSearcher]
) -> None:
    one, two = process(), process()
    faces.add(UID, [face(1, "anna", unit(1))])
    for searcher in (one, two):
        assert named(search(searcher, unit(1))) == [["anna"]]

    faces.add(UID, [face(2, "ben", unit(0, 1))])

    for searcher in (one, two):
        assert named(search(searcher, unit(0, 1))) == [["ben", "anna"]]


def test_what_is_removed_is_found_no_more_in_any_process(
    faces: MemoryFaces, process: Callable[[], FaceSearcher]
) -> None:
    one, two = process(), process()
    faces.add(UID, [face(1, "anna", unit(1)), face(2, "anna", unit(0, 0, 1))])
    faces.add(UID, [face(3, "ben", unit(0, 1))])
    for searcher in (one, two):
        search(searcher, unit(1))

    faces.remove(UID, [face(1, "anna", unit(1)).face_id])

    for searcher in (one, two):
        found = search(searcher, unit(1))
        assert {one.face_id for one in found.candidates[0]} == {
            face(2, "", unit(1)).face_id,
            face(3, "", unit(1)).face_id,
        }
        assert (found.faces, found.persons) == (2, 2)
    faces.remove(UID, [face(2, "anna", unit(1)).face_id])
    for searcher in (one, two):
        found = search(searcher, unit(1))
        assert (named(found), found.faces, found.persons) == ([["ben"]], 1, 1)


def test_faces_that_were_moved_are_the_other_person_s(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    faces.add(UID, [face(1, "anna", unit(1))])
    faces.add(UID, [face(2, "ben", unit(0, 1))])
    search(searcher, unit(1))

    faces.move(UID, [face(2, "ben", unit(1)).face_id], "anna")

    found = search(searcher, unit(0, 1))
    assert (named(found), found.faces, found.persons) == ([["anna"]], 2, 1)


def test_many_changes_at_once_end_as_the_store_is(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    faces.add(UID, [face(1, "anna", unit(1))])
    search(searcher, unit(1))

    faces.add(UID, [face(2, "ben", unit(0, 1)), face(3, "ben", unit(0, 1, 1))])
    faces.move(UID, [face(2, "", unit(1)).face_id], "carl")
    faces.remove(UID, [face(3, "", unit(1)).face_id, face(1, "", unit(1)).face_id])
    faces.add(UID, [face(1, "dora", unit(0, 0, 1))])

    found = search(searcher, unit(0, 0, 1), persons=9)
    assert sorted(named(found)[0]) == ["carl", "dora"]
    assert (found.faces, found.persons, found.version) == (2, 2, 5)


def test_other_vectors_of_another_model_are_searched_from_then_on(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    faces.add(UID, [face(1, "anna", unit(1)), face(2, "ben", unit(0, 1))])
    search(searcher, unit(1))

    new = {face(n, "", unit(1)).face_id: unit(n, 1, dimensions=16) for n in (1, 2)}
    faces.reset(UID, SIXTEEN, {one: vector.astype("<f2").tobytes() for one, vector in new.items()})

    found = search(searcher, unit(2, 1, dimensions=16), contract=SIXTEEN)
    assert found.candidates[0][0].face_id == face(2, "", unit(1)).face_id
    with pytest.raises(ContractMismatch):
        search(searcher, unit(1))


def test_embeddings_of_another_model_are_not_compared(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    faces.add(UID, [face(1, "anna", unit(1))])

    with pytest.raises(ContractMismatch):
        search(searcher, unit(1, dimensions=16), contract=SIXTEEN)


def test_a_collection_without_faces_answers_with_nobody(searcher: FaceSearcher) -> None:
    found = search(searcher, unit(1), unit(0, 1))

    assert (named(found), found.faces, found.contract) == ([[], []], 0, None)


def test_who_has_lost_the_log_reads_everything_anew(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    faces.add(UID, [face(1, "anna", unit(1))])
    search(searcher, unit(1))

    faces.remove(UID, [face(1, "anna", unit(1)).face_id])
    faces.add(UID, [face(2, "ben", unit(0, 1))])
    faces.trim(UID, keep=1)

    found = search(searcher, unit(1))
    assert (named(found), found.faces, found.persons) == ([["ben"]], 1, 1)


def test_a_store_that_was_put_back_is_searched_as_it_is_now(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    faces.add(UID, [face(1, "anna", unit(1))])
    backup = faces.backup(UID)
    faces.add(UID, [face(2, "ben", unit(0, 1))])
    assert named(search(searcher, unit(0, 1))) == [["ben", "anna"]]

    faces.restore(UID, backup)
    faces.add(UID, [face(3, "carl", unit(0, 1))])

    # As many entries as before, and other ones.
    assert named(search(searcher, unit(0, 1))) == [["carl", "anna"]]


def test_collections_are_searched_apart(faces: MemoryFaces, searcher: FaceSearcher) -> None:
    faces.create(OTHER)
    faces.add(UID, [face(1, "anna", unit(1))])
    faces.add(OTHER, [face(2, "ben", unit(1))])

    assert named(search(searcher, unit(1))) == [["anna"]]
    assert named(search(searcher, unit(1), uid=OTHER)) == [["ben"]]


def test_a_deleted_collection_is_gone(faces: MemoryFaces, searcher: FaceSearcher) -> None:
    faces.add(UID, [face(1, "anna", unit(1))])
    search(searcher, unit(1))

    faces.delete(UID)

    with pytest.raises(CollectionNotFound):
        search(searcher, unit(1))
    faces.create(UID)
    faces.add(UID, [face(2, "ben", unit(1))])
    assert named(search(searcher, unit(1))) == [["ben"]]


def test_while_the_store_is_away_nobody_is_named(
    faces: MemoryFaces, searcher: FaceSearcher
) -> None:
    faces.add(UID, [face(1, "anna", unit(1))])
    search(searcher, unit(1))

    faces.is_away = True
    with pytest.raises(StoreUnavailable):
        search(searcher, unit(1))

    faces.is_away = False
    assert named(search(searcher, unit(1))) == [["anna"]]


def test_searches_and_changes_at_once_never_see_half_of_a_change(
    faces: MemoryFaces, process: Callable[[], FaceSearcher]
) -> None:
    faces.add(UID, [face(0, "always", unit(0, 1))])
    strange: list[list[Candidate]] = []
    done = threading.Event()

    def watch() -> None:
        searcher = process()
        while not done.is_set():
            (candidates,) = search(searcher, unit(1)).candidates
            # Both faces of a person come and go together.
            if {one.person_id for one in candidates} - {"always"} not in (set(), {"anna"}):
                strange.append(list(candidates))
            if "always" not in {one.person_id for one in candidates}:
                strange.append(list(candidates))

    watchers = [threading.Thread(target=watch) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    pair = [face(1, "anna", unit(1)), face(2, "anna", unit(1, 0.1))]
    for _ in range(15):
        faces.add(UID, pair)
        faces.remove(UID, [one.face_id for one in pair])
    done.set()
    for watcher in watchers:
        watcher.join()

    assert strange == []
