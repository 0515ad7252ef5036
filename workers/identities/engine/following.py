"""Brings a collection's table to the end of its log, in one transaction."""

import dataclasses
from collections.abc import Iterator, Sequence

import structlog
from psycopg import IsolationLevel

from workers.errors import StoreUnavailable
from workers.identities.embeddings import STORED
from workers.identities.engine.connection import Database, TableGone
from workers.identities.engine.face_table import (
    Session,
    copy_table,
    count_rows,
    drop_table,
    drop_tables,
    fill_table,
    make_graph,
    make_table,
    move_faces,
    persons_of,
    put_faces,
    remove_faces,
)
from workers.identities.engine.places import (
    Place,
    drop_place,
    lock_place,
    read_place,
    write_place,
)
from workers.identities.index.follower import VectorSource
from workers.identities.log_records import LoggedChange
from workers.identities.records import FaceVector
from workers.identities.store import MOST_CHANGES, MOST_LISTED, FaceLog

#: What the engine is called where processes say how far they have followed.
ENGINE = "pgvector"
#: For how long that is believed without another word. What a process has in memory is gone with
#: it; what PostgreSQL has is not.
BELIEVED_SECONDS = 30 * 86_400.0
#: A log that leads nowhere so often in a row is given up for this search.
_MOST_STARTS = 5
#: Names of tables that are being copied begin so: a follower that makes one anew leaves them.
_COPY = "copy_"

_log = structlog.get_logger()


class TableFollower:
    """Follows logs.

    Args:
        log: What is followed.
        persons: Tells vectors that the log doesn't hold.
        exact_faces: Collections with more get a graph.
    """

    def __init__(self, log: FaceLog, persons: VectorSource, *, exact_faces: int) -> None:
        self._log = log
        self._persons = persons
        self._exact_faces = exact_faces

    def follow(self, session: Session, uid: str) -> Place:
        """Take in what has happened to a collection; others wait until the transaction ends.

        Raises:
            CollectionNotFound: there is none (any more).
            StoreUnavailable: the log can't be read.
        """
        place = lock_place(session, uid)
        for _ in range(_MOST_STARTS):
            followed = self._follow_log(session, place) if place.table else None
            if followed is None:
                place = self._rebuild(session, place)
                if place.table:
                    continue
                followed = place
            write_place(session, followed)
            return followed
        raise StoreUnavailable("The log of a collection can't be followed: it changes too often.")

    def rewrite(self, database: Database, uid: str) -> None:
        """Copy a table that had rows removed into a new one, and delete it.

        PostgreSQL only marks rows as removed, and VACUUM only makes their room free: what was in
        it stays in the file until it is used again. Meanwhile the old table is searched, and
        follows.

        Raises:
            CollectionNotFound: there is none (any more).
            StoreUnavailable: PostgreSQL or the log can't be read.
            TableGone: the old table was replaced meanwhile.
        """
        with database.transaction() as session:
            # Whoever was killed at this left one. Nobody else is at it: there is one keeper.
            drop_tables(session, _COPY + uid, but=lock_place(session, uid).table)
        with database.transaction(IsolationLevel.REPEATABLE_READ) as session:
            session.execute("SET LOCAL statement_timeout = 0")
            old = read_place(session, uid)
            if old is None or old.contract is None:
                return
            table = make_table(session, _COPY + uid, old.contract.dimensions)
            copy_table(session, old.table, table)
            is_graph = old.faces > self._exact_faces
            if is_graph:
                make_graph(session, table)
        with database.transaction() as session:
            if lock_place(session, uid).table != old.table:
                raise TableGone
            new = dataclasses.replace(
                old, table=table, is_graph=is_graph, cleaned_version=old.place.version
            )
            followed = self._follow_log(session, new)
            if followed is None:
                raise TableGone
            write_place(session, followed)
            drop_table(session, old.table)

    def forget(self, database: Database, uid: str) -> None:
        """Delete what there is of a collection that is gone, and say so."""
        with database.transaction() as session:
            for prefix in (uid, _COPY + uid):
                drop_tables(session, prefix)
            drop_place(session, uid)
        self._log.followed(uid, ENGINE, -1, ttl_seconds=BELIEVED_SECONDS)

    def _rebuild(self, session: Session, before: Place) -> Place:
        """Read everything the store has. What changes meanwhile, the log will tell."""
        uid = before.uid
        # First: a deletion waits from now on until it was followed here.
        self._log.followed(uid, ENGINE, 0, ttl_seconds=BELIEVED_SECONDS)
        session.execute("SET LOCAL statement_timeout = 0")
        head = self._log.head(uid)
        table, counts, is_graph = "", (0, 0), False
        if head.contract is not None:
            table = make_table(session, uid, head.contract.dimensions)
            fill_table(session, table, self._pages(uid, head.contract.dimensions))
            counts = count_rows(session, table)
            is_graph = counts[0] > self._exact_faces
            if is_graph:
                make_graph(session, table)
            _log.info("identities.table_built", collection=uid, faces=counts[0])
        if before.table:
            drop_table(session, before.table)
        drop_tables(session, uid, but=table)
        return Place(
            uid=uid,
            table=table,
            place=head.place,
            generation=head.generation,
            contract=head.contract,
            faces=counts[0],
            persons=counts[1],
            is_graph=is_graph,
            cleaned_version=head.place.version,
        )

    def _pages(self, uid: str, dimensions: int) -> Iterator[Sequence[FaceVector]]:
        cursor, is_first = "", True
        while cursor or is_first:
            page = self._log.scan(uid, cursor=cursor, limit=MOST_LISTED)
            yield _fitting(page.vectors, dimensions)
            cursor, is_first = page.cursor, False

    def _follow_log(self, session: Session, place: Place) -> Place | None:
        """The place at the log's end; None: the table has to be made anew."""
        while changes := self._log.changes(place.uid, place.place, limit=MOST_CHANGES):
            if any(change.kind == "reset" for change in changes):
                return None
            place, has_read = self._apply(session, place, changes)
            if has_read and self._log.head(place.uid).generation != place.generation:
                return None
            if len(changes) < MOST_CHANGES:
                return place
        return None if changes is None else place

    def _apply(
        self, session: Session, place: Place, changes: Sequence[LoggedChange]
    ) -> tuple[Place, bool]:
        """Take changes in; the place after them, and whether vectors were read for that.

        What counts of a face is the last thing that happened to it, and of a face that was added
        whose it is now.
        """
        added: dict[str, None] = {}
        for change in changes:
            if change.kind == "added":
                added.update(dict.fromkeys(change.face_ids))
            elif change.kind == "removed":
                for face_id in change.face_ids:
                    added.pop(face_id, None)
        vectors = self._vectors(place, list(added))
        touched = {face_id for change in changes for face_id in change.face_ids}
        concerned = persons_of(session, place.table, list(touched))
        concerned |= {change.person_id for change in changes}
        concerned |= {face.person_id for face in vectors}
        before = count_rows(session, place.table, concerned)
        removed = 0
        for change in changes:
            if change.kind == "moved":
                move_faces(session, place.table, change.face_ids, change.person_id)
            elif change.kind == "removed":
                removed += remove_faces(session, place.table, change.face_ids)
        put_faces(session, place.table, vectors)
        after = count_rows(session, place.table, concerned)
        end = changes[-1].place
        # What is taken out now is still in the files, until they are written anew.
        is_clean = not removed and place.cleaned_version == place.place.version
        return dataclasses.replace(
            place,
            place=end,
            faces=place.faces + after[0] - before[0],
            persons=place.persons + after[1] - before[1],
            cleaned_version=end.version if is_clean else place.cleaned_version,
        ), bool(added)

    def _vectors(self, place: Place, face_ids: Sequence[str]) -> list[FaceVector]:
        found: list[FaceVector] = []
        for first in range(0, len(face_ids), MOST_LISTED):
            part = face_ids[first : first + MOST_LISTED]
            found += self._persons.vectors(place.uid, part)
        return _fitting(found, place.contract.dimensions if place.contract else 0)


def _fitting(faces: Sequence[FaceVector], dimensions: int) -> list[FaceVector]:
    """Those of the model that is searched; the rest comes with a change the log tells of."""
    return [face for face in faces if len(face.vector) == dimensions * STORED.itemsize]
