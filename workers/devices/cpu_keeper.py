"""A CPU worker's sign of life for the router, and what it has learned of its models' times."""

import threading

import structlog

from vram.errors import LedgerUnavailable
from vram.fleet import Fleet
from workers.devices.timings import Timings

#: Several to one silence after which a process is forgotten.
BEATS = 3

_log = structlog.get_logger()


class CpuKeeper:
    """Tells the fleet of one process for its life.

    Args:
        fleet: Where routers look.
        process: Its name: host and process id.
        timings: What it has measured.
        live_seconds: How long others believe a sign of life.
    """

    def __init__(
        self, fleet: Fleet, *, process: str, timings: Timings, live_seconds: float
    ) -> None:
        self._fleet = fleet
        self._process = process
        self._timings = timings
        self._live_seconds = live_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cpu-beat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; silence tells the rest."""
        self._done.set()
        self._thread.join()

    def beat(self) -> None:
        """Give a sign of life.

        Raises:
            LedgerUnavailable: the store does not answer.
        """
        self._fleet.beat_cpu(self._process, live_seconds=self._live_seconds)
        if service_ms := self._timings.take():
            self._fleet.learn(service_ms=service_ms)

    def _run(self) -> None:
        is_away = False
        while True:
            try:
                self.beat()
                is_away = False
            except LedgerUnavailable as error:
                if not is_away:
                    _log.warning("cpu.beat_failed", error=str(error))
                is_away = True
            except Exception:  # noqa: BLE001 - the keeper outlives its faults
                _log.exception("cpu.keeper_fault")
            if self._done.wait(self._live_seconds / BEATS):
                return
