"""A report of the gateway's benchmark for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

_ROWS = {
    "waiting": "photos as fast as they are accepted, others waiting",
    "waiting_paced": "a photo a second each, others waiting",
    "accepted": "photos as fast as they are accepted, nobody waiting",
    "bare": "bare route that only reads the upload",
    "gthread": "the same gateway on threads, nobody waiting",
    "gthread_waiting": "the same gateway on threads, others waiting",
}


def print_gateway(report: Mapping[str, Any], console: Console) -> None:
    """Print latency, throughput and memory of each phase, as medians of the repetitions."""
    machine, setup, medians = report["machine"], report["setup"], report["medians"]
    console.print(
        f"{report['measured_at']}, {machine['cpu']}, {machine['cores']} cores, Python "
        f"{machine['python']}; one gateway process, {setup['submitters']} clients send photos of "
        f"{setup['photo_bytes']} bytes for {setup['seconds']:.0f} s a phase; medians of "
        f"{setup['repetitions']} repetitions."
    )
    table = Table(title=f"{setup['waiting']} clients wait: long polls, event streams, WebSockets")
    for heading in ("phase", "waiting", "p50 ms", "p95 ms", "photos/s", "CPU ms", "MiB"):
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    for name, title in _ROWS.items():
        figures = medians[name]
        table.add_row(
            title,
            f"{figures['waiting_after']:.0f}",
            f"{figures['p50_ms']:.1f}",
            f"{figures['p95_ms']:.1f}",
            f"{figures['per_second']:.0f}",
            f"{figures['cpu_ms_per_photo']:.1f}",
            f"{figures['memory_waiting_mib']:.0f}",
        )
    console.print(table)
    console.print(f"Accepted photos to photos read by the bare route: {medians['of_bare']:.2f}")
