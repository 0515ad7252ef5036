"""`facesocial models measure`: how much device memory each model takes, by batch size."""

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.plain_console import PlainConsole
from models.catalogue import Catalogue, load_catalogue
from models.errors import ModelsError, WeightsMissing
from models.machine import runtime
from models.memory import MIB, MeasuredGraph, MemoryTable, load_memory_table
from models.spec import ModelSpec
from models.weights.store import State, WeightStore
from workers.settings.process import load_settings


def measure(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Models by id or alias; all installed by default."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a table like models/memory.toml, old lines kept."),
    ] = None,
) -> None:
    """Measure the memory each graph takes at each batch size, without a GPU.

    Each runs in a process of its own under the memory options of a GPU session, and the arena's log
    is read: the arena is the same code on a CPU and on CUDA. What only CUDA takes is not in it.
    The fleet plans with the table that ships; on a card, the driver's figures replace it after a
    load.
    """
    # Listing models needs no inference libraries, which take a second to import.
    from models.memory_measure import measure as measure_graph  # noqa: PLC0415 - see above

    catalogue, store = load_catalogue(), WeightStore(load_settings().weights_path)
    found: dict[str, MeasuredGraph] = {}
    failures: list[str] = []
    for spec in _chosen(catalogue, store, names):
        print(f"{spec.id} ...", file=sys.stderr)
        try:
            found[spec.id] = measure_graph(store, store.known(spec))
        except ModelsError as error:
            failures.append(str(error))
    if write is not None:
        table = {**_kept(load_memory_table(), catalogue), **found}
        write.write_text(_toml(table), encoding="utf-8")
    if as_json:
        print(json.dumps([_row(name, graph) for name, graph in found.items()], indent=2))
    else:
        _show(found, PlainConsole())
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        raise typer.Exit(1)


def _chosen(
    catalogue: Catalogue, store: WeightStore, names: list[str] | None
) -> Iterable[ModelSpec]:
    """Graphs in ONNX form: parts as models of their own, TFLite ones never."""
    named = [catalogue.model(name) for name in names or catalogue.models]
    specs = {one.id: one for spec in named for one in catalogue.with_parts(spec)}
    here = (State.PRESENT, State.PREPARED)
    for spec in specs.values():
        if Path(spec.file.name).suffix == ".tflite":
            if names:
                print(f"{spec.id} runs on the CPU everywhere: it takes none.", file=sys.stderr)
        elif store.model_state(spec) in here:
            yield spec
        elif names:
            raise WeightsMissing(
                f"{spec.id} is not installed. Run `facesocial models pull {spec.id}`."
            )


def _kept(table: MemoryTable, catalogue: Catalogue) -> Mapping[str, MeasuredGraph]:
    return {name: graph for name, graph in table.models.items() if name in catalogue.models}


def _row(name: str, graph: MeasuredGraph) -> dict[str, Any]:
    return {
        "model": name,
        "basis": "measured_cpu_arena",
        "weights_mib": round(graph.weights_bytes / MIB, 1),
        "run_mib": {str(size): round(taken / MIB, 1) for size, taken in graph.run_bytes.items()},
        "convolutions": graph.convolutions,
    }


def _show(found: Mapping[str, MeasuredGraph], console: Console) -> None:
    sizes = sorted({size for graph in found.values() for size in graph.run_bytes})
    table = Table("graph", "weights", *(f"batch {size}" for size in sizes), title="MiB")
    for name, graph in found.items():
        runs = [graph.run_bytes.get(size) for size in sizes]
        cells = ["" if taken is None else f"{taken / MIB:.1f}" for taken in runs]
        table.add_row(name, f"{graph.weights_bytes / MIB:.1f}", *cells)
    console.print(table)


def _toml(models: Mapping[str, MeasuredGraph]) -> str:
    lines = [
        "# Memory of each graph, bytes; see models/memory.py.",
        "# Made by `facesocial models measure --write models/memory.toml`; never by hand.",
        f'runtime = "{runtime()}"',
        f'measured_at = "{datetime.now(UTC).isoformat(timespec="seconds")}"',
    ]
    for name, graph in sorted(models.items()):
        runs = ", ".join(f"{size} = {taken}" for size, taken in sorted(graph.run_bytes.items()))
        lines += [
            "",
            f"[models.{name}]",
            f'sha256 = "{graph.sha256}"',
            f"weights_bytes = {graph.weights_bytes}",
            f"convolutions = {str(graph.convolutions).lower()}",
            f"run_bytes = {{ {runs} }}",
        ]
    return "\n".join(lines) + "\n"
