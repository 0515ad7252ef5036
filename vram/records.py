"""What the ledger of device memory is told and what it answers: plain values, no behaviour.

Memory is counted in whole MiB, rounded up; times are the store's own clock in milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

#: "simulated" devices account memory but compute on the CPU; they are always labelled.
DeviceKind = Literal["gpu", "simulated"]
#: Highest first. Critical models are never evicted.
Priority = Literal["critical", "high", "medium", "low"]
#: The share of a device a priority belongs to: critical; high; medium and low.
Zone = Literal["critical", "high_priority", "flexible"]
#: How victims are chosen, and whether an eviction has to be earned first; see `vram.policy`.
Policy = Literal["lru", "gdsf", "weighted", "rent", "residency"]


#: Scripts in the store count in doubles: whole numbers above this are not exact.
MOST_EXACT: Final = 2**53 - 1


def check_whole(name: str, value: int) -> None:
    """Refuse a number that the store can't hold exactly.

    Raises:
        ValueError: it is negative or too large.
    """
    if not 0 <= value <= MOST_EXACT:
        raise ValueError(f"{name} is {value}; it must lie between 0 and {MOST_EXACT}.")


class State(StrEnum):
    """reserved → loading → ready → draining → unloading; lost when a lease ends."""

    #: Room is kept; nothing is on the device yet.
    RESERVED = "reserved"
    #: Being loaded: anything up to its size may be on the device.
    LOADING = "loading"
    #: Loaded; may be pinned.
    READY = "ready"
    #: To be unloaded once nobody uses it: takes no new pins and never becomes ready again.
    DRAINING = "draining"
    #: Its holder is unloading it.
    UNLOADING = "unloading"
    #: Its holder is silent: the memory may still be taken.
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How a device's ledger decides; written once with the device's registration."""

    policy: Policy = "rent"
    #: Nominal sizes of the zones on the nominal card; only their proportions count.
    critical_share: int = 2048
    high_share: int = 2560
    flexible_share: int = 1536
    #: Models a zone may hold at most; 0: no limit.
    high_models: int = 0
    flexible_models: int = 0
    #: Under "residency": a younger resident is no victim for its own class and below.
    high_residency_seconds: float = 300.0
    flexible_residency_seconds: float = 60.0
    #: Under every policy with a gate: a resident younger than so many of its own load times is
    #: no victim.
    floor_loads: float = 3.0
    #: A model's frequency and rent halve in this time.
    half_life_seconds: float = 600.0
    #: Evictions a device may make in a minute; 0: no limit. Critical askers are not counted.
    evictions_per_minute: int = 30
    #: An entry whose holder is silent for this long is lost.
    lease_seconds: float = 10.0
    #: A reservation that is not begun, a load that does not end, an unload that is not told.
    reserve_seconds: float = 30.0
    load_seconds: float = 60.0
    unload_seconds: float = 15.0
    #: Models of medium and low priority idle for longer are unloaded under pressure.
    idle_seconds: float = 300.0
    #: Pressure begins above this part of the device, or below this much free.
    pressure_ratio: float = 0.85
    pressure_free_mib: int = 200
    #: First wait after a failed load; doubles with each failure, up to the cap.
    backoff_seconds: float = 2.0
    backoff_cap_seconds: float = 900.0
    #: Failures in a row after which a model is left alone until somebody asks for it by name.
    quarantine_failures: int = 5
    #: Length of the event stream.
    events_kept: int = 10_000

    def __post_init__(self) -> None:
        """Refuse what can't be reckoned with.

        Raises:
            ValueError: the shares are nothing together, or one is negative.
        """
        shares = (self.critical_share, self.high_share, self.flexible_share)
        if min(shares) < 0 or sum(shares) == 0:
            raise ValueError(
                f"The shares of the zones are {shares}; they must be 0 or more, not all 0."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device as its worker registers it."""

    #: Host and device: "box1/cuda:0", "box1/sim:6144".
    id: str
    kind: DeviceKind
    #: What the driver calls it.
    name: str
    host: str
    total_mib: int
    #: The driver's own.
    reserved_mib: int
    #: The worker process's CUDA context and libraries, measured at its start.
    context_mib: int
    #: Kept free, always.
    headroom_mib: int
    #: Whether the device's memory can be read; without, the book is all there is.
    verified: bool
    #: Grows with every start of the device's worker; an older worker's calls are refused.
    incarnation: int
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse numbers that the store can't hold exactly.

        Raises:
            ValueError: one is negative, or too large.
        """
        for name in ("total_mib", "reserved_mib", "context_mib", "headroom_mib", "incarnation"):
            check_whole(name, getattr(self, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One model on one device, from reservation to release."""

    #: Grows with every reservation on a device: the fencing number of every later call.
    gen: int
    model: str
    state: State
    priority: Priority
    vram_mib: int
    #: Takes room of a higher class: evicts nobody and goes first.
    loan: bool
    #: Never chosen as a victim, whatever its priority: an operator pinned it.
    keep: bool
    #: The holder that reserved it.
    incarnation: int
    #: When it came into this state; when it was last used.
    since_ms: int
    used_ms: int
    #: When the holder's silence makes it lost; when this state must have ended; 0: never.
    lease_ms: int
    deadline_ms: int
    #: Who uses it until when: token → ms.
    pins: Mapping[str, int]
    #: Inflation at its last use (GreedyDual-Size-Frequency's L).
    inflation: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelStats:
    """What a device's ledger remembers of a model, loaded or not."""

    #: Uses, halved every `half_life_seconds`, as of `aged_ms`.
    frequency: float = 0.0
    #: What serving it elsewhere has cost since it was last loaded, ms; halved likewise.
    rent_ms: float = 0.0
    #: What serving all its uses elsewhere would have cost, ms; and how often a card that takes in
    #: whatever is asked for (plain LRU) would have had to load it. Halved likewise: `vram.gate`.
    demand_ms: float = 0.0
    lru_loads: float = 0.0
    aged_ms: int = 0
    #: Measured load time with warm-up, an exponential mean; 0: never loaded.
    load_ms: float = 0.0
    loads: int = 0
    evictions: int = 0
    #: Failed loads in a row, and when the next may be tried.
    failures: int = 0
    not_before_ms: int = 0


#: What may be asked of a device's worker from outside.
CommandAction = Literal["load", "unload", "pin", "unpin", "optimize"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """An operator's wish, carried by the ledger to the worker that holds the device."""

    id: str
    action: CommandAction
    #: None for "optimize".
    model: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One decision or transition of a device, with its why. Replayed, they give the entries."""

    #: The stream's id: "<ms>-<number>".
    id: str
    #: Who caused it: an operation of the ledger, "sweep" for the clock.
    op: str
    #: A reason of `vram.answers`, or what the operation itself says, such as "lease_ended".
    why: str
    #: None: the device as a whole.
    model: str | None
    gen: int | None
    #: The entry after it; None: there is none, or none any more.
    entry: Entry | None
    #: The sums after it, see DeviceState.
    physical_mib: int
    planned_mib: int
    usable_mib: int
    foreign_mib: int
    #: Whatever else explains it: token, victims, short_mib, rent_ms, answer, ...
    detail: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceState:
    """One device at one moment of the store's clock."""

    device: Device
    now_ms: int
    entries: tuple[Entry, ...]
    #: By model; models that never were asked for are missing.
    stats: Mapping[str, ModelStats]
    #: Memory that is taken and not ours, or not proven to be free again.
    foreign_mib: int
    #: Whether memory is short; see `Limits.pressure_ratio`.
    pressure: bool
    #: Grows with every change of what may be on the device; see `VramLedger.observe`.
    version: int
    #: Since the worker's last sign of life.
    silent_seconds: float
    alive: bool
    #: Used at the last reading of the device, and when that was; None: never read.
    observed_mib: int | None
    observed_ms: int | None
    #: Since the device was first registered: loads, evictions, cpu, refused, out_of_memory,
    #: lost, written_off, ... by name.
    counters: Mapping[str, int]
    #: What the most valuable victim so far was worth (GreedyDual-Size-Frequency's L).
    inflation: float = 0.0
    #: When the evictions were made that count for `Limits.evictions_per_minute`.
    evicted_ms: tuple[int, ...] = ()
    #: What plain LRU would hold, the last used first: model and MiB; see `vram.gate`.
    shadow: tuple[tuple[str, int], ...] = ()

    @property
    def base_mib(self) -> int:
        """What models may take when nobody else is on the device."""
        device = self.device
        taken = device.reserved_mib + device.context_mib + device.headroom_mib
        return max(0, device.total_mib - taken)

    @property
    def usable_mib(self) -> int:
        """What models may take now."""
        return max(0, self.base_mib - self.foreign_mib)

    @property
    def physical_mib(self) -> int:
        """What our models may take on the device now, at most."""
        return sum(e.vram_mib for e in self.entries if e.state is not State.RESERVED)

    @property
    def planned_mib(self) -> int:
        """What our models will take once everything under way has ended."""
        leaving = {State.DRAINING, State.UNLOADING}
        return sum(e.vram_mib for e in self.entries if e.state not in leaving)

    @property
    def free_mib(self) -> int:
        """What may still be reserved without an eviction."""
        return max(0, self.usable_mib - self.planned_mib)
