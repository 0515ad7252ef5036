"""A device's memory as a worker reads it: what is taken, what came, what came back."""

import time
from collections.abc import Callable

import structlog

from vram.errors import ProbeFailed
from vram.probe import MemoryProbe

MEBIBYTE = 1024 * 1024
#: Two readings that differ by more were taken while something moved.
UNSTEADY_MIB = 8
PAUSE_SECONDS = 0.02
#: An unload is waited for until so much is back, or for so long (Ollama waits alike); less long
#: once something is back and no more comes, since a model may have taken less than it was charged.
BACK_SHARE, BACK_SECONDS, STILL_SECONDS = 0.75, 5.0, 0.5
POLL_SECONDS = 0.1

_log = structlog.get_logger()


class DeviceMemory:
    """Readings of one device in MiB, rounded up.

    Args:
        probe: Reads it; None where it can't be read.
        clock: Seconds, monotonic.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        probe: MemoryProbe | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._probe = probe
        self._clock = clock
        self._sleep = sleep

    @property
    def readable(self) -> bool:
        """Whether there is anything to read."""
        return self._probe is not None

    def used_mib(self) -> int:
        """What is taken, by anybody.

        Raises:
            ProbeFailed: it can't be read.
        """
        if self._probe is None:
            raise ProbeFailed
        return -(-self._probe.used_bytes() // MEBIBYTE)

    def free_mib(self) -> int | None:
        """What is free; None where it can't be read."""
        if self._probe is None:
            return None
        try:
            return max(0, self._probe.total_bytes // MEBIBYTE - self.used_mib())
        except ProbeFailed as error:
            _log.warning("device.not_readable", error=str(error))
            return None

    def steady_mib(self) -> int | None:
        """What is taken, if it stays so for a moment; None if it moves or can't be read."""
        if self._probe is None:
            return None
        try:
            first_mib = self.used_mib()
            self._sleep(PAUSE_SECONDS)
            second_mib = self.used_mib()
        except ProbeFailed as error:
            _log.warning("device.not_readable", error=str(error))
            return None
        return second_mib if abs(second_mib - first_mib) <= UNSTEADY_MIB else None

    def grown_mib(self, before_mib: int | None, *, least_mib: float, most_mib: float) -> int | None:
        """By how much it grew since; None where that says nothing.

        Others use the device too. What shrank, or grew by less than a model's weights or by far
        more than it can take, was not the model alone.
        """
        after_mib = None if before_mib is None else self.steady_mib()
        if before_mib is None or after_mib is None:
            return None
        grown_mib = after_mib - before_mib
        return grown_mib if max(1, least_mib) <= grown_mib <= most_mib else None

    def returned_mib(self, before_mib: int | None, vram_mib: int) -> int | None:
        """Wait until so much is back, or long enough; how much is. None where it can't be read."""
        if before_mib is None:
            return None
        back_mib, until = 0, self._clock() + BACK_SECONDS
        while True:
            try:
                now_mib = before_mib - self.used_mib()
            except ProbeFailed as error:
                _log.warning("device.not_readable", error=str(error))
                return None
            if now_mib > back_mib:
                back_mib, until = now_mib, min(until, self._clock() + STILL_SECONDS)
            if back_mib >= vram_mib * BACK_SHARE or self._clock() >= until:
                return min(back_mib, vram_mib)
            self._sleep(POLL_SECONDS)
