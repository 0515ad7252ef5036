"""The fleet as the router sees it: a summary of each device, how busy it is, how fast work goes.

This is a port; `vram.redis_fleet` implements it. What is here advises and may be seconds old: the
ledger of the device decides. A question costs the same with one device or a thousand, because the
candidates come from indexes by model and by free room.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from vram.records import DeviceKind, Priority

#: closed: serves · open: gets no jobs for a while · half_open: gets one job to show that it serves.
Breaker = Literal["closed", "open", "half_open"]
Where = Literal["gpu", "cpu"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSummary:
    """What a device's holder publishes at each sign of life, and the breaker's view of it."""

    id: str
    kind: DeviceKind
    incarnation: int
    #: `DeviceState.version` it was made from: an older one never replaces a newer one.
    version: int
    #: Ready models.
    resident: tuple[str, ...]
    #: Reserved or being loaded.
    coming: tuple[str, ...]
    #: Room without an eviction, and what could be evicted in favour of each class.
    free_mib: int
    evictable_mib: Mapping[Priority, int]
    #: Free and evictable room a class may own at most (nested levels), see docs.
    usable_mib: int
    pressure: bool
    breaker: Breaker = "closed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """The answer to one routing question."""

    #: Live devices worth asking, best first: those that hold most of the models, then most room.
    #: Among those that hold all of them chance decides, and of very many a sample is looked at.
    #: Where there are more, the last one is that with most room.
    candidates: tuple[DeviceSummary, ...]
    #: Live devices there are.
    live_devices: int
    #: Processes of CPU workers that gave a sign of life.
    cpu_processes: int
    #: Learned time per face image and model, ms: (where, model) → mean; unknown ones are missing.
    service_ms: Mapping[tuple[Where, str], float]
    #: Learned load time, ms, by model.
    load_ms: Mapping[str, float]
    #: Learned size, MiB, by model.
    vram_mib: Mapping[str, int]


class Fleet(Protocol):
    """Shared by all processes. Raises LedgerUnavailable when the store does not answer in time."""

    def publish(self, summary: DeviceSummary, *, live_seconds: float) -> None:
        """Tell how a device is; forgotten when not repeated in time, or when an older one comes."""
        ...

    def withdraw(self, device_id: str, incarnation: int) -> None:
        """Forget a device; ignored when a newer incarnation published it."""
        ...

    def beat_cpu(self, process: str, *, live_seconds: float) -> None:
        """Tell that a process of a CPU worker lives."""
        ...

    def live(self, device_ids: Sequence[str]) -> frozenset[str]:
        """Which of these devices have been published and not forgotten."""
        ...

    def breakers(self, device_ids: Sequence[str]) -> Mapping[str, Breaker]:
        """The breakers of these devices, for people: asking takes nobody's turn."""
        ...

    def outlook(self, models: Sequence[str], *, limit: int = 4) -> Outlook:
        """What a router needs to know for a job that uses these models, in one call.

        Its cost grows with the number of models asked for and with `limit`, with nothing else. With
        a limit of 0 it tells counts, times and sizes alone.
        """
        ...

    def learn(
        self,
        *,
        service_ms: Mapping[tuple[Where, str], float],
        load_ms: Mapping[str, float] | None = None,
        vram_mib: Mapping[str, int] | None = None,
    ) -> None:
        """Take measured times (exponential means) and sizes (last value) into account."""
        ...

    def served(self, device_id: str, *, ok: bool) -> Breaker:
        """Count a job of a device for its circuit breaker; answers the state after it.

        So many jobs that failed through the device's fault in a row open it. An open one becomes
        half open after a while: then one outlook every few seconds is told "half_open", all others
        "open", so that one job tries. If it succeeds the breaker is closed, if it fails the breaker
        is open again for the whole time. Any job that succeeds closes it.
        """
        ...
