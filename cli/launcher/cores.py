"""How many CPU cores this process may use."""

import os
from pathlib import Path

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_V1 = Path("/sys/fs/cgroup/cpu")


def usable_cores() -> int:
    """Cores of the affinity mask, cut to the container's CPU quota; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return cores_within(count, _quota())


def cores_within(count: int, quota: str | None) -> int:
    """Whole cores a CPU quota leaves.

    Args:
        count: Cores there are.
        quota: As in cgroup v2's `cpu.max`: microseconds allowed, or "max", and the period's
            microseconds. None where there is no quota.
    """
    allowed, _, period = (quota or "max").partition(" ")
    if not allowed.isdigit() or not period.strip().isdigit():
        return max(1, count)
    return max(1, min(count, int(allowed) // max(1, int(period))))


def _quota() -> str | None:
    try:
        if _CGROUP_V2.exists():
            return _CGROUP_V2.read_text(encoding="ascii")
        quota = (_CGROUP_V1 / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
        period = (_CGROUP_V1 / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
    except OSError:
        return None
    # A quota of -1 means none, which no digit test takes for a number.
    return f"{quota} {period}"
