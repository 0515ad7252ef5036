"""A report of `benchmarks.enrollment` for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_enrollment(report: Mapping[str, Any], console: Console) -> None:
    """Print what was measured."""
    found = report["report"]
    table = Table(title=f"{report['files']} files enrolled in {report['seconds']} s")
    table.add_column("")
    table.add_column("number", justify="right")
    for kind, number in report["photos"].items():
        table.add_row(f"photos sent: {kind}", str(number))
    table.add_row("troubles sent", str(report["troubles"]))
    table.add_section()
    for name, number in found["photos"].items():
        table.add_row(f"photos: {name}", str(number))
    table.add_section()
    for name, number in found["reasons"].items():
        table.add_row(f"refused: {name}", str(number))
    table.add_section()
    for name, number in found["persons"].items():
        table.add_row(f"persons: {name}", str(number))
    table.add_row("photos that resemble somebody else", str(report["conflicts"]))
    table.add_row("photos a second", str(report["photos_per_second"]))
    console.print(table)
    killed = ", ".join(f"{name} at {items}" for name, items in report["killed"].items())
    console.print(
        f"Killed on the way: {killed or 'nothing'}. Every file ended once, and the faces that are "
        "stored are those that are reported."
    )
    if (compared := report["compared"]) is not None:
        alike, differing = compared["alike"], compared["differing"]
        console.print(f"Without kills {alike} photos ended alike, {differing} did not.")
        both, one = compared["similar_pairs_of_both"], compared["similar_pairs_of_one"]
        console.print(f"{both} pairs of similar persons are in both reports, {one} in one.")
