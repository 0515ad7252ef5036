"""Devices, their models and their events as clients see them. Sizes are mebibytes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from api.timestamps import timestamp
from vram.reasons import of_event
from vram.records import DeviceState, Entry, Event, State, Zone
from vram.room import PLANNED, ZONE, View, levels_mib

#: Why no figure of fragmentation is told.
FRAGMENTATION_UNKNOWN: Final = (
    "Neither the driver nor ONNX Runtime tells how much of an arena is unused. `optimize` gives "
    "back what can be given back."
)


def device_body(state: DeviceState) -> dict[str, Any]:
    """All that is known of a device's memory."""
    device = state.device
    available_mb = state.free_mib
    return {
        "id": device.id,
        "kind": device.kind,
        "name": device.name,
        "host": device.host,
        "alive": state.alive,
        "silent_seconds": round(state.silent_seconds, 1),
        "incarnation": device.incarnation,
        "verified": device.verified,
        "total_mb": device.total_mib,
        "allocated_mb": state.physical_mib,
        "planned_mb": state.planned_mib,
        "reserved_mb": device.total_mib - available_mb,
        "available_mb": available_mb,
        "usable_mb": state.usable_mib,
        "utilization": _ratio(device.total_mib - available_mb, device.total_mib),
        "kept_out": {
            "driver_mb": device.reserved_mib,
            "context_mb": device.context_mib,
            "headroom_mb": device.headroom_mib,
            "foreign_mb": state.foreign_mib,
        },
        "zone_usage": dict(_zones(state)),
        "pressure": state.pressure,
        "policy": device.limits.policy,
        "fragmentation": None,
        "fragmentation_reason": FRAGMENTATION_UNKNOWN,
        "observed_mb": state.observed_mib,
        "observed_at": timestamp(state.observed_ms),
        "counters": dict(state.counters),
        "models": [entry_body(entry, state.now_ms) for entry in state.entries],
    }


def entry_body(entry: Entry, now_ms: int) -> dict[str, Any]:
    """One model on a device."""
    return {
        "model": entry.model,
        "state": entry.state,
        "vram_mb": entry.vram_mib,
        "priority": entry.priority,
        "zone": ZONE[entry.priority],
        "loan": entry.loan,
        "keep": entry.keep,
        "pins": sum(1 for until_ms in entry.pins.values() if until_ms > now_ms),
        "since": timestamp(entry.since_ms),
        "age_seconds": _seconds(now_ms - entry.since_ms),
        "last_used": timestamp(entry.used_ms or None),
        "idle_seconds": _seconds(now_ms - entry.used_ms) if entry.used_ms else None,
    }


def event_body(device_id: str, event: Event) -> dict[str, Any]:
    """One decision or transition, with its sentence."""
    return {
        "id": event.id,
        "at": timestamp(int(event.id.partition("-")[0])),
        "device": device_id,
        "op": event.op,
        "why": event.why,
        "model": event.model,
        "state": event.entry.state if event.entry else None,
        "vram_mb": event.entry.vram_mib if event.entry else None,
        "message": of_event(event),
        "allocated_mb": event.physical_mib,
        "planned_mb": event.planned_mib,
        "usable_mb": event.usable_mib,
        "foreign_mb": event.foreign_mib,
        "detail": dict(event.detail),
    }


def zones_mib(state: DeviceState) -> Mapping[Zone, tuple[int, int]]:
    """What each zone's models own, and what its share is worth on this device, MiB."""
    base_mib = state.base_mib
    flexible, high = levels_mib(
        View(
            entries=state.entries,
            stats=state.stats,
            limits=state.device.limits,
            base_mib=base_mib,
            usable_mib=state.usable_mib,
            pressure=state.pressure,
            now_ms=state.now_ms,
        )
    )
    shares: dict[Zone, int] = {
        "critical": base_mib - high,
        "high_priority": high - flexible,
        "flexible": flexible,
    }
    return {zone: (_owned_mib(state, zone), share) for zone, share in shares.items()}


def _zones(state: DeviceState) -> Iterator[tuple[str, dict[str, Any]]]:
    for zone, (used_mb, capacity_mb) in zones_mib(state).items():
        count = sum(1 for one in _planned(state) if ZONE[one.priority] == zone)
        yield (
            zone,
            {
                "used_mb": used_mb,
                "loan_mb": sum(
                    one.vram_mib
                    for one in _planned(state)
                    if ZONE[one.priority] == zone and one.loan
                ),
                "capacity_mb": capacity_mb,
                "utilization": _ratio(used_mb, capacity_mb),
                "model_count": count,
            },
        )


def _owned_mib(state: DeviceState, zone: Zone) -> int:
    owned = (one for one in _planned(state) if not one.loan and ZONE[one.priority] == zone)
    return sum(one.vram_mib for one in owned)


def _planned(state: DeviceState) -> list[Entry]:
    return [one for one in state.entries if one.state in PLANNED]


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _seconds(milliseconds: int) -> float:
    return round(max(0, milliseconds) / 1000, 1)


def is_loaded(entry: Entry) -> bool:
    """Whether a model is ready on its device."""
    return entry.state is State.READY
