"""The engine when PostgreSQL crashes, hangs up, is not there, or has another keeper."""

import time
from collections.abc import Callable, Sequence

import pytest

from tests.contract.engine.crowd import CONTRACT, UID, Session, best, enrol, tables, vectors
from workers.errors import StoreUnavailable
from workers.identities.engine.following import ENGINE
from workers.identities.engine.searcher import EngineSearcher, open_engine
from workers.identities.errors import VaultUnavailable
from workers.identities.memory_faces import MemoryFaces
from workers.identities.records import FaceVector

pytestmark = pytest.mark.postgres

OTHER = "col_" + "b" * 32


class LosesKeys(MemoryFaces):
    """Nobody can open the vectors of one collection."""

    lost = ""

    def vectors(self, uid: str, face_ids: Sequence[str]) -> Sequence[FaceVector]:
        if uid == self.lost:
            raise VaultUnavailable
        return super().vectors(uid, face_ids)


def test_after_postgresql_has_crashed_everything_is_read_anew(
    faces: MemoryFaces, process: Callable[[], EngineSearcher], session: Session
) -> None:
    enrol(faces, vectors(1, 3))
    searcher = process()
    assert best(searcher, vectors(1, 1)) == ["p0"]

    # What a crash does to unlogged tables: they are there, and empty.
    session.execute(f"TRUNCATE facesocial.places, facesocial.{tables(session)[0]}")

    assert best(searcher, vectors(1, 1)) == ["p0"]
    assert len(tables(session)) == 1


def test_a_connection_that_broke_is_made_anew(
    faces: MemoryFaces, process: Callable[[], EngineSearcher], session: Session
) -> None:
    enrol(faces, vectors(1, 3))
    searcher = process()
    best(searcher, vectors(1, 1))
    session.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND application_name = 'facesocial'"
    )

    with pytest.raises(StoreUnavailable, match="PostgreSQL did not answer"):
        best(searcher, vectors(1, 1))

    assert best(searcher, vectors(1, 1)) == ["p0"]


def test_a_broken_connection_that_was_idle_is_noticed_in_time(
    faces: MemoryFaces, process: Callable[[], EngineSearcher], session: Session
) -> None:
    enrol(faces, vectors(1, 3))
    searcher = process()
    best(searcher, vectors(1, 1))
    session.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND application_name = 'facesocial'"
    )
    searcher._database._used_at = time.monotonic() - 60

    assert best(searcher, vectors(1, 1)) == ["p0"]


def test_one_process_keeps_the_tables_at_a_time(
    faces: MemoryFaces, process: Callable[[], EngineSearcher]
) -> None:
    enrol(faces, vectors(1, 3))
    one, two = process(), process()
    best(one, vectors(1, 1))
    with one._keeping.held_lock(0x0FACE50C1A2) as is_held:
        assert is_held

        two.keep()

        assert faces.followers(UID)[ENGINE] == 0
    two.keep()
    assert faces.followers(UID)[ENGINE] == 3


@pytest.mark.parametrize(("lost", "sound"), [(UID, OTHER), (OTHER, UID)])
def test_a_collection_whose_keys_are_lost_keeps_no_other_from_following(
    postgres_url: str, session: Session, lost: str, sound: str
) -> None:
    del session  # nothing is there
    store = LosesKeys()
    searcher = open_engine(postgres_url, store, store, exact_faces=200)
    for uid in (UID, OTHER):
        store.create(uid, CONTRACT)
        enrol(store, vectors(1, 1), uid=uid)
        searcher.search(uid, vectors(1, 1), contract=CONTRACT, persons=1)
        enrol(store, vectors(2, 2), first=1, uid=uid)
    store.lost = lost

    searcher.keep()
    searcher.close()

    assert store.followers(sound) == {ENGINE: 3}
    assert store.followers(lost) == {ENGINE: 0}


def test_where_there_is_no_postgresql_nothing_is_answered_and_no_password_is_told(
    faces: MemoryFaces, pick_port: Callable[[], int]
) -> None:
    enrol(faces, vectors(1, 1))
    url = f"postgresql://somebody:letmein@127.0.0.1:{pick_port()}/people"
    searcher = open_engine(url, faces, faces, exact_faces=10)

    with pytest.raises(StoreUnavailable) as raised:
        best(searcher, vectors(1, 1))

    assert "letmein" not in str(raised.value)
