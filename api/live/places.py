"""How many connections a user has, in all gateway processes together."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

#: A place that was not kept for so long is free: its process is gone.
PLACE_SECONDS = 90.0


class Places(Protocol):
    """Shared by all gateway processes. Raises StoreUnavailable when the store does not answer."""

    def take(self, user_id: str, connection_id: str, *, most: int) -> bool:
        """Take or keep a connection's place; False: the user has `most` others."""
        ...

    def leave(self, user_id: str, connection_id: str) -> None:
        """Give a place back. Giving it back twice changes nothing."""
        ...


class MemoryPlaces:
    """Places in one process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: When each place is free, by user and connection.
        self._taken: defaultdict[str, dict[str, float]] = defaultdict(dict)

    def take(self, user_id: str, connection_id: str, *, most: int) -> bool:
        """See Places."""
        now = self._clock()
        with self._lock:
            taken = {one: end for one, end in self._taken[user_id].items() if end > now}
            if connection_id not in taken and len(taken) >= most:
                return False
            self._taken[user_id] = {**taken, connection_id: now + PLACE_SECONDS}
            return True

    def leave(self, user_id: str, connection_id: str) -> None:
        """See Places."""
        with self._lock:
            self._taken[user_id].pop(connection_id, None)
