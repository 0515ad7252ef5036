"""Whether anti-spoofing may run without a GPU: a decision of whoever runs the service, not ours."""

from collections.abc import Mapping
from typing import Literal

#: allow: models run on the processor where there is no GPU. refuse: they don't, and nothing
#: counts as live there.
CpuPolicy = Literal["allow", "refuse"]
#: Why a model may not run.
CPU_REFUSED = "cpu_refused"


def allowed(devices: Mapping[str, str], policy: CpuPolicy) -> tuple[str, ...]:
    """Ids of the models that may run where they were placed, in the order given.

    Args:
        devices: Id -> device: "cpu", "cuda:<i>" or "sim:<MB>", which stands for a GPU here.
        policy: For the device "cpu".
    """
    return tuple(name for name, device in devices.items() if policy == "allow" or device != "cpu")
