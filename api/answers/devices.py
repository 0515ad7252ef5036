"""Devices, what their memory holds, and what happened on them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from api.answers import Answer
from vram.fleet import Breaker
from vram.records import DeviceKind, Policy, Priority, State, Zone

#: Whole mebibytes.
Mebibytes = Annotated[int, Field(ge=0)]
#: A part of a whole; above 1 where more is taken than there should be.
Ratio = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]


class HeldModel(Answer):
    """One model on one device."""

    model: str
    state: State
    vram_mb: Mebibytes
    priority: Priority
    zone: Zone
    #: Takes room of a higher class: it goes first.
    loan: bool
    #: Never chosen to leave: an operator pinned it.
    keep: bool
    #: Jobs that use it now.
    pins: Count
    #: When it came into this state.
    since: datetime | None
    age_seconds: Seconds
    #: Null: never yet.
    last_used: datetime | None
    idle_seconds: Seconds | None


class KeptOut(Answer):
    """Memory that models can't have."""

    driver_mb: Mebibytes
    context_mb: Mebibytes
    headroom_mb: Mebibytes
    #: Taken and not ours, or not proven free.
    foreign_mb: Mebibytes


class ZoneUsage(Answer):
    """What the models of one zone own."""

    used_mb: Mebibytes
    #: Lent to models of lower zones.
    loan_mb: Mebibytes
    capacity_mb: int
    #: Null: the zone has no room at all.
    utilization: float | None
    model_count: Count


class DeviceMemory(Answer):
    """All that is known of a device's memory."""

    #: Host and device.
    id: str
    #: `simulated`: memory is accounted, computing is done on the CPU.
    kind: DeviceKind
    name: str
    host: str
    #: Whether its worker gives signs of life.
    alive: bool
    silent_seconds: Seconds
    #: Grows with every start of its worker.
    incarnation: Count
    #: Whether its memory can be read; without, the book is all there is.
    verified: bool
    total_mb: Mebibytes
    #: What models may take now.
    allocated_mb: Mebibytes
    #: What they will take once everything under way has ended.
    planned_mb: Mebibytes
    #: What can't be had without an eviction.
    reserved_mb: int
    #: What can.
    available_mb: int
    #: What models may take together.
    usable_mb: int
    #: `reserved_mb` of `total_mb`.
    utilization: float | None
    kept_out: KeptOut
    zone_usage: Mapping[Zone, ZoneUsage]
    #: Whether memory is short.
    pressure: bool
    #: How victims are chosen.
    policy: Policy
    #: Always null; see `fragmentation_reason`.
    fragmentation: None
    fragmentation_reason: str
    #: The last reading of the device.
    observed_mb: Mebibytes | None
    observed_at: datetime | None
    #: Loads, evictions and more since it was registered.
    counters: Mapping[str, Count]
    models: tuple[HeldModel, ...]


class Vram(Answer):
    """What every device's memory holds, as the ledger knows it."""

    devices: tuple[DeviceMemory, ...]


class WaitingJobs(Answer):
    """Jobs that wait, by lane."""

    interactive: Count
    bulk: Count


class RoutedDevice(Answer):
    """A device as the router sees it."""

    #: Host and device.
    id: str
    kind: DeviceKind
    simulated: bool
    name: str
    host: str
    alive: bool
    silent_seconds: Seconds
    incarnation: Count
    verified: bool
    total_mb: Mebibytes
    available_mb: int
    pressure: bool
    #: `open`: it gets no jobs for a while; `half_open`: one at a time is tried.
    breaker: Breaker
    waiting_jobs: WaitingJobs


class CpuWorkers(Answer):
    """The CPU workers together."""

    #: That gave a sign of life.
    processes: Count
    waiting_jobs: WaitingJobs


class Devices(Answer):
    """Every place a job may go to."""

    devices: tuple[RoutedDevice, ...]
    cpu: CpuWorkers


class DeviceEvent(Answer):
    """One decision or transition of a device, with its why."""

    id: str
    at: datetime | None
    device: str
    #: Who caused it: an operation of the ledger, or `sweep` for the clock.
    op: str
    why: str
    #: Null: it concerns the device as a whole.
    model: str | None
    #: Of the model after it; null: it is not there any more.
    state: State | None
    vram_mb: Mebibytes | None
    #: All of it as a sentence.
    message: str
    allocated_mb: int
    planned_mb: int
    usable_mb: int
    foreign_mb: int
    #: Figures the decision rests on.
    detail: Mapping[str, Any]


class DeviceEvents(Answer):
    """Decisions and transitions, oldest first."""

    events: tuple[DeviceEvent, ...]
