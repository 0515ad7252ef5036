"""Devices, entries and requests for tests of the policy: what matters is said, the rest is dull."""

from typing import Any

from vram.answers import Ask
from vram.decision import Decision
from vram.records import Entry, Limits, State
from vram.room import View

#: One class owns everything: memory alone decides.
FLAT = {"critical_share": 0, "high_share": 0, "flexible_share": 1}
NOW_MS = 1_000_000


def entry(gen: int, vram_mib: int, **changes: Any) -> Entry:  # noqa: ANN401 - fields of the record
    """A medium model, ready and unused for a long time."""
    values: dict[str, Any] = {
        "gen": gen,
        "model": f"model-{gen}",
        "state": State.READY,
        "priority": "medium",
        "vram_mib": vram_mib,
        "loan": False,
        "keep": False,
        "incarnation": 1,
        "since_ms": 0,
        "used_ms": gen,
        "lease_ms": 0,
        "deadline_ms": 0,
        "pins": {},
        "inflation": 0.0,
    }
    return Entry(**values | changes)


def ask(vram_mib: int, **changes: Any) -> Ask:  # noqa: ANN401 - fields of the record
    """Somebody needs a medium model that may be served on the CPU, for 100 ms more."""
    values: dict[str, Any] = {
        "model": "asker",
        "vram_mib": vram_mib,
        "priority": "medium",
        "token": "job-1",
        "penalty_ms": 100.0,
        "load_ms": 1000.0,
    }
    return Ask(**values | changes)


def view(*entries: Entry, limits: Limits | None = None, **changes: Any) -> View:  # noqa: ANN401 - fields of the record
    """A device of 1000 MiB that decides by LRU, without a gate."""
    values: dict[str, Any] = {
        "entries": entries,
        "stats": {},
        "limits": limits or Limits(policy="lru", **FLAT),
        "base_mib": 1000,
        "usable_mib": 1000,
        "pressure": False,
        "now_ms": NOW_MS,
    }
    return View(**values | changes)


def gens(found: Decision) -> list[int]:
    return [victim.gen for victim in found.victims]
