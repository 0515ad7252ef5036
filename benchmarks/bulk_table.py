"""A report of `benchmarks.bulk` for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_bulk(report: Mapping[str, Any], console: Console) -> None:
    """Print what was measured beside what must hold."""
    table = Table(
        title=f"A batch of {report['items']} photos in a ZIP of {report['archive_mib']} MiB"
    )
    table.add_column("")
    table.add_column("measured", justify="right")
    table.add_column("limit", justify="right")
    table.add_row(
        "accepted after the last byte, s",
        f"{report['accept_seconds']}",
        f"{report['accept_limit_seconds']}",
    )
    table.add_row(
        "gateway memory grew by, MiB",
        f"{report['gateway_growth_mib']}",
        f"{report['gateway_growth_limit_mib']}",
    )
    table.add_row("all analysed after, s", f"{report['analysed_seconds']}", "")
    table.add_row("photos a second", f"{report['items_per_second']}", "")
    for name in ("ndjson", "csv"):
        table.add_row(f"exported as {name}, s", f"{report[name]['seconds']}", "")
    console.print(table)
    killed = ", ".join(report["killed"]) or "nothing"
    console.print(f"Killed on the way: {killed}. Every item ended once and is in every export.")
