"""How much CPU time each group of processes takes, and how much strangers take meanwhile.

CPU time hardly changes when the machine is shared; wall time does.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import psutil

#: Finds the processes of every group, by the group's name; asked anew at each reading.
Groups = Callable[[], Mapping[str, Sequence[psutil.Process]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuReading:
    """Clocks at one moment."""

    #: Seconds of a clock that only grows.
    wall_seconds: float
    #: CPU seconds by group of processes.
    group_seconds: Mapping[str, float]
    #: CPU seconds of the whole machine, time stolen by its host included.
    machine_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuUse:
    """What was used between two readings."""

    wall_seconds: float
    group_seconds: Mapping[str, float]
    #: Share of the machine's cores that went to processes of none of the groups, 0 to 1.
    others_share: float

    @classmethod
    def between(cls, before: CpuReading, after: CpuReading, *, cores: int) -> Self:
        """The difference of two readings.

        Args:
            before: The earlier one.
            after: The later one.
            cores: Cores of the machine.
        """
        wall_seconds = after.wall_seconds - before.wall_seconds
        used = {
            group: max(0.0, seconds - before.group_seconds.get(group, 0.0))
            for group, seconds in after.group_seconds.items()
        }
        busy = after.machine_seconds - before.machine_seconds
        available = wall_seconds * cores
        others = (busy - sum(used.values())) / available if available else 0.0
        return cls(
            wall_seconds=wall_seconds,
            group_seconds=used,
            others_share=min(1.0, max(0.0, others)),
        )


def read_cpu(groups: Groups) -> CpuReading:
    """Read every clock now. A process that has ended counts nothing."""
    return CpuReading(
        wall_seconds=time.monotonic(),
        group_seconds={
            name: sum(map(cpu_seconds, processes)) for name, processes in groups().items()
        },
        machine_seconds=_machine_seconds(),
    )


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time of a living process, its threads included; 0 when it has ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _machine_seconds() -> float:
    times = psutil.cpu_times()._asdict()
    # Guests' time is in `user` already, and idle time is no use.
    unused = {"idle", "iowait", "guest", "guest_nice"}
    return float(sum(seconds for name, seconds in times.items() if name not in unused))
