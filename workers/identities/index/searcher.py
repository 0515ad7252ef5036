"""The FaceSearcher of a worker process: indexes in memory, those used longest ago leave."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import structlog
from numpy.typing import NDArray

from workers.errors import StoreUnavailable
from workers.identities.errors import CollectionNotFound, ContractMismatch, VaultUnavailable
from workers.identities.index.follower import Follower, VectorSource
from workers.identities.index.loaded import LoadedCollection
from workers.identities.index.snapshots import Snapshots
from workers.identities.records import EmbeddingContract
from workers.identities.search import Candidate, Found
from workers.identities.store import FaceLog

#: An index that takes longer to load is worth sending jobs to where it is, and so many are told.
SLOW_SECONDS, MOST_SLOW = 0.25, 32
_MEGABYTE = 1024 * 1024

_log = structlog.get_logger()


class LocalSearcher:
    """A FaceSearcher over indexes of this process.

    Args:
        log: What indexes follow.
        persons: Tells vectors that the log doesn't hold.
        index_mb: Memory for all indexes; the one searched last stays whatever its size.
        exact_faces: Collections with more faces are searched through codes.
        process: Name of this process: host and process id.
        snapshots: Where indexes lie ready; None: they are always made from the store.
        clock: Seconds that only grow.
    """

    def __init__(  # noqa: PLR0913 - what is set, and what it stands on
        self,
        log: FaceLog,
        persons: VectorSource,
        *,
        index_mb: int,
        exact_faces: int,
        process: str,
        snapshots: Snapshots | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._persons = persons
        self._most_bytes = index_mb * _MEGABYTE
        self._exact_faces = exact_faces
        self._process = process
        self._snapshots = snapshots
        self._clock = clock
        self._loaded: OrderedDict[str, LoadedCollection] = OrderedDict()
        self._lock = threading.Lock()

    def search(
        self,
        uid: str,
        queries: NDArray[np.float32],
        *,
        contract: EmbeddingContract,
        persons: int,
    ) -> Found:
        """See FaceSearcher."""
        found = None
        try:
            while found is None:
                found = self._search(self._get(uid), queries, contract, persons)
        except CollectionNotFound:
            self._bury(uid)
            raise
        finally:
            self._shrink()
        return found

    def keep(self) -> None:
        """Follow every loaded collection, and tell the store; called about every second."""
        for loaded in self._all():
            # Whoever holds it follows by itself.
            if loaded.lock.acquire(blocking=False):
                try:
                    loaded.keep()
                except CollectionNotFound:
                    self._bury(loaded.uid)
                except Exception:  # noqa: BLE001 - it keeps no other from forgetting
                    _log.exception("identities.keeper_fault", collection=loaded.uid)
                    loaded.drop()
                finally:
                    loaded.lock.release()
        self._shrink()

    def save(self, *, at_once: bool = False) -> None:
        """Write the snapshots that are due, or all of them; called now and then."""
        if self._snapshots is None:
            return
        for loaded in self._all():
            try:
                loaded.save(self._snapshots, at_once=at_once)
            except (CollectionNotFound, StoreUnavailable, VaultUnavailable) as error:
                _log.warning(
                    "identities.snapshot_not_written", collection=loaded.uid, error=str(error)
                )

    def loaded(self) -> dict[str, int]:
        """Collections in memory by uid, with their faces."""
        return {loaded.uid: loaded.follower.faces for loaded in self._all()}

    def slow_to_load(self) -> list[str]:
        """Collections in memory that took long to load, those used last first; some of many."""
        slow = [one.uid for one in self._all() if one.follower.load_seconds >= SLOW_SECONDS]
        return slow[::-1][:MOST_SLOW]

    def close(self) -> None:
        """Overwrite everything; the process ends."""
        for loaded in self._all():
            with loaded.lock:
                loaded.drop()
        self._sort_out()

    def _search(
        self,
        loaded: LoadedCollection,
        queries: NDArray[np.float32],
        contract: EmbeddingContract,
        persons: int,
    ) -> Found | None:
        """What was found; None: the index has just left memory."""
        with loaded.lock:
            if loaded.is_dropped:
                self._sort_out()
                return None
            loaded.follow()
            follower = loaded.follower
            if follower.contract not in {None, contract}:
                raise ContractMismatch
            index = follower.index
            candidates: list[list[Candidate]] = [[] for _ in queries]
            if index is not None:
                candidates = index.search(queries, persons)
            return Found(
                candidates=candidates,
                version=follower.version,
                faces=follower.faces,
                persons=0 if index is None else index.persons,
                contract=follower.contract,
                index="exact" if index is None else index.kind,
            )

    def _bury(self, uid: str) -> None:
        """Delete what is left of a collection that was deleted."""
        _log.info("identities.collection_gone", collection=uid)
        if self._snapshots is not None:
            self._snapshots.delete(uid)

    def _get(self, uid: str) -> LoadedCollection:
        with self._lock:
            loaded = self._loaded.get(uid)
            if loaded is None or loaded.is_dropped:
                loaded = self._loaded[uid] = self._open(uid)
            self._loaded.move_to_end(uid)
            return loaded

    def _open(self, uid: str) -> LoadedCollection:
        def follow_with(beginning: Callable[[], None]) -> Follower:
            return Follower(
                uid,
                self._log,
                self._persons,
                exact_faces=self._exact_faces,
                snapshots=self._snapshots,
                beginning=beginning,
            )

        return LoadedCollection(
            uid, follow_with, self._log, process=self._process, clock=self._clock
        )

    def _all(self) -> list[LoadedCollection]:
        """Those used longest ago first."""
        with self._lock:
            return list(self._loaded.values())

    def _sort_out(self) -> None:
        """Forget the places of those that have left memory."""
        with self._lock:
            for uid in [uid for uid, loaded in self._loaded.items() if loaded.is_dropped]:
                del self._loaded[uid]

    def _shrink(self) -> None:
        """Let those leave that were used longest ago, until the rest fits."""
        everything = self._all()
        size = sum(loaded.follower.size_bytes for loaded in everything)
        for loaded in everything[:-1]:
            if size <= self._most_bytes:
                break
            size -= loaded.follower.size_bytes
            with loaded.lock:
                loaded.drop()
        self._sort_out()
