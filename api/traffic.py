"""How many requests were answered, how, and how fast: counted by each process, summed in the store.

A process adds what it has counted every few seconds, in one call, so that whoever scrapes any
gateway reads the sum of all. What a killed process had not added yet is missing: figures are worth
no wait of a request. What the store did not take is added later, since an outage is just what
somebody will look for.
"""

import bisect
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from workers.errors import StoreRefused, StoreUnavailable

#: Upper bounds of what is counted together, inclusive; longer ones are counted in one more.
BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: How often a process adds what it has counted.
ADD_SECONDS = 5.0
#: Longest time it takes for that at its end.
END_SECONDS = 1.0
#: Of requests that no route takes: their methods and addresses are anybody's words.
NO_ROUTE = ("other", "none")

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteTimes:
    """How long requests of one route took, without the time they wanted to wait."""

    #: For each of BOUNDS_SECONDS, and one more: requests that took so long.
    counts: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Of all processes since the store began."""

    #: By method, route and status.
    requests: Mapping[tuple[str, str, int], int] = field(default_factory=dict)
    #: By method and route.
    times: Mapping[tuple[str, str], RouteTimes] = field(default_factory=dict)


class TrafficStore(Protocol):
    """Sums by name. Both methods raise StoreUnavailable."""

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to the sums, in one call."""
        ...

    def read(self) -> Mapping[str, int]:
        """All sums."""
        ...


class MemoryTraffic:
    """TrafficStore in one process."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()

    def add(self, counts: Mapping[str, int]) -> None:
        """See TrafficStore."""
        self._sums.update(counts)

    def read(self) -> Mapping[str, int]:
        """See TrafficStore."""
        return dict(self._sums)


class Traffic:
    """Counts the requests of this process.

    Args:
        store: Has the sums of all processes.
        add_seconds: How often they are added to, once started.
    """

    def __init__(self, store: TrafficStore, *, add_seconds: float = ADD_SECONDS) -> None:
        self._store = store
        self._add_seconds = add_seconds
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def start(self) -> None:
        """Begin to add what is counted, in the background."""
        self._thread.start()

    def close(self) -> None:
        """Add what is left, and end; called when nothing is counted any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=END_SECONDS)

    def count(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Count one request.

        Args:
            method: HTTP's word, or NO_ROUTE's.
            route: As declared, without anybody's ids in it.
            status: Of the answer.
            seconds: From its first byte to its answer; None: how long says nothing.
        """
        with self._lock:
            self._counted[f"requests {method} {route} {status}"] += 1
            if seconds is not None:
                place = bisect.bisect_left(BOUNDS_SECONDS, seconds)
                self._counted[f"took {method} {route} {place}"] += 1
                self._counted[f"us {method} {route}"] += int(seconds * 1e6)

    def figures(self) -> Figures:
        """Of all processes, with everything that this one has counted, unless the store is full.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        with suppress(StoreRefused):
            self._add()
        return _figures(self._store.read())

    def _add(self) -> None:
        with self._lock:
            counted, self._counted = self._counted, Counter()
        if not counted:
            return
        try:
            self._store.add(counted)
        except StoreUnavailable:
            # It may have been added, and only the answer be lost: rather twice than not at all.
            with self._lock:
                self._counted += counted
            raise

    def _run(self) -> None:
        while not self._stopping.wait(self._add_seconds):
            self._try_to_add()
        self._try_to_add()

    def _try_to_add(self) -> None:
        try:
            self._add()
        except StoreUnavailable as error:
            _log.warning("traffic.not_counted", error=str(error))


def _figures(sums: Mapping[str, int]) -> Figures:
    requests: dict[tuple[str, str, int], int] = {}
    counts: dict[tuple[str, str], list[int]] = {}
    for name, number in sums.items():
        kind, method, route, *rest = name.split(" ")
        if kind == "requests":
            requests[method, route, int(rest[0])] = number
        elif kind == "took":
            places = counts.setdefault((method, route), [0] * (len(BOUNDS_SECONDS) + 1))
            places[int(rest[0])] = number
    times = {
        (method, route): RouteTimes(
            counts=tuple(places), seconds=sums.get(f"us {method} {route}", 0) / 1e6
        )
        for (method, route), places in counts.items()
    }
    return Figures(requests=requests, times=times)
