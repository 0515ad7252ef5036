"""What a routing question and a reservation cost, beside the cheapest script the store can run.

One client on one connection to a server of its own, over loopback TCP. The calls take turns, so a
slow spell of a shared machine hits all alike: the fleet's sizes among each other, and each of them
beside a script that does nothing. The cost must not depend on how many devices or models there are.
"""

import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import redis
from rich.console import Console

from benchmarks.figures import percentile
from benchmarks.ledger_fleet import (
    RESIDENT,
    FilledFleet,
    Size,
    ask,
    fill,
    model_name,
    running_store,
)
from cli.launcher.cores import usable_cores
from models.machine import this_machine

#: What is measured when nothing else is asked for.
SIZES: Final = (
    Size(devices=1, models=10),
    Size(devices=1000, models=10),
    Size(devices=1, models=1000),
    Size(devices=1000, models=1000),
)
#: As many keys and arguments as a reservation has, and no work.
_BARE: Final = "return 1"
_WARM_UP: Final = 50


def measure_ledger(
    *, calls: int, console: Console, sizes: Sequence[Size] = SIZES
) -> dict[str, Any]:
    """Measure and answer the report.

    Args:
        calls: Of each kind, for each size.
        console: Where progress is told.
        sizes: Of fleets; the first is what the others are compared with.

    Raises:
        BenchmarkFailed: the store can't be had, or the ledger refused what fits.
        CliError: the store does not start.
    """
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    with ExitStack() as opened:
        client = opened.enter_context(running_store())
        version = client.info("server").get("valkey_version") or "unknown"
        fleets = []
        for number, size in enumerate(sizes):
            console.print(f"Filling: {size.name} ...")
            own = {**client.connection_pool.connection_kwargs, "db": number}
            pool = redis.ConnectionPool(**own)
            fleets.append(fill(opened.enter_context(redis.Redis(connection_pool=pool)), size))
        kinds = _kinds(client, fleets)
        console.print(f"Measuring {calls} x {len(kinds)} calls ...")
        times_ms = _take_turns(kinds, calls)
    return {
        "measured_at": measured_at,
        "machine": {
            "cores": usable_cores(),
            "cpu": this_machine().cpu,
            "python": platform.python_version(),
            "store": f"valkey {version}",
            "load_average_1m": round(os.getloadavg()[0], 2),
        },
        "setup": {
            "calls": calls,
            "sizes": [size.name for size in sizes],
            "resident_per_device": RESIDENT,
        },
        "bare_evalsha": _figures(times_ms["bare"], times_ms["bare"]),
        "sizes": [_of_size(size, sizes[0], times_ms) for size in sizes],
    }


#: Prepares one call and hands it out.
Kind = Callable[[], Callable[[], object]]


def _kinds(client: redis.Redis, fleets: Sequence[FilledFleet]) -> dict[str, Kind]:
    bare = client.register_script(_BARE)
    kinds: dict[str, Kind] = {
        "bare": lambda: lambda: bare(keys=["a", "b", "c", "d", "e"], args=["", "1", "{}"])
    }
    for filled in fleets:
        kinds[f"route {filled.size.name}"] = partial(_route, filled)
        kinds[f"reserve {filled.size.name}"] = partial(_reserve, filled)
        kinds[f"refuse {filled.size.name}"] = partial(_refuse, filled)
    return kinds


def _route(filled: FilledFleet) -> Callable[[], object]:
    models = filled.job_models()
    return lambda: filled.fleet.outlook(models)


def _reserve(filled: FilledFleet) -> Callable[[], object]:
    """Pin what is there: the call that every batch makes."""
    device_id, mine = filled.pick()
    wanted = ask(model_name(filled.dice.randrange(RESIDENT)))
    return lambda: filled.ledger.reserve(device_id, mine, wanted)


def _refuse(filled: FilledFleet) -> Callable[[], object]:
    """Look for room or victims, and say no: the call that reads most, and writes an event."""
    device_id, mine = filled.pick()
    wanted = ask(model_name(filled.size.models - 1), vram_mib=5800)
    return lambda: filled.ledger.reserve(device_id, mine, wanted)


def _take_turns(kinds: dict[str, Kind], calls: int) -> dict[str, list[float]]:
    times_ms: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(_WARM_UP + calls):
        for name, prepare in kinds.items():
            call = prepare()
            started = time.perf_counter()
            call()
            ended = time.perf_counter()
            if number >= _WARM_UP:
                times_ms[name].append((ended - started) * 1000)
    return times_ms


def _of_size(size: Size, first: Size, times_ms: dict[str, list[float]]) -> dict[str, Any]:
    found: dict[str, Any] = {"devices": size.devices, "models": size.models}
    for kind in ("route", "reserve", "refuse", "both"):
        mine_ms, first_ms = _times_of(kind, size, times_ms), _times_of(kind, first, times_ms)
        figures = _figures(mine_ms, times_ms["bare"])
        figures["p50_of_smallest"] = round(figures["p50_ms"] / percentile(first_ms, 50), 3)
        found[kind] = figures
    return found


def _times_of(kind: str, size: Size, times_ms: dict[str, list[float]]) -> list[float]:
    """Times of a kind; both: the routing question and the reservation of one turn."""
    if kind != "both":
        return times_ms[f"{kind} {size.name}"]
    pairs = zip(times_ms[f"route {size.name}"], times_ms[f"reserve {size.name}"], strict=True)
    return [route + reserve for route, reserve in pairs]


def _figures(times_ms: Sequence[float], bare_ms: Sequence[float]) -> dict[str, float]:
    per_second = 1000 * len(times_ms) / sum(times_ms)
    bare_per_second = 1000 * len(bare_ms) / sum(bare_ms)
    return {
        "p50_ms": round(percentile(times_ms, 50), 4),
        "p95_ms": round(percentile(times_ms, 95), 4),
        "per_second": round(per_second, 1),
        "of_bare": round(per_second / bare_per_second, 3),
    }
