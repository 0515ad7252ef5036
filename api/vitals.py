"""How the fleet does, for probes and for whoever watches: looked up once a second at most."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from api.drain import Drain
from api.timestamps import timestamp
from vram.errors import LedgerUnavailable
from vram.fleet import Fleet
from workers.contract import LANES, Lane
from workers.errors import StoreUnavailable
from workers.jobs.store import JobStore

#: Probes of several load balancers cost the store no more than one does.
KEPT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """How the fleet did at a moment."""

    #: Jobs that wait, by lane.
    waiting: Mapping[Lane, int]
    #: None: the ledger does not answer, and the CPU does all work.
    live_devices: int | None
    #: Processes of CPU workers that gave a sign of life; None likewise.
    cpu_processes: int | None

    @property
    def is_degraded(self) -> bool:
        """Whether jobs are done by less than there is."""
        return self.live_devices is None


#: Of this process.
_STARTED_MS = int(time.time() * 1000)
_STARTED = time.monotonic()


class Vitals:
    """Looks at the fleet for everybody in this process.

    Args:
        jobs: What waits is counted.
        fleet: Who does it.
        require_writes: Raises StoreUnavailable where the job store takes no writes, and so no jobs.
        kept_seconds: How long what was found is told.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        jobs: JobStore,
        fleet: Fleet,
        *,
        require_writes: Callable[[], None],
        kept_seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs
        self._fleet = fleet
        self._require_writes = require_writes
        self._kept_seconds = kept_seconds
        self._clock = clock
        self._lock = threading.Lock()
        #: What was found last, and until when it is told.
        self._found: Pulse | StoreUnavailable | None = None
        self._kept_until = 0.0

    def pulse(self) -> Pulse:
        """How the fleet does, no longer ago than a second; who asks meanwhile waits for that.

        Raises:
            StoreUnavailable: the job store takes no writes or does not answer, or did not a moment
                ago.
        """
        with self._lock:
            if self._found is None or self._clock() >= self._kept_until:
                self._found = self._look()
                self._kept_until = self._clock() + self._kept_seconds
            found = self._found
        if isinstance(found, StoreUnavailable):
            raise StoreUnavailable(str(found))
        return found

    def _look(self) -> Pulse | StoreUnavailable:
        try:
            # A store that is full can still be read.
            self._require_writes()
            queues = self._jobs.waiting_queues()
        except StoreUnavailable as error:
            return error
        waiting = dict.fromkeys(LANES, 0)
        for queue, jobs in queues.items():
            for lane in LANES:
                waiting[lane] += jobs if queue.endswith(f".{lane}") else 0
        try:
            outlook = self._fleet.outlook([], limit=0)
        except LedgerUnavailable:
            return Pulse(waiting=waiting, live_devices=None, cpu_processes=None)
        return Pulse(
            waiting=waiting,
            live_devices=outlook.live_devices,
            cpu_processes=outlook.cpu_processes,
        )


def status_body(vitals: Vitals, drain: Drain) -> dict[str, Any]:
    """This process and the fleet in a few figures, as `api.answers.health.SystemStatus`.

    Raises:
        StoreUnavailable: as `Vitals.pulse`.
    """
    pulse = vitals.pulse()
    usual = "degraded" if pulse.is_degraded else "ok"
    return {
        "status": "draining" if drain.announced else usual,
        "version": _version(),
        "started_at": timestamp(_STARTED_MS),
        "uptime_seconds": round(time.monotonic() - _STARTED, 1),
        "waiting_jobs": dict(pulse.waiting),
        "live_devices": pulse.live_devices,
        "cpu_processes": pulse.cpu_processes,
    }


@cache
def _version() -> str:
    return metadata.version("facesocial")
