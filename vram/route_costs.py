"""What a job costs at each place it may go to: the arithmetic under `vram.routing`.

A price is the expected time to the job's end: jobs ahead times the time of a job, and what the
job's models cost there. A model that is on the device costs its mean run. One that has to be loaded
costs its load as well, twice when others must leave for it (they will want to come back), but never
more than running it on the CPU in the device's worker. One that does not fit costs that. So more
room never makes a device dearer, and more jobs ahead never make a place cheaper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from vram.fleet import DeviceSummary, Outlook
from vram.records import Priority

#: How a model would come to run on a device: it is there · on its way · into free room · after
#: others have left · not: on the CPU in the device's worker.
Access = Literal["resident", "loading", "direct_allocation", "eviction_based_allocation", "cpu"]
#: Worst last: the reason of a route is the worst access among its models.
_ACCESSES: tuple[Access, ...] = get_args(Access)


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """A model a job uses."""

    model: str
    priority: Priority
    #: What it is expected to take, where no device has told; 0: it never runs on a device.
    vram_mib: int
    #: Whether it may run on the CPU.
    cpu_allowed: bool = True
    #: No network but data that a worker holds in its own memory: it takes no time to run, but has
    #: to be read where it is not.
    is_data: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Priors:
    """Times until they are measured."""

    #: One model's run on a GPU: the middle of what requirements state for detection and
    #: recognition (15 to 30 ms).
    gpu_ms: float = 22.0
    load_ms: float = 500.0
    #: Speed of a CPU process relative to a GPU.
    cpu_ratio: float = 0.3


#: Where nothing else is said.
PRIORS = Priors()


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A place with its price."""

    device: str | None
    #: How each model would run there.
    access: Mapping[str, Access]
    #: Jobs that will be served before.
    ahead: int
    #: Compared with other places', ms.
    cost_ms: float
    #: Told to people, ms.
    expected_ms: float
    #: How much room is missing for all models, MiB.
    short_mib: int = 0

    @property
    def worst(self) -> Access:
        """The worst access among the models; the route's reason."""
        return max(self.access.values(), key=_ACCESSES.index, default="resident")

    @property
    def is_full(self) -> bool:
        """Whether all models that ever run on a device can run on it."""
        return "cpu" not in self.access.values()

    @property
    def is_empty(self) -> bool:
        """Whether no model can."""
        return bool(self.access) and set(self.access.values()) == {"cpu"}


class Times:
    """Measured times and sizes, else priors."""

    def __init__(self, outlook: Outlook, priors: Priors) -> None:
        self._outlook = outlook
        self._priors = priors

    def known(self, needs: Sequence[Need]) -> bool:
        """Whether any of these models was measured anywhere."""
        models = {model for _, model in self._outlook.service_ms}
        return any(need.model in models for need in needs)

    def gpu_ms(self, model: str) -> float:
        """A run on a GPU."""
        known = self._outlook.service_ms
        if ("gpu", model) in known:
            return known["gpu", model]
        if ("cpu", model) in known:
            return known["cpu", model] * self._priors.cpu_ratio
        return self._priors.gpu_ms

    def cpu_ms(self, model: str) -> float:
        """A run on the CPU."""
        known = self._outlook.service_ms
        if ("cpu", model) in known:
            return known["cpu", model]
        return self.gpu_ms(model) / self._priors.cpu_ratio

    def load_ms(self, model: str) -> float:
        """A load on a GPU."""
        return self._outlook.load_ms.get(model, self._priors.load_ms)

    def size_mib(self, need: Need) -> int:
        """What it takes on a device; 0: it never runs on one."""
        return self._outlook.vram_mib.get(need.model, need.vram_mib) if need.vram_mib else 0


def cpu_place(outlook: Outlook, ahead: int, needs: Sequence[Need], times: Times) -> Place:
    """The CPU workers, so many jobs ahead."""
    service_ms = sum(times.cpu_ms(need.model) for need in needs if not need.is_data)
    wait_ms = ahead * service_ms / max(1, outlook.cpu_processes)
    # Without a CPU worker nobody would take the job there.
    cost_ms = wait_ms + service_ms if outlook.cpu_processes else float("inf")
    return Place(
        device=None, access={}, ahead=ahead, cost_ms=cost_ms, expected_ms=wait_ms + service_ms
    )


def device_place(device: DeviceSummary, ahead: int, needs: Sequence[Need], times: Times) -> Place:
    """A device, so many jobs ahead."""
    access, short_mib = _accesses(device, needs, times)
    sized = {need.model for need in needs if times.size_mib(need)}
    cost_ms = expected_ms = job_ms = 0.0
    for need in needs:
        model = need.model
        if need.is_data:
            read_ms = 0.0 if model in device.resident else times.load_ms(model)
            cost_ms += read_ms
            expected_ms += read_ms
            continue
        how = access[model]
        gpu_ms, cpu_ms, load_ms = times.gpu_ms(model), times.cpu_ms(model), times.load_ms(model)
        loads = {"loading": 0.5, "direct_allocation": 1, "eviction_based_allocation": 2}.get(how, 0)
        # A place that lacks a model is never cheaper than one that has it.
        without_ms = max(cpu_ms, gpu_ms)
        with_ms = gpu_ms + loads * load_ms
        cost_ms += without_ms if how == "cpu" else min(with_ms, without_ms)
        expected_ms += cpu_ms if how == "cpu" else gpu_ms + min(1, loads) * load_ms
        job_ms += without_ms if how == "cpu" else gpu_ms
    return Place(
        device=device.id,
        access={name: how for name, how in access.items() if name in sized},
        ahead=ahead,
        cost_ms=ahead * job_ms + cost_ms,
        expected_ms=ahead * job_ms + expected_ms,
        short_mib=short_mib,
    )


def _accesses(
    device: DeviceSummary, needs: Sequence[Need], times: Times
) -> tuple[Mapping[str, Access], int]:
    """How each model would run on the device, and how much room is missing for all of them.

    Smallest first into free room, then into what others leave: more room only adds models.
    """
    access: dict[str, Access] = {}
    taken_mib = 0
    short_mib = 0
    networks = [need for need in needs if not need.is_data]
    for need in sorted(networks, key=lambda need: (times.size_mib(need), need.model)):
        size_mib = times.size_mib(need)
        if not size_mib:
            access[need.model] = "cpu"
        elif need.model in device.resident:
            access[need.model] = "resident"
        elif need.model in device.coming:
            access[need.model] = "loading"
        else:
            taken_mib += size_mib
            room_mib = device.free_mib
            if not device.pressure:
                room_mib += device.evictable_mib.get(need.priority, 0)
            if taken_mib <= device.free_mib:
                access[need.model] = "direct_allocation"
            elif taken_mib <= min(room_mib, device.usable_mib):
                access[need.model] = "eviction_based_allocation"
            else:
                access[need.model] = "cpu"
                short_mib = taken_mib - min(room_mib, device.usable_mib)
    return access, short_mib
