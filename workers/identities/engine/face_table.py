"""The table of a collection's vectors in PostgreSQL.

It is unlogged: what PostgreSQL holds is made again from the store of record at any time, so its
write-ahead log, its replicas and its base backups need not have it, and don't.
"""

import secrets
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from workers.identities.embeddings import PRODUCT_ERROR, STORED
from workers.identities.records import FaceVector
from workers.identities.search import Candidate

#: Rows looked at for each wanted person at first; several faces may be one person's.
_ROWS_PER_PERSON, _FEWEST_ROWS = 4, 16
#: Of the graph: pgvector's own defaults. Twice as much takes four times as long to build and finds
#: no more than looking at more rows does (`_GRAPH_ROWS`).
_LINKS, _BUILD_ROWS = 16, 64

Session = Connection[TupleRow]


def make_table(session: Session, prefix: str, dimensions: int) -> str:
    """An empty table; its name."""
    name = f"{prefix}_{secrets.token_hex(4)}"
    session.execute(
        sql.SQL(
            "CREATE UNLOGGED TABLE {} (face_id text NOT NULL, person_id text NOT NULL, "
            "vector halfvec({}) NOT NULL)"
        ).format(_named(name), dimensions)
    )
    return name


def fill_table(session: Session, name: str, pages: Iterable[Sequence[FaceVector]]) -> None:
    """Write all of a collection's vectors, and make the table ready to be searched."""
    table = _named(name)
    copying = sql.SQL("COPY {} (face_id, person_id, vector) FROM STDIN (FORMAT binary)")
    with session.cursor() as cursor, cursor.copy(copying.format(table)) as copy:
        copy.set_types(["text", "text", "halfvec"])
        for page in pages:
            for face in page:
                copy.write_row((face.face_id, face.person_id, _vector(face)))
    # While somebody else changes what is read, a face may come twice; the log tells what it is now.
    session.execute(
        sql.SQL(
            "DELETE FROM {0} a USING {0} b WHERE a.face_id = b.face_id AND a.ctid < b.ctid"
        ).format(table)
    )
    _index_table(session, name)


def copy_table(session: Session, name: str, into: str) -> None:
    """Write what a table has into another one, and nothing that was removed from it."""
    copying = sql.SQL("INSERT INTO {} SELECT face_id, person_id, vector FROM {}")
    session.execute(copying.format(_named(into), _named(name)))
    _index_table(session, into)


def _index_table(session: Session, name: str) -> None:
    """Make a table ready to be searched."""
    table = _named(name)
    session.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (face_id)").format(table))
    session.execute(sql.SQL("CREATE INDEX ON {} (person_id)").format(table))
    session.execute(sql.SQL("ANALYZE {}").format(table))


def make_graph(session: Session, name: str) -> None:
    """Build a table's graph."""
    text = sql.SQL(
        "CREATE INDEX ON {} USING hnsw (vector halfvec_ip_ops) WITH (m = {}, ef_construction = {})"
    )
    session.execute(text.format(_named(name), _LINKS, _BUILD_ROWS))


def drop_tables(session: Session, prefix: str, *, but: str = "") -> None:
    """Delete tables whose names begin so, those of killed processes too."""
    found = session.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'facesocial' "
        "AND starts_with(tablename, %s) AND tablename <> %s",
        (f"{prefix}_", but),
    )
    for (name,) in found.fetchall():
        drop_table(session, name)


def drop_table(session: Session, name: str) -> None:
    """Delete a table, if it is there."""
    session.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_named(name)))


def put_faces(session: Session, name: str, faces: Sequence[FaceVector]) -> None:
    """Add faces, in place of those that are there already."""
    adding = sql.SQL(
        "INSERT INTO {} (face_id, person_id, vector) VALUES (%s, %s, %b) ON CONFLICT (face_id) "
        "DO UPDATE SET person_id = excluded.person_id, vector = excluded.vector"
    ).format(_named(name))
    with session.cursor() as cursor:
        cursor.executemany(
            adding, [(face.face_id, face.person_id, _vector(face)) for face in faces]
        )


def remove_faces(session: Session, name: str, face_ids: Sequence[str]) -> int:
    """Take faces out; how many were there."""
    removing = sql.SQL("DELETE FROM {} WHERE face_id = ANY(%s)").format(_named(name))
    return session.execute(removing, (list(face_ids),)).rowcount


def move_faces(session: Session, name: str, face_ids: Sequence[str], person_id: str) -> None:
    """Give faces to another person."""
    moving = sql.SQL("UPDATE {} SET person_id = %s WHERE face_id = ANY(%s)").format(_named(name))
    session.execute(moving, (person_id, list(face_ids)))


def persons_of(session: Session, name: str, face_ids: Sequence[str]) -> set[str]:
    """Whose faces they are."""
    asked = sql.SQL("SELECT DISTINCT person_id FROM {} WHERE face_id = ANY(%s)")
    found = session.execute(asked.format(_named(name)), (list(face_ids),))
    return {str(person_id) for (person_id,) in found}


def count_rows(
    session: Session, name: str, person_ids: Iterable[str] | None = None
) -> tuple[int, int]:
    """How many faces and persons; of those persons only, where they are given."""
    asked = sql.SQL("SELECT count(*), count(DISTINCT person_id) FROM {}").format(_named(name))
    if person_ids is None:
        row = session.execute(asked).fetchone()
    else:
        asked += sql.SQL(" WHERE person_id = ANY(%s)")
        row = session.execute(asked, (list(person_ids),)).fetchone()
    return row or (0, 0)


def search_table(
    session: Session, name: str, query: NDArray[np.float32], persons: int
) -> list[Candidate]:
    """The most similar persons, by falling similarity; the rows found are compared exactly."""
    nearest = sql.SQL(
        "SELECT face_id, person_id, vector, vector <#> %b AS product FROM {} "
        "ORDER BY product LIMIT %s"
    ).format(_named(name))
    wanted = max(_FEWEST_ROWS, persons * _ROWS_PER_PERSON)
    while True:
        rows = session.execute(
            nearest, (HalfVector(query.astype(np.float16)), wanted), binary=True
        ).fetchall()
        best = _best(rows, query)[:persons]
        if len(rows) < wanted or (
            len(best) == persons and best[-1].similarity >= -rows[-1][3] + PRODUCT_ERROR
        ):
            return best
        wanted *= 4


def _best(rows: Sequence[TupleRow], query: NDArray[np.float32]) -> list[Candidate]:
    """The persons of rows, each by their most similar one; of equals the id decides."""
    best: dict[str, Candidate] = {}
    if not rows:
        return []
    matrix = np.stack([row[2].to_numpy() for row in rows]).astype(np.float32)
    similarities = np.clip(matrix @ query, -1, 1)
    for (face_id, person_id, *_), similarity in zip(rows, similarities.tolist(), strict=True):
        known = best.get(person_id)
        if known is None or similarity > known.similarity:
            best[person_id] = Candidate(person_id=person_id, face_id=face_id, similarity=similarity)
    return sorted(best.values(), key=lambda one: (-one.similarity, one.person_id))


def _vector(face: FaceVector) -> HalfVector:
    return HalfVector(np.frombuffer(face.vector, STORED))


def _named(table: str) -> sql.Identifier:
    return sql.Identifier("facesocial", table)
