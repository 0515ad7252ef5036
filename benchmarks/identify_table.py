"""A report of the benchmark of identification for people."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

_TITLES = {
    "facesocial": "ours",
    "numpy": "numpy",
    "faiss_flat": "faiss flat",
    "faiss_hnsw": "faiss HNSW",
    "usearch_hnsw": "usearch HNSW",
}
_HEADINGS = (
    "engine",
    "p50",
    "p95",
    "recall",
    "p50",
    "p95",
    "recall",
    "B/face",
    "build s",
    "x numpy",
)


def print_identify(report: Mapping[str, Any], console: Console) -> None:
    """Print a table for each size."""
    machine, setup = report["machine"], report["setup"]
    console.print(
        f"{report['measured_at']}, {machine['cpu']}, {machine['cores']} cores, Python "
        f"{machine['python']}, numpy {machine['numpy']}, faiss {machine['faiss']}, usearch "
        f"{machine['usearch']}; {setup['queries_of_each_kind']} genuine queries and as many "
        f"strangers, {setup['dimensions']} dimensions, one thread, in turns; graphs with "
        f"{setup['candidates_of_graphs']} candidates."
    )
    for size in report["sizes"]:
        console.print(_of_size(size))
        if "snapshot" in size:
            console.print(_loading(size))


def _of_size(size: Mapping[str, Any]) -> Table:
    table = Table(title=f"{size['faces']:,} faces", box=SIMPLE_HEAD, pad_edge=False)
    for heading in _HEADINGS:
        is_text = heading == "engine"
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=True)
    for name, found in size["engines"].items():
        genuine, strangers = found["genuine"], found["strangers"]
        title = _TITLES[name] + (f" ({found['kind']})" if "kind" in found else "")
        table.add_row(
            title,
            *_cells(genuine),
            *_cells(strangers),
            f"{found['bytes_per_face']:.0f}",
            f"{found['build_seconds']:.1f}",
            f"{genuine['of_numpy']:.2f}" if "of_numpy" in genuine else "",
        )
    table.caption = (
        f"Cosine of a genuine query with its nearest face {_range(size['genuine_cosine'])}, of a "
        f"stranger's {_range(size['strangers_cosine'])} (1st, 50th, 99th of 100). "
        "First the genuine queries, then the strangers; times in ms, recall@1."
    )
    return table


def _cells(found: Mapping[str, Any]) -> tuple[str, ...]:
    return f"{found['p50_ms']:.2f}", f"{found['p95_ms']:.2f}", f"{found['recall_at_1']:.3f}"


def _range(spread: Mapping[str, float]) -> str:
    return ", ".join(f"{value:.2f}" for value in spread.values())


def _loading(size: Mapping[str, Any]) -> str:
    snapshot, store = size["snapshot"], size["store"]
    return (
        f"Snapshot: {snapshot['bytes_per_face']:.0f} bytes a face, written in "
        f"{snapshot['write_seconds']:.1f} s, loaded in {snapshot['load_seconds']:.1f} s. Store "
        f"(measured with {store['faces']:,} faces): {store['enrolled_per_second']:,} faces/s "
        f"enrolled, {store['indexed_per_second']:,} faces/s read into an index, "
        f"{store['store_bytes_per_face']:,} bytes a face; following when nothing has changed "
        f"takes {store['follow_nothing_ms']:.2f} ms."
    )
