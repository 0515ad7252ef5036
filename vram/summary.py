"""What the router needs to know of a device, made from its ledger. Pure."""

from typing import Final

from vram.fleet import DeviceSummary
from vram.records import DeviceState, Entry, Priority, State
from vram.room import RANK, class_level_mib

_COMING: Final = frozenset({State.RESERVED, State.LOADING})
_PRIORITIES: Final[tuple[Priority, ...]] = ("critical", "high", "medium", "low")


def summarise(state: DeviceState) -> DeviceSummary:
    """Summarise a device as its ledger knows it at this moment."""
    return DeviceSummary(
        id=state.device.id,
        kind=state.device.kind,
        incarnation=state.device.incarnation,
        version=state.version,
        resident=_models(state, frozenset({State.READY})),
        coming=_models(state, _COMING),
        free_mib=state.free_mib,
        evictable_mib={priority: _evictable_mib(state, priority) for priority in _PRIORITIES},
        usable_mib=state.usable_mib,
        pressure=state.pressure,
    )


def _models(state: DeviceState, states: frozenset[State]) -> tuple[str, ...]:
    return tuple(sorted({entry.model for entry in state.entries if entry.state in states}))


def _evictable_mib(state: DeviceState, asker: Priority) -> int:
    """What could leave for an asker of that class, were it worth it: the ledger decides that.

    Nobody leaves for a model that is larger than what its class may own.
    """
    leaving_mib = sum(entry.vram_mib for entry in state.entries if _may_leave(entry, asker))
    level_mib = class_level_mib(state.device.limits, state.base_mib, asker)
    return min(leaving_mib, max(0, level_mib - state.free_mib))


def _may_leave(entry: Entry, asker: Priority) -> bool:
    return (
        entry.state is State.READY
        and not entry.keep
        and not entry.pins
        and entry.priority != "critical"
        and RANK[entry.priority] <= RANK[asker]
    )
