"""Whether anti-spoofing may run without a GPU: a decision of whoever runs the service, not ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: allow: models run on the processor where there is no GPU. refuse: they don't, and nothing
#: counts as live there.
CpuPolicy = Literal["allow", "refuse"]
#: Why a model may not run.
CPU_REFUSED = "cpu_refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Which of the placed models may run."""

    #: Ids, in the order given.
    admitted: tuple[str, ...]
    #: Id -> reason.
    refused: Mapping[str, str]


def refusal(device: str, policy: CpuPolicy) -> str | None:
    """Why a model on a device ("cpu", "cuda:<i>" or "sim:<MB>") may not run; None if it may."""
    return CPU_REFUSED if device == "cpu" and policy != "allow" else None


def admit(devices: Mapping[str, str], policy: CpuPolicy) -> Admission:
    """Sort models by whether they may run where they were placed.

    Args:
        devices: Id -> device.
        policy: For the device "cpu".
    """
    refused = {
        name: reason
        for name, device in devices.items()
        if (reason := refusal(device, policy)) is not None
    }
    return Admission(
        admitted=tuple(name for name in devices if name not in refused), refused=refused
    )
