"""How fast a face is found among many, and whether it is the right one.

All engines answer the same queries with one thread each, in turns, so that a slow spell of a shared
machine hits all alike. What is right is what comparing everything in float32 finds. Queries are
genuine (another photo of somebody stored) or strangers; figures of the two are kept apart, because
a stranger's nearest face is no nearer than thousands of others and so harder to find.
"""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import usearch
from rich.console import Console
from threadpoolctl import threadpool_limits

from benchmarks.figures import percentile
from benchmarks.identify_engines import (
    CANDIDATES,
    PERSONS,
    Engine,
    Faiss,
    OurIndex,
    PlainNumpy,
    UsearchGraph,
)
from benchmarks.identify_faces import DIMENSIONS, Floats, MadeFaces, Queries
from benchmarks.identify_store import measure_snapshot, measure_store
from benchmarks.own_memory import give_back_memory, own_bytes
from cli.launcher.cores import usable_cores
from models.machine import this_machine
from workers.settings.process import Settings

#: In the order of a report.
ENGINES: Final = ("facesocial", "numpy", "faiss_flat", "faiss_hnsw", "usearch_hnsw")
#: These compare everything and need not be asked often.
_EXACT: Final = {"numpy", "faiss_flat"}
_EXACT_QUERIES: Final = 50
_WARM_UP: Final = 5
#: Borders between which genuine queries are counted by their cosine with the face they are of.
_BANDS: Final = (0.0, 0.4, 0.5, 0.6, 1.0)
#: Faces enrolled for the figures of the store.
_STORE_FACES: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is measured."""

    #: Faces of each gallery.
    sizes: Sequence[int]
    #: Of each kind.
    queries: int
    engines: Sequence[str] = ENGINES
    #: How many graphs keep while they are searched.
    candidates: int = CANDIDATES
    seed: int = 1


def measure_identify(plan: Plan, *, console: Console) -> dict[str, Any]:
    """Measure and answer the report.

    Args:
        plan: What is measured.
        console: Where progress is told.

    Raises:
        CliError: the store does not start.
    """
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    exact_faces = Settings().identity_exact_faces
    return {
        "benchmark": "identify",
        "schema": 1,
        "measured_at": measured_at,
        "machine": {
            "cores": usable_cores(),
            "cpu": this_machine().cpu,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "faiss": faiss.__version__,
            "usearch": usearch.__version__,
            "load_average_1m": round(os.getloadavg()[0], 2),
        },
        "setup": {
            "dimensions": DIMENSIONS,
            "queries_of_each_kind": plan.queries,
            "persons_asked_for": PERSONS,
            "exact_faces": exact_faces,
            "candidates_of_graphs": plan.candidates,
            "seed": plan.seed,
        },
        "sizes": [_measure(size, plan, exact_faces, console) for size in plan.sizes],
    }


def open_engine(name: str, plan: Plan, exact_faces: int) -> Engine:
    """An engine of ENGINES, without faces."""
    made: Mapping[str, Callable[[], Engine]] = {
        "facesocial": lambda: OurIndex(exact_faces),
        "numpy": PlainNumpy,
        "faiss_flat": Faiss,
        "faiss_hnsw": lambda: Faiss(plan.candidates),
        "usearch_hnsw": lambda: UsearchGraph(plan.candidates),
    }
    return made[name]()


def _measure(size: int, plan: Plan, exact_faces: int, console: Console) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        console.print(f"{size} faces: drawing and comparing everything ...")
        faces = MadeFaces(Path(folder), size, seed=plan.seed)
        kinds = {"genuine": faces.genuine(plan.queries), "strangers": faces.strangers(plan.queries)}
        engines: dict[str, Engine] = {}
        figures: dict[str, dict[str, Any]] = {}
        for name in plan.engines:
            console.print(f"{size} faces: building {name} ...")
            engines[name] = open_engine(name, plan, exact_faces)
            figures[name] = _built(engines[name], faces, size)
        with threadpool_limits(1):
            for kind, queries in kinds.items():
                console.print(f"{size} faces: asking for {kind} ...")
                for name, found in _take_turns(engines, queries).items():
                    figures[name][kind] = found
        _compare(figures, kinds)
        report: dict[str, Any] = {
            "faces": size,
            "genuine_cosine": _spread(kinds["genuine"].cosines),
            "strangers_cosine": _spread(kinds["strangers"].cosines),
            "engines": figures,
        }
        ours = engines.get("facesocial")
        if isinstance(ours, OurIndex):
            engines.clear()
            console.print(f"{size} faces: writing and loading a snapshot ...")
            figures["facesocial"]["kind"] = ours.index.kind
            report["snapshot"] = measure_snapshot(ours, exact_faces=exact_faces)
            report["store"] = measure_store(faces, most=min(size, _STORE_FACES))
        return report


def _built(engine: Engine, faces: MadeFaces, size: int) -> dict[str, Any]:
    give_back_memory()
    before_bytes, started = own_bytes(), time.perf_counter()
    engine.build(faces)
    seconds = time.perf_counter() - started
    give_back_memory()
    return {
        "build_seconds": round(seconds, 2),
        "bytes_per_face": round((own_bytes() - before_bytes) / size, 1),
    }


def _take_turns(engines: Mapping[str, Engine], queries: Queries) -> dict[str, dict[str, Any]]:
    times_ms: dict[str, list[float]] = {name: [] for name in engines}
    found: dict[str, list[int]] = {name: [] for name in engines}
    for number, query in enumerate(queries.vectors):
        for name, engine in engines.items():
            if number >= _EXACT_QUERIES and name in _EXACT:
                continue
            row, milliseconds = _asked(engine, query)
            found[name].append(row)
            if number >= _WARM_UP:
                times_ms[name].append(milliseconds)
    return {
        name: {
            "p50_ms": round(percentile(times_ms[name], 50), 3),
            "p95_ms": round(percentile(times_ms[name], 95), 3),
            "queries": len(found[name]),
            "right": int((np.array(found[name]) == queries.rows[: len(found[name])]).sum()),
            "rows": found[name],
        }
        for name in engines
    }


def _asked(engine: Engine, query: Floats) -> tuple[int, float]:
    started = time.perf_counter()
    row = engine.nearest(query)
    return row, (time.perf_counter() - started) * 1000


def _compare(figures: Mapping[str, dict[str, Any]], kinds: Mapping[str, Queries]) -> None:
    """Put in what follows from others' figures, and take out the single answers."""
    for name, found in figures.items():
        for kind, queries in kinds.items():
            one = found[kind]
            rows = np.array(one.pop("rows"))
            one["recall_at_1"] = round(one["right"] / one["queries"], 5)
            if "numpy" in figures:
                one["of_numpy"] = round(one["p50_ms"] / figures["numpy"][kind]["p50_ms"], 4)
            if kind == "genuine" and name not in _EXACT:
                one["by_cosine"] = _by_cosine(rows == queries.rows, queries.cosines)


def _by_cosine(is_right: np.ndarray[Any, Any], cosines: Floats) -> list[dict[str, Any]]:
    bands = []
    for low, high in pairwise(_BANDS):
        inside = (cosines >= low) & (cosines < high)
        bands.append(
            {
                "from": low,
                "to": high,
                "queries": int(inside.sum()),
                "right": int(is_right[inside].sum()),
            }
        )
    return bands


def _spread(values: Floats) -> dict[str, float]:
    return {
        f"p{percent}": round(float(np.percentile(values, percent)), 3) for percent in (1, 50, 99)
    }
