"""What the ledger's scripts write and answer, as records. Knows no store.

An empty table of Lua has two spellings, `{}` on a server and `[]` on its imitation, and a whole
number may come as a fraction: both are put right here.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vram.answers import Ask, Loaded, Observation, Orders, Reservation, Victim
from vram.records import (
    Command,
    Device,
    DeviceState,
    Entry,
    Event,
    Limits,
    ModelStats,
    State,
)

#: Fields of a device's hash that count something begin so.
_COUNTER: Final = "n:"


def decoded(answer: Any) -> Any:  # noqa: ANN401 - whatever a script or command answers
    """An answer with bytes as text, whatever the client decodes itself."""
    if isinstance(answer, dict):
        return {decoded(key): decoded(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [decoded(part) for part in answer]
    return answer.decode() if isinstance(answer, bytes) else answer


def maybe(number: int | None) -> str:
    """A number for a script, or nothing."""
    return "" if number is None else str(number)


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """A hash, from fields and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def device_text(device: Device) -> str:
    """A registration as the scripts read it."""
    return json.dumps(dataclasses.asdict(device))


def ask_text(ask: Ask) -> str:
    """A request as the scripts read it."""
    return json.dumps(dataclasses.asdict(ask))


def device_from(text: str) -> Device:
    """A registration, as `device_text` wrote it."""
    fields = json.loads(text)
    return Device(**{**fields, "limits": Limits(**fields["limits"])})


def entry_from(text: str) -> Entry:
    """An entry as the scripts write it; what they keep for themselves is left out."""
    fields = json.loads(text)
    pins = fields["pins"] or {}
    return Entry(
        gen=int(fields["gen"]),
        model=fields["model"],
        state=State(fields["state"]),
        priority=fields["priority"],
        vram_mib=int(fields["vram_mib"]),
        loan=fields["loan"],
        keep=fields["keep"],
        incarnation=int(fields["incarnation"]),
        since_ms=int(fields["since_ms"]),
        used_ms=int(fields["used_ms"]),
        lease_ms=int(fields["lease_ms"]),
        deadline_ms=int(fields["deadline_ms"]),
        pins={token: int(until_ms) for token, until_ms in pins.items()},
        inflation=float(fields["inflation"]),
    )


def stats_from(text: str) -> ModelStats:
    """What is remembered of a model, as the scripts write it."""
    fields = json.loads(text)
    return ModelStats(
        frequency=float(fields["frequency"]),
        rent_ms=float(fields["rent_ms"]),
        demand_ms=float(fields["demand_ms"]),
        lru_loads=float(fields["lru_loads"]),
        aged_ms=int(fields["aged_ms"]),
        load_ms=float(fields["load_ms"]),
        loads=int(fields["loads"]),
        evictions=int(fields["evictions"]),
        failures=int(fields["failures"]),
        not_before_ms=int(fields["not_before_ms"]),
    )


def state_from(answer: Sequence[Any], *, silent_seconds: float) -> DeviceState:
    """A device, as `state.lua` answers it.

    Args:
        answer: The answer.
        silent_seconds: A device silent for longer is not alive.
    """
    now_ms, fields = int(answer[0]), pairs(answer[1])
    entries = sorted(map(entry_from, pairs(answer[2]).values()), key=lambda entry: entry.gen)
    silent = max(0, now_ms - int(fields["seen_ms"])) / 1000
    observed_mib, observed_ms = fields.get("observed_mib"), fields.get("observed_ms")
    return DeviceState(
        device=device_from(fields["device"]),
        now_ms=now_ms,
        entries=tuple(entries),
        stats={name: stats_from(text) for name, text in sorted(pairs(answer[3]).items())},
        foreign_mib=int(fields["foreign"]),
        pressure=fields["pressure"] == "1",
        version=int(fields["version"]),
        silent_seconds=silent,
        alive=silent <= silent_seconds,
        observed_mib=None if observed_mib is None else int(observed_mib),
        observed_ms=None if observed_ms is None else int(observed_ms),
        counters=_counters(fields),
        inflation=float(fields["inflation"]),
        evicted_ms=tuple(int(at_ms) for at_ms in json.loads(fields["evicted"])),
        shadow=tuple((model, int(mib)) for model, mib in json.loads(fields["shadow"])),
    )


def event_from(event_id: str, fields: Mapping[str, str]) -> Event:
    """One event of the stream."""
    detail = json.loads(fields["detail"]) or {}
    return Event(
        id=event_id,
        op=fields["op"],
        why=fields["why"],
        model=fields["model"] or None,
        gen=int(fields["gen"]) if fields["gen"] else None,
        entry=entry_from(fields["entry"]) if fields["entry"] else None,
        physical_mib=int(fields["physical"]),
        planned_mib=int(fields["planned"]),
        usable_mib=int(fields["usable"]),
        foreign_mib=int(fields["foreign"]),
        detail={str(key): str(value) for key, value in detail.items()},
    )


def reservation_from(text: str) -> Reservation:
    """The answer of `reserve.lua`."""
    fields = json.loads(text)
    return Reservation(
        outcome=fields["outcome"],
        reason=fields["reason"],
        gen=int(fields["gen"]) if "gen" in fields else None,
        vram_mib=int(fields.get("vram_mib", 0)),
        loan=fields.get("loan", False),
        victims=_victims(fields.get("victims")),
        short_mib=int(fields.get("short_mib", 0)),
        retry_ms=int(fields.get("retry_ms", 0)),
        rent_ms=float(fields.get("rent_ms", 0.0)),
        rent_needed_ms=float(fields.get("rent_needed_ms", 0.0)),
    )


def loaded_from(text: str) -> Loaded:
    """The answer of `loaded.lua` and `adjust.lua`."""
    fields = json.loads(text)
    return Loaded(
        verdict=fields["verdict"],
        over_mib=int(fields.get("over_mib", 0)),
        victims=_victims(fields.get("victims")),
    )


def observation_from(text: str) -> Observation:
    """The answer of `observe.lua` and `relieve.lua`."""
    fields = json.loads(text)
    return Observation(
        verdict=fields["verdict"],
        foreign_mib=int(fields["foreign_mib"]),
        drift_mib=int(fields["drift_mib"]),
        pressure=fields["pressure"],
        victims=_victims(fields["victims"]),
    )


def orders_from(text: str) -> Orders:
    """The answer of `beat.lua`."""
    fields = json.loads(text)
    return Orders(
        unload=tuple(int(gen) for gen in fields["unload"]),
        orphans=tuple(int(gen) for gen in fields["orphans"]),
        commands=tuple(
            Command(id=wish["id"], action=wish["action"], model=wish["model"] or None)
            for wish in fields["commands"]
        ),
    )


def _victims(found: Iterable[Mapping[str, Any]] | None) -> tuple[Victim, ...]:
    return tuple(
        Victim(gen=int(v["gen"]), model=v["model"], vram_mib=int(v["vram_mib"]))
        for v in found or ()
    )


def _counters(fields: Mapping[str, str]) -> dict[str, int]:
    return {
        name.removeprefix(_COUNTER): int(value)
        for name, value in sorted(fields.items())
        if name.startswith(_COUNTER)
    }
