"""A PostgreSQL without anything of ours, a store of known people, and processes that search."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.contract.engine.crowd import CONTRACT, UID, Session
from workers.identities.engine.searcher import EngineSearcher, open_engine
from workers.identities.memory_faces import MemoryFaces


@pytest.fixture
def faces() -> MemoryFaces:
    store = MemoryFaces()
    store.create(UID, CONTRACT)
    return store


@pytest.fixture
def session(postgres_url: str) -> Iterator[Session]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS facesocial CASCADE")
        yield connection


@pytest.fixture
def process(
    faces: MemoryFaces, postgres_url: str, session: Session
) -> Iterator[Callable[[], EngineSearcher]]:
    del session  # nothing is there
    opened: list[EngineSearcher] = []

    def start(*, exact_faces: int = 200) -> EngineSearcher:
        opened.append(open_engine(postgres_url, faces, faces, exact_faces=exact_faces))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
