"""What a device's memory looks like from outside: the port, and devices that are only numbers.

`vram.nvml` reads real cards. Accounting rests on the device's totals only: what a single process
uses can't be read in most containers, under WSL 2 or on Windows, so it is shown where it can be
seen and never counted with.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from vram.errors import ProbeFailed

MIB = 2**20

#: gpu: a whole card · mig: an instance of a divided card · vgpu: a virtual machine's share of one ·
#: simulated: a worker's book · fixed: numbers somebody gave.
ProbeKind = Literal["gpu", "mig", "vgpu", "simulated", "fixed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a device is; does not change."""

    kind: ProbeKind
    #: The driver's: the same after a restart and in a container. None: it has none.
    uuid: str | None = None
    #: Version of the driver.
    driver: str | None = None
    #: What a reader of its figures should know: how it is capped, what can't be read.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A device's memory and load at one moment; None: it can't be read here."""

    #: All of it; a capped device's cap.
    total_mib: int
    #: By anybody, the driver included; rounded up.
    used_mib: int
    #: Rounded down.
    free_mib: int
    #: The driver's own part of `used_mib`.
    reserved_mib: int | None = None
    #: This process's part of `used_mib`; never accounted with.
    own_mib: int | None = None
    #: Part of the last moments in which a kernel ran, percent.
    utilisation_percent: int | None = None
    temperature_celsius: int | None = None


class MemoryProbe(Protocol):
    """Reads one device's memory, everybody's use of it included."""

    @property
    def name(self) -> str:
        """What the driver calls the device."""
        ...

    @property
    def identity(self) -> Identity:
        """What it is."""
        ...

    @property
    def total_bytes(self) -> int:
        """All of the device's memory."""
        ...

    def used_bytes(self) -> int:
        """What is taken now, by any process and by the driver.

        Raises:
            ProbeFailed: the device can't be read.
        """
        ...

    def read(self) -> Reading:
        """Memory and load now.

        Raises:
            ProbeFailed: the device can't be read.
        """
        ...


def _no_bytes() -> int:
    return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedProbe:
    """A device that exists only as numbers."""

    total_bytes: int
    name: str = "simulated device"
    #: Tells what is taken now.
    used: Callable[[], int] = _no_bytes
    kind: ProbeKind = "simulated"

    @property
    def identity(self) -> Identity:
        """See MemoryProbe."""
        return Identity(kind=self.kind, notes=(f"{self.kind}: no device is read",))

    def used_bytes(self) -> int:
        """See MemoryProbe."""
        return self.used()

    def read(self) -> Reading:
        """See MemoryProbe."""
        return reading(self.total_bytes, self.used_bytes())


class FixedProbe:
    """A device whose figures somebody sets: for tests, and for cards that can't be read.

    Attributes:
        taken_bytes: What `used_bytes` answers; may be set.
        error: What the next readings fail with; None: they succeed.
    """

    def __init__(self, *, total_bytes: int, taken_bytes: int = 0, name: str = "fixed") -> None:
        self.name = name
        self.total_bytes = total_bytes
        self.taken_bytes = taken_bytes
        self.error: str | None = None

    @property
    def identity(self) -> Identity:
        """See MemoryProbe."""
        return Identity(kind="fixed", notes=("fixed: no device is read",))

    def used_bytes(self) -> int:
        """See MemoryProbe."""
        if self.error is not None:
            raise ProbeFailed(self.error)
        return self.taken_bytes

    def read(self) -> Reading:
        """See MemoryProbe."""
        return reading(self.total_bytes, self.used_bytes())


def reading(total_bytes: int, used_bytes: int) -> Reading:
    """Totals in MiB, rounded to the side that promises less."""
    return Reading(
        total_mib=total_bytes // MIB,
        used_mib=-(-used_bytes // MIB),
        free_mib=max(0, total_bytes - used_bytes) // MIB,
    )


def median_used_mib(
    probe: MemoryProbe,
    *,
    readings: int = 3,
    pause_seconds: float = 0.05,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """What is taken, MiB, rounded up: the median of several readings.

    One reading may fall into another process's start or end; a driver also gives memory back late.

    Raises:
        ProbeFailed: the device can't be read.
    """
    found = []
    for number in range(readings):
        if number:
            sleep(pause_seconds)
        found.append(probe.used_bytes())
    return -(-int(statistics.median_high(found)) // MIB)
