"""A process's connection to PostgreSQL: opened when it is needed, bounded in time, set up once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from pgvector.psycopg import register_vector
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from workers.errors import StoreUnavailable

#: The oldest pgvector that goes on through its graph until enough rows were found.
OLDEST_VECTOR: Final = (0, 8)
_CONNECT_SECONDS = 5
#: Longest time of one statement, and of waiting for somebody else's lock; a collection that is
#: being loaded is locked. Loading itself has no limit.
_STATEMENT_SECONDS, _LOCK_SECONDS = 20, 10
#: A connection that was idle for longer is tried before it is used.
_IDLE_SECONDS = 5.0
#: Any number: held while the tables are made.
_SET_UP_LOCK = 0x0FACE50C1A1
#: Rows that a search through a graph keeps in view: of 400 queries among 20,000 made-up faces it
#: finds 399 nearest ones so, with 200 rows 198 of 200 (`python -m benchmarks engine`).
_GRAPH_ROWS = 500

_SET_UP = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS facesocial;
CREATE UNLOGGED TABLE IF NOT EXISTS facesocial.places (
  uid text PRIMARY KEY,
  table_name text NOT NULL DEFAULT '',
  version bigint NOT NULL DEFAULT 0,
  mark text NOT NULL DEFAULT '',
  generation bigint NOT NULL DEFAULT 0,
  contract text NOT NULL DEFAULT '',
  faces bigint NOT NULL DEFAULT 0,
  persons bigint NOT NULL DEFAULT 0,
  is_graph boolean NOT NULL DEFAULT false,
  cleaned_version bigint NOT NULL DEFAULT 0
);
"""


class TableGone(Exception):
    """The table was replaced by another one meanwhile: look up which."""


class Database:
    """One connection, for one thread at a time.

    Args:
        url: `postgresql://...`
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection[TupleRow] | None = None
        self._lock = threading.Lock()
        self._used_at = 0.0

    @contextmanager
    def transaction(
        self, isolation: IsolationLevel = IsolationLevel.READ_COMMITTED
    ) -> Iterator[Connection[TupleRow]]:
        """Everything in it happens, or nothing.

        Raises:
            StoreUnavailable: PostgreSQL does not answer, or not in time.
            TableGone: a table that was asked for is not there any more.
        """
        with self._connected() as connection:
            connection.isolation_level = isolation
            with connection.transaction():
                yield connection

    @contextmanager
    def held_lock(self, number: int) -> Iterator[bool]:
        """Hold a lock of PostgreSQL's between processes, if nobody else does; whether it is held.

        Raises:
            StoreUnavailable: see `transaction`.
        """
        with self._connected() as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
        is_mine = bool(row and row[0])
        try:
            yield is_mine
        finally:
            # With the connection the lock is gone, too.
            if is_mine and self._connection is not None:
                with self._connected() as connection:
                    connection.execute("SELECT pg_advisory_unlock(%s)", (number,))

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._drop()

    @contextmanager
    def _connected(self) -> Iterator[Connection[TupleRow]]:
        with self._lock:
            try:
                yield self._open()
                self._used_at = time.monotonic()
            except psycopg.errors.UndefinedTable as error:
                raise TableGone from error
            except psycopg.Error as error:
                self._drop()
                raise StoreUnavailable(f"PostgreSQL did not answer: {_told(error)}.") from error

    def _open(self) -> Connection[TupleRow]:
        known = self._connection
        if known is not None and time.monotonic() - self._used_at > _IDLE_SECONDS:
            try:
                known.execute("SELECT 1")
            except psycopg.OperationalError:
                self._drop()
        if self._connection is None or self._connection.broken:
            self._connection = _connect(self._url)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _connect(url: str) -> Connection[TupleRow]:
    connection = psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=_CONNECT_SECONDS,
        application_name="facesocial",
        keepalives_idle=10,
        tcp_user_timeout=_STATEMENT_SECONDS * 1000,
    )
    try:
        _set_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: Connection[TupleRow]) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SET_UP_LOCK,))
        connection.execute(_SET_UP)
    found = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    version = str((found.fetchone() or ("0",))[0])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_VECTOR:
        wanted = ".".join(map(str, OLDEST_VECTOR))
        raise StoreUnavailable(f"PostgreSQL has pgvector {version}: {wanted} or newer is needed.")
    register_vector(connection)
    # Loads the extension, which then knows its own settings.
    connection.execute("SELECT '[1]'::halfvec")
    connection.execute(f"SET hnsw.ef_search = {_GRAPH_ROWS}")
    connection.execute("SET hnsw.iterative_scan = strict_order")
    connection.execute(_limit("statement_timeout", _STATEMENT_SECONDS))
    connection.execute(_limit("lock_timeout", _LOCK_SECONDS))


def _limit(name: str, seconds: int) -> psycopg.sql.Composed:
    return psycopg.sql.SQL("SET {} = {}").format(psycopg.sql.Identifier(name), seconds * 1000)


def _told(error: psycopg.Error) -> str:
    """What happened, without what was asked: that has ids and vectors in it."""
    return error.diag.message_primary or type(error).__name__
