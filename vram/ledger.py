"""The ledger of device memory: what each device holds, what fits, and where a job may run.

This is the port. `vram.memory_ledger` and `vram.redis_ledger` implement it and pass one contract
suite. It knows bytes and holders, never networks: a model here is a name and a size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

#: "simulated" devices account bytes but run on the CPU; they are always labelled.
DeviceKind = Literal["gpu", "simulated"]
#: How a resident's bytes are known: measured on the device, or the size of its weight file.
Basis = Literal["device_delta", "weights_file"]
#: Why a job goes where it goes.
RouteReason = Literal["resident", "no_gpu_device", "not_resident", "ledger_unavailable"]
AdmissionReason = Literal["access_existing", "direct_allocation", "insufficient_space"]
#: Scripts in the store count in doubles: whole numbers above this are not exact.
MAX_BYTES: Final = 2**53 - 1


def _check_bytes(name: str, value_bytes: int) -> None:
    if not 0 <= value_bytes <= MAX_BYTES:
        raise ValueError(f"{name} is {value_bytes}; it must lie between 0 and {MAX_BYTES}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device as its worker registers it."""

    #: Host and device: "box1/cuda:0", "box1/sim:6144".
    id: str
    kind: DeviceKind
    #: What the driver calls it.
    name: str
    total_bytes: int
    #: Kept out of the ledger: driver, contexts, headroom.
    reserved_bytes: int
    #: Grows with every start of the device's worker; an older worker's calls are refused.
    incarnation: int
    host: str

    def __post_init__(self) -> None:
        """Refuse sizes the store can't hold exactly."""
        _check_bytes("total_bytes", self.total_bytes)
        _check_bytes("reserved_bytes", self.reserved_bytes)

    @property
    def usable_bytes(self) -> int:
        """What models may take."""
        return max(0, self.total_bytes - self.reserved_bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resident:
    """A model on a device."""

    model: str
    vram_bytes: int
    basis: Basis

    def __post_init__(self) -> None:
        """Refuse sizes the store can't hold exactly."""
        _check_bytes("vram_bytes", self.vram_bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceState:
    """One device at one moment of the store's clock."""

    device: Device
    residents: tuple[Resident, ...]
    #: Since the worker's last sign of life, by the store's clock.
    silent_seconds: float
    #: Whether the worker gave a sign of life recently enough to get jobs.
    alive: bool

    @property
    def used_bytes(self) -> int:
        """Sum over the residents."""
        return sum(resident.vram_bytes for resident in self.residents)

    @property
    def free_bytes(self) -> int:
        """What may still be admitted; never negative."""
        return max(0, self.device.usable_bytes - self.used_bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Whether a model may be loaded."""

    granted: bool
    reason: AdmissionReason
    #: Free bytes after the decision.
    free_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where a job's message goes, and why."""

    queue_class: Literal["gpu", "cpu"]
    reason: RouteReason
    #: The device that was chosen, if it is one the ledger knows.
    device: str | None = None


class VramLedger(Protocol):
    """Accounts device memory for many processes. Every call is atomic.

    All methods raise LedgerUnavailable when the store does not answer in time. The caller takes
    that for a no; the store may have carried the call out all the same. Every call may be repeated.
    """

    def next_incarnation(self) -> int:
        """A number greater than any given out before, for a worker that starts."""
        ...

    def register(self, device: Device) -> None:
        """Announce a device with nothing resident.

        Replaces what an earlier incarnation registered: its process is gone and its memory with
        it. Registering the same incarnation again changes nothing.

        Raises:
            UnknownDevice: a newer incarnation holds the device.
        """
        ...

    def beat(self, device_id: str, incarnation: int) -> None:
        """Give a sign of life.

        Raises:
            UnknownDevice: not registered, or by another incarnation.
        """
        ...

    def admit(self, device_id: str, incarnation: int, resident: Resident) -> Admission:
        """Take bytes for a model before it is loaded.

        A model that is resident already is answered `access_existing` and its bytes stay as they
        are; one that does not fit is refused with `insufficient_space` and nothing changes.

        Raises:
            UnknownDevice: not registered, or by another incarnation.
        """
        ...

    def release(self, device_id: str, incarnation: int, model: str) -> None:
        """Give a model's bytes back. Releasing what is not resident changes nothing.

        Raises:
            UnknownDevice: not registered, or by another incarnation.
        """
        ...

    def withdraw(self, device_id: str, incarnation: int) -> None:
        """Forget a device: its worker ends. Ignored when a newer incarnation holds it."""
        ...

    def devices(self) -> tuple[DeviceState, ...]:
        """All devices at one moment, ordered by id; silent ones too, marked not alive."""
        ...


def choose_route(devices: Sequence[DeviceState], models: Sequence[str]) -> Route:
    """Where a job that needs these models runs.

    A live device that holds all of them wins; among several the one with the most free bytes,
    then the lowest id. Otherwise the CPU takes it, and the reason says whether a device was
    missing or a model.
    """
    alive = [state for state in devices if state.alive]
    if not alive:
        return Route(queue_class="cpu", reason="no_gpu_device")
    needed = set(models)
    ready = [s for s in alive if needed <= {resident.model for resident in s.residents}]
    if not ready:
        return Route(queue_class="cpu", reason="not_resident")
    best = min(ready, key=lambda state: (-state.free_bytes, state.device.id))
    return Route(queue_class="gpu", reason="resident", device=best.device.id)
