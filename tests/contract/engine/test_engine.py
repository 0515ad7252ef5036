"""What only the engine does: tables in PostgreSQL that are kept, written anew, and deleted."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tests.contract.engine.crowd import CONTRACT, UID, Session, best, enrol, tables, vectors
from workers.identities.engine.following import ENGINE
from workers.identities.engine.searcher import EngineSearcher
from workers.identities.errors import CollectionNotFound
from workers.identities.memory_faces import MemoryFaces

pytestmark = pytest.mark.postgres

#: What a first search asks of the store before it scans: `head`, then `followed` and `head`.
UNTIL_SCAN: Sequence[Callable[[], None]] = (lambda: None,) * 3


class DeadError(BaseException):
    """The process ends here."""


def die() -> None:
    raise DeadError


def files(session: Session, *names: str) -> bytes:
    """The pages of tables and graphs as they lie in their files."""
    # No checkpoint but this one writes unlogged tables to their files.
    session.execute("CREATE DATABASE copied STRATEGY file_copy")
    session.execute("DROP DATABASE copied")
    content = b""
    for name in names:
        found = session.execute("SELECT pg_relation_filepath(%s)", (f"facesocial.{name}",))
        page = session.execute("SELECT pg_read_binary_file(%s)", found.fetchone()).fetchone()
        assert page is not None
        assert isinstance(page[0], bytes)
        content += page[0]
    return content


def test_what_lies_in_postgresql_is_not_in_its_log_nor_its_backups(
    faces: MemoryFaces, process: Callable[[], EngineSearcher], session: Session
) -> None:
    enrol(faces, vectors(1, 3))
    best(process(), vectors(1, 1))

    found = session.execute(
        "SELECT c.relname, c.relpersistence FROM pg_class c JOIN pg_namespace n "
        "ON n.oid = c.relnamespace WHERE n.nspname = 'facesocial' AND c.relkind IN ('r', 'i')"
    ).fetchall()

    assert len(found) >= 4
    assert {persistence for _, persistence in found} == {"u"}


def test_a_collection_that_has_grown_gets_a_graph_and_is_searched_through_it(
    faces: MemoryFaces, process: Callable[..., EngineSearcher], session: Session
) -> None:
    known = vectors(1, 600)
    searcher = process(exact_faces=500)
    enrol(faces, known[:400])
    assert best(searcher, known[:1]) == ["p0"]
    searcher.keep()
    assert graphs(session) == []

    enrol(faces, known[400:], first=400)
    assert best(searcher, known[-1:]) == ["p599"]
    searcher.keep()

    assert len(graphs(session)) == 1
    noisy = known + 0.05 * vectors(2, 600)
    noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
    assert best(searcher, noisy) == [f"p{number}" for number in range(600)]
    # One that starts with so many has its graph from the beginning.
    faces.trim(UID, keep=0)
    enrol(faces, vectors(3, 1), first=600)
    assert best(process(exact_faces=500), vectors(3, 1)) == ["p600"]
    assert len(graphs(session)) == 1


def graphs(session: Session) -> list[str]:
    found = session.execute(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'facesocial' "
        "AND indexdef LIKE '%USING hnsw%'"
    )
    return [str(name) for (name,) in found]


def test_removed_vectors_leave_the_files_before_the_store_is_told_so(
    faces: MemoryFaces, process: Callable[..., EngineSearcher], session: Session
) -> None:
    known = vectors(1, 300)
    searcher = process(exact_faces=100)
    enrol(faces, known)
    best(searcher, known[:1])
    searcher.keep()
    (table,) = tables(session)
    (graph,) = graphs(session)
    # PostgreSQL keeps vectors as they are sent: float16, little endian.
    gone = [known[number].astype("<f2").tobytes() for number in (0, 299)]
    assert [files(session, table, graph).count(one) for one in gone] == [2, 2]

    faces.remove(UID, [f"face_{number:032x}" for number in (0, 299)])
    assert "p0" not in best(searcher, known[:1])
    # It is told first that nobody is found any more; that the bytes are gone, once they are.
    assert faces.followers(UID)[ENGINE] == 300
    searcher.keep()

    assert faces.followers(UID)[ENGINE] == 301
    anew = (*tables(session), *graphs(session))
    assert len(anew) == 2
    assert not {table, graph} & set(anew)
    content = files(session, *anew)
    assert known[1].astype("<f2").tobytes() in content
    assert not [one for one in gone if one in content]


def test_what_happens_while_a_table_is_written_anew_is_in_the_new_one(
    faces: MemoryFaces, process: Callable[..., EngineSearcher], session: Session
) -> None:
    known = vectors(1, 6)
    one, two = process(), process()
    enrol(faces, known[:5])
    best(one, known[:1])
    faces.remove(UID, [f"face_{0:032x}"])
    best(one, known[:1])
    (before,) = tables(session)

    def late() -> None:
        enrol(faces, known[5:], first=5)
        faces.remove(UID, [f"face_{1:032x}"])

    # The log is asked once the copy is made.
    faces.meanwhile = [late]
    one._follower.rewrite(one._keeping, UID)

    (after,) = tables(session)
    assert after != before
    found = two.search(UID, known, contract=CONTRACT, persons=9)
    assert {each.person_id for each in found.candidates[0]} == {"p2", "p3", "p4", "p5"}
    assert (found.faces, found.persons) == (4, 4)
    # What was removed last is still in the new table's files.
    two.keep()
    assert faces.followers(UID)[ENGINE] == 8


def test_who_dies_while_a_table_is_written_anew_leaves_the_old_one(
    faces: MemoryFaces, process: Callable[..., EngineSearcher], session: Session
) -> None:
    enrol(faces, vectors(1, 3))
    one, two = process(), process()
    best(one, vectors(1, 1))
    faces.remove(UID, [f"face_{1:032x}"])

    # The log is asked once the copy is made.
    faces.meanwhile = [die]
    with pytest.raises(DeadError):
        one._follower.rewrite(one._keeping, UID)
    assert len(tables(session)) == 2

    assert best(two, vectors(1, 1)) == ["p0"]
    two.keep()

    assert len(tables(session)) == 1
    assert best(two, vectors(1, 1)) == ["p0"]
    assert faces.followers(UID)[ENGINE] == 4


def test_a_deleted_collection_leaves_postgresql_without_a_search(
    faces: MemoryFaces, process: Callable[[], EngineSearcher], session: Session
) -> None:
    enrol(faces, vectors(1, 3))
    searcher = process()
    best(searcher, vectors(1, 1))
    assert len(tables(session)) == 1

    faces.delete(UID)
    searcher.keep()

    assert tables(session) == []
    assert session.execute("SELECT count(*) FROM facesocial.places").fetchone() == (0,)
    with pytest.raises(CollectionNotFound):
        best(searcher, vectors(1, 1))


def test_the_store_hears_of_the_engine_before_anything_is_read(
    faces: MemoryFaces, process: Callable[[], EngineSearcher]
) -> None:
    enrol(faces, vectors(1, 3))
    told: list[int] = []
    faces.meanwhile = [*UNTIL_SCAN, lambda: told.append(faces.followers(UID)[ENGINE])]
    searcher = process()
    best(searcher, vectors(1, 1))
    assert told == [0]

    searcher.keep()

    assert faces.followers(UID)[ENGINE] == 3


def test_who_dies_while_loading_leaves_nothing_behind(
    faces: MemoryFaces, process: Callable[[], EngineSearcher], session: Session
) -> None:
    enrol(faces, vectors(1, 3))
    searcher = process()

    faces.meanwhile = [*UNTIL_SCAN, die]
    with pytest.raises(DeadError):
        best(searcher, vectors(1, 1))
    assert faces.calls["scan"] == 1
    assert tables(session) == []

    assert best(searcher, vectors(1, 1)) == ["p0"]
    assert len(tables(session)) == 1
