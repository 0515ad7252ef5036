"""The FaceSearcher on PostgreSQL with pgvector: for collections beyond one machine's memory."""

import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import structlog
from numpy.typing import NDArray
from psycopg import IsolationLevel

from workers.errors import StoreUnavailable
from workers.identities.engine.connection import Database, TableGone
from workers.identities.engine.face_table import search_table
from workers.identities.engine.following import BELIEVED_SECONDS, ENGINE, TableFollower
from workers.identities.engine.places import Place, all_uids, read_place
from workers.identities.errors import CollectionNotFound, ContractMismatch, IdentityError
from workers.identities.index.follower import VectorSource
from workers.identities.log_records import LogPlace
from workers.identities.records import EmbeddingContract
from workers.identities.search import Found
from workers.identities.store import FaceLog

#: Who keeps the tables at this moment holds this lock of PostgreSQL's; any number.
_KEEPER_LOCK = 0x0FACE50C1A2
#: Tables may be replaced that often while one search looks for them.
_MOST_TRIES = 5
#: After writing a table anew that many times as long is rested, so that it never takes more than a
#: tenth of the engine's time.
_REST = 9.0

_log = structlog.get_logger()


class EngineSearcher:
    """A FaceSearcher over tables in PostgreSQL, which all processes share.

    Args:
        database: For searches.
        keeping: Another connection, for what `keep` does.
        log: What tables follow.
        persons: Tells vectors that the log doesn't hold.
        exact_faces: Collections with more get a graph.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        database: Database,
        keeping: Database,
        log: FaceLog,
        persons: VectorSource,
        *,
        exact_faces: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._keeping = keeping
        self._log = log
        self._follower = TableFollower(log, persons, exact_faces=exact_faces)
        self._exact_faces = exact_faces
        self._clock = clock
        #: By collection what the store was told last, and when to tell it again.
        self._told: dict[str, tuple[int, float]] = {}
        #: By collection when its table may be written anew next.
        self._rewrite_at: dict[str, float] = {}

    def search(
        self, uid: str, queries: NDArray[np.float32], *, contract: EmbeddingContract, persons: int
    ) -> Found:
        """See FaceSearcher."""
        try:
            head = self._log.head(uid)
            if head.contract is None:
                return _nothing(len(queries), head.place.version)
            wanted: LogPlace | None = head.place
            for _ in range(_MOST_TRIES):
                with suppress(TableGone):
                    found = self._search(uid, queries, contract, persons, wanted)
                    if found is not None:
                        return found
                    with self._database.transaction() as session:
                        self._follower.follow(session, uid)
                    # Whoever follows after this one has got at least as far.
                    wanted = None
        except CollectionNotFound:
            self._forget(self._database, uid)
            raise
        raise StoreUnavailable("The collection's table is being replaced all the time. Try again.")

    def keep(self) -> None:
        """Have all tables follow, write them anew, tell the store; one process does at a time.

        Raises:
            StoreUnavailable: PostgreSQL or the store does not answer.
        """
        with self._keeping.held_lock(_KEEPER_LOCK) as is_mine:
            if not is_mine:
                return
            with self._keeping.transaction() as session:
                uids = all_uids(session)
            for uid in uids:
                try:
                    with suppress(TableGone):
                        self._keep(uid)
                except CollectionNotFound:
                    self._forget(self._keeping, uid)
                except IdentityError as error:
                    # One that can't be read keeps no other from forgetting.
                    _log.error("identities.table_not_kept", collection=uid, error=str(error))

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()
        self._keeping.close()

    def _search(
        self,
        uid: str,
        queries: NDArray[np.float32],
        contract: EmbeddingContract,
        persons: int,
        wanted: LogPlace | None,
    ) -> Found | None:
        """What was found; None: the table is not at the place that is wanted."""
        with self._database.transaction(IsolationLevel.REPEATABLE_READ) as session:
            place = read_place(session, uid)
            if place is None or (wanted is not None and place.place != wanted):
                return None
            if place.contract is None:
                return _nothing(len(queries), place.place.version)
            if place.contract != contract:
                raise ContractMismatch
            return Found(
                candidates=[search_table(session, place.table, one, persons) for one in queries],
                version=place.place.version,
                faces=place.faces,
                persons=place.persons,
                contract=place.contract,
                index=ENGINE,
            )

    def _keep(self, uid: str) -> None:
        head = self._log.head(uid)
        with self._keeping.transaction() as session:
            place = read_place(session, uid)
            if place is None or place.place != head.place:
                place = self._follower.follow(session, uid)
        if self._is_rewrite_due(place):
            started = self._clock()
            self._follower.rewrite(self._keeping, uid)
            took = self._clock() - started
            self._rewrite_at[uid] = self._clock() + _REST * took
            _log.info("identities.table_rewritten", collection=uid, seconds=round(took, 1))
            with self._keeping.transaction() as session:
                place = read_place(session, uid) or place
        told = self._told.get(uid)
        if told is None or told[0] != place.cleaned_version or self._clock() > told[1]:
            self._log.followed(uid, ENGINE, place.cleaned_version, ttl_seconds=BELIEVED_SECONDS)
            self._told[uid] = (place.cleaned_version, self._clock() + BELIEVED_SECONDS / 4)

    def _is_rewrite_due(self, place: Place) -> bool:
        """Whether a table has rows that were removed, or has grown so that it wants a graph."""
        is_wanted = place.cleaned_version < place.place.version or (
            place.faces > self._exact_faces and not place.is_graph
        )
        is_rested = self._clock() >= self._rewrite_at.get(place.uid, 0.0)
        return bool(place.table) and is_wanted and is_rested

    def _forget(self, database: Database, uid: str) -> None:
        self._follower.forget(database, uid)
        self._told.pop(uid, None)
        self._rewrite_at.pop(uid, None)


def open_engine(
    url: str, log: FaceLog, persons: VectorSource, *, exact_faces: int
) -> EngineSearcher:
    """A searcher on the PostgreSQL at a URL; connects when it is first used.

    Args:
        url: `postgresql://...`; its user must be allowed to make a schema, and the extension
            unless it is there.
        log: What tables follow.
        persons: Tells vectors that the log doesn't hold.
        exact_faces: Collections with more are searched through a graph.
    """
    return EngineSearcher(Database(url), Database(url), log, persons, exact_faces=exact_faces)


def _nothing(queries: int, version: int) -> Found:
    return Found(
        candidates=[[] for _ in range(queries)],
        version=version,
        faces=0,
        persons=0,
        contract=None,
        index=ENGINE,
    )
