"""How far PostgreSQL has followed each collection's log: a row beside the vectors themselves."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from workers.identities.engine.connection import TableGone
from workers.identities.log_records import LogPlace
from workers.identities.records import EmbeddingContract

_COLUMNS = (
    "uid, table_name, version, mark, generation, contract, faces, persons, is_graph, "
    "cleaned_version"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A collection in PostgreSQL."""

    uid: str
    #: Of its vectors; "": it has none yet.
    table: str
    #: How far the log was followed.
    place: LogPlace
    generation: int
    contract: EmbeddingContract | None
    faces: int
    persons: int
    #: Whether the vectors are searched through a graph.
    is_graph: bool
    #: Of what was removed up to that version of the log, nothing is in the table's files either.
    cleaned_version: int


def read_place(connection: Connection[TupleRow], uid: str) -> Place | None:
    """A collection's place; None: it is not here."""
    asked = f"SELECT {_COLUMNS} FROM facesocial.places WHERE uid = %s"  # noqa: S608 - constants
    row = connection.execute(asked, (uid,)).fetchone()
    return None if row is None else _place(row)


def lock_place(connection: Connection[TupleRow], uid: str) -> Place:
    """A collection's place, made if it is not there; nobody else changes it in this transaction."""
    connection.execute(
        "INSERT INTO facesocial.places (uid) VALUES (%s) ON CONFLICT DO NOTHING", (uid,)
    )
    asked = f"SELECT {_COLUMNS} FROM facesocial.places WHERE uid = %s FOR UPDATE"  # noqa: S608 - constants
    row = connection.execute(asked, (uid,)).fetchone()
    if row is None:
        raise TableGone  # somebody forgot the collection between the two statements
    return _place(row)


def write_place(connection: Connection[TupleRow], place: Place) -> None:
    """Note how far a collection is."""
    contract = "" if place.contract is None else json.dumps(dataclasses.asdict(place.contract))
    values = (
        place.uid,
        place.table,
        place.place.version,
        place.place.mark,
        place.generation,
        contract,
        place.faces,
        place.persons,
        place.is_graph,
        place.cleaned_version,
    )
    connection.execute(
        f"INSERT INTO facesocial.places ({_COLUMNS}) "  # noqa: S608 - constants
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (uid) DO UPDATE SET "
        "table_name = excluded.table_name, version = excluded.version, mark = excluded.mark, "
        "generation = excluded.generation, contract = excluded.contract, faces = excluded.faces, "
        "persons = excluded.persons, is_graph = excluded.is_graph, "
        "cleaned_version = excluded.cleaned_version",
        values,
    )


def drop_place(connection: Connection[TupleRow], uid: str) -> None:
    """Forget a collection's place."""
    connection.execute("DELETE FROM facesocial.places WHERE uid = %s", (uid,))


def all_uids(connection: Connection[TupleRow]) -> Sequence[str]:
    """The collections that are here."""
    return [str(uid) for (uid,) in connection.execute("SELECT uid FROM facesocial.places")]


def _place(row: TupleRow) -> Place:
    uid, table, version, mark, generation, contract, faces, persons, is_graph, cleaned = row
    return Place(
        uid=uid,
        table=table,
        place=LogPlace(version=version, mark=mark),
        generation=generation,
        contract=EmbeddingContract(**json.loads(contract)) if contract else None,
        faces=faces,
        persons=persons,
        is_graph=is_graph,
        cleaned_version=cleaned,
    )
