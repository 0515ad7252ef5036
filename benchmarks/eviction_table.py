"""The table of `benchmarks eviction`."""

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.eviction import OURS
from vram.simulator.report import POLICIES


def print_eviction(report: dict[str, Any], console: Console) -> None:
    """Total work against LRU's, and what it costs in CPU share and latency."""
    table = Table(
        title="Total work against LRU's", title_justify="left", box=None, padding=(0, 1, 0, 0)
    )
    table.add_column("load", no_wrap=True)
    for column in ("room", *POLICIES[1:], "worst", "bound", "CPU", "p99 s", "LRU's"):
        table.add_column(column, justify="right", no_wrap=True)
    for cell in report["cells"]:
        table.add_row(*_row(cell))
    console.print(table)
    console.print(
        f"room: of all models. worst: {OURS}'s worst seed. bound: no policy can do with less. CPU,"
        f" p99: {OURS}'s requests there, and latency. *: a further load."
    )
    kept = report["goals_met"] and report["never_worse_in_any_run"]
    told = "reaches its goal on all, and no run is worse than LRU's" if kept else "MISSES its goal"
    console.print(f"Loads that have to reach it: {OURS} {told}.")
    console.print(f"Goal missed: {', '.join(report['missed']) or 'nowhere'}.")


def _row(cell: dict[str, Any]) -> list[str]:
    policies = cell["policies"]
    ours, lru = policies[OURS], policies["lru"]
    works = [f"{policies[name]['against_lru']:.2f}" for name in POLICIES[1:]]
    return [
        cell["trace"] + (" *" if cell["further"] else ""),
        f"{cell['share']:g}",
        *works,
        f"{ours['worst_against_lru']:.2f}",
        f"{cell['bound_against_lru']:.2f}",
        f"{ours['cpu_share']:.0%}",
        f"{ours['latency_p99_ms'] / 1000:.1f}",
        f"{lru['latency_p99_ms'] / 1000:.0f}",
    ]
