"""A report of the ledger's benchmark for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

_TITLES = {
    "route": "route",
    "reserve": "reserve",
    "both": "both",
    "refuse": "refusal",
}


def print_ledger(report: Mapping[str, Any], console: Console) -> None:
    """Print latency and throughput by size of the fleet, beside a script that does nothing."""
    machine, setup, bare = report["machine"], report["setup"], report["bare_evalsha"]
    console.print(
        f"{report['measured_at']}, {machine['cpu']}, {machine['cores']} cores, Python "
        f"{machine['python']}, {machine['store']}; {setup['calls']} calls of each kind, in turns; "
        f"{setup['resident_per_device']} models on each device."
    )
    table = Table(title="One client, one connection, loopback")
    for heading in ("call", "devices", "models", "p50 ms", "p95 ms", "calls/s", "of bare", "x p50"):
        table.add_column(heading, justify="left" if heading == "call" else "right")
    table.add_row("bare script", "", "", *_cells(bare), "")
    for kind, title in _TITLES.items():
        for size in report["sizes"]:
            figures = size[kind]
            counts = (str(size["devices"]), str(size["models"]))
            table.add_row(title, *counts, *_cells(figures), f"{figures['p50_of_smallest']:.2f}")
    console.print(table)
    console.print(
        "route: the fleet's outlook for a job of 5 models. reserve: a model that is there. "
        "refusal: a model for which there is no room. x p50: of the smallest fleet's."
    )


def _cells(figures: Mapping[str, float]) -> tuple[str, ...]:
    return (
        f"{figures['p50_ms']:.3f}",
        f"{figures['p95_ms']:.3f}",
        f"{figures['per_second']:.0f}",
        f"{figures['of_bare']:.0%}",
    )
