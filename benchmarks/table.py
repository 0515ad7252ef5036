"""A baseline report for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.report import PHASES

_PHASE_TITLES = {
    "in_process_one": "pipeline, 1 process",
    "in_process_scaled": "pipeline, {} processes",
    "http_interactive": "service, 1 client waiting",
    "http_batch": "service, batch",
}
_PART_TITLES = {
    "latency_ms": "from sending to having the answer",
    "accept_ms": "of it until the 202 (overlaps the parts below)",
    "store_ms": "sending until the job is stored",
    "queue_ms": "stored until claimed by a worker",
    "pipeline_ms": "pipeline",
    "worker_rest_ms": "worker, beside the pipeline",
    "deliver_ms": "job's end until the client has it",
}


def print_baseline(report: Mapping[str, Any], console: Console) -> None:
    """Print throughput, ratios and where the interactive latency goes."""
    machine, setup = report["machine"], report["setup"]
    console.print(
        f"{report['measured_at']}, {machine['cpu']}, {machine['cores']} cores, Python "
        f"{machine['python']}, {machine['onnxruntime']}; {setup['worker_processes']} worker "
        f"processes x {setup['ort_threads']} threads; medians of {setup['repetitions']} x "
        f"{setup['photos_per_phase']} photos."
    )
    console.print(_throughput(report))
    console.print(_latency(report))
    console.print(_parts(report))


def _throughput(report: Mapping[str, Any]) -> Table:
    table = Table(title="Throughput")
    headings = ("phase", "photos/s", "of 1 process", "of all", "CPU ms/photo", "others' CPU")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    processes = report["setup"]["in_process_scaled_processes"]
    for phase in PHASES:
        table.add_row(
            _PHASE_TITLES[phase].format(processes),
            f"{report['photos_per_second'][phase]['median']:.2f}",
            _ratio(report, phase, "in_process_one"),
            _ratio(report, phase, "in_process_scaled"),
            f"{report['cpu_ms_per_photo'][phase]['total']:.1f}",
            f"{report['others_cpu_share'][phase]['median']:.0%}",
        )
    return table


def _ratio(report: Mapping[str, Any], above: str, below: str) -> str:
    found = report["ratios"].get(f"{above}/{below}")
    return f"{found['median']:.2f}" if found else ""


def _latency(report: Mapping[str, Any]) -> Table:
    table = Table(title="Milliseconds a photo takes")
    for heading in ("photo", "pipeline p50", "p95", "service p50", "p95"):
        table.add_column(heading, justify="left" if heading == "photo" else "right")
    for sample, alone in report["in_process_ms"].items():
        served = report["interactive_ms"][sample]
        values = (alone["p50"], alone["p95"], served["p50"], served["p95"])
        table.add_row(sample, *(f"{value:.1f}" for value in values))
    overhead = report["interactive_overhead_ms"]["median"]
    table.caption = f"The service adds {overhead:.1f} ms to a typical photo."
    return table


def _parts(report: Mapping[str, Any]) -> Table:
    table = Table(title="Where a waiting client's time goes")
    table.add_column("part")
    table.add_column("ms", justify="right")
    for part, milliseconds in report["interactive_parts_ms"].items():
        table.add_row(_PART_TITLES[part], f"{milliseconds:.1f}")
    return table
