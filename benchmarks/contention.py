"""How long a photo takes for somebody who waits, with nothing else to do and beside a batch.

One run: single photos one after another on an idle fleet, then the same while a batch is worked on.
A photo that arrives while a worker is at items of the batch waits for those it has begun, so the
bound is twice the idle latency and one item's time.
"""

import itertools
import statistics
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.baseline import fetch
from benchmarks.errors import BenchmarkFailed
from benchmarks.figures import percentile
from benchmarks.stack import running_stack
from cli.launcher.cores import usable_cores
from client import Batch, Client, Photo
from workers.settings.process import Settings

SCHEMA = 1
#: Time between two single photos: somebody looks at the answer, or a queue of one is served.
PAUSE_SECONDS = 0.1
_WAIT_SECONDS = 20.0


def measure_contention(
    settings: Settings, *, items: int, photos: int, console: Console
) -> dict[str, Any]:
    """Measure and answer the report.

    Args:
        settings: What shapes the work.
        items: Of the batch.
        photos: Single ones, on the idle fleet and again beside the batch.
        console: Where progress is told.

    Raises:
        BenchmarkFailed: the batch ended before the photos were measured, or items of it failed.
    """
    paths = fetch(settings, console)
    processes = settings.worker_concurrency or max(1, usable_cores() // settings.ort_threads)
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    with running_stack(settings, processes=processes) as stack, stack.client() as client:
        console.print("Warming up ...")
        stack.warm_up(client, list(paths.values()), processes)
        console.print(f"{photos} photos on the idle fleet ...")
        idle_ms = _latencies(client, paths, photos)
        console.print(f"Sending a batch of {items} ...")
        batch = client.batches.submit(_items(paths, items))
        started, before = time.monotonic(), client.batches.get(batch.id)
        console.print(f"{photos} photos beside it ...")
        beside_ms = _latencies(client, paths, photos)
        after = client.batches.get(batch.id)
        seconds = time.monotonic() - started
        if after.has_ended:
            raise BenchmarkFailed("The batch ended before the photos: give it more items.")
        console.print("Waiting for the batch ...")
        end = client.batches.wait(batch.id)
    if end.state != "succeeded":
        raise BenchmarkFailed(f"The batch ended as {end.state}: {end.counts}.")
    return _report(idle_ms, beside_ms, _item_ms(before, after, seconds, processes)) | {
        "schema": SCHEMA,
        "measured_at": measured_at,
        "items": items,
        "photos": photos,
        "processes": processes,
    }


def print_contention(report: Mapping[str, Any], console: Console) -> None:
    """The report in words."""
    for name in ("idle", "beside_batch"):
        row = report[name]
        console.print(f"{name}: p50 {row['p50_ms']:.0f} ms, p95 {row['p95_ms']:.0f} ms")
    console.print(f"one item of the batch: {report['item_ms']:.0f} ms")
    verdict = "within" if report["is_within"] else "ABOVE"
    console.print(f"p95 beside the batch is {verdict} the bound of {report['bound_ms']:.0f} ms")


def _latencies(client: Client, paths: Mapping[str, Path], photos: int) -> list[float]:
    taken = []
    for path in itertools.islice(itertools.cycle(paths.values()), photos):
        started = time.perf_counter()
        client.wait(client.analyze(path, wait_seconds=_WAIT_SECONDS))
        taken.append((time.perf_counter() - started) * 1000)
        time.sleep(PAUSE_SECONDS)
    return taken


def _items(paths: Mapping[str, Path], items: int) -> list[Photo]:
    sources = itertools.islice(itertools.cycle(paths.values()), items)
    return [Photo(name=f"{number}.jpg", content=path) for number, path in enumerate(sources)]


def _item_ms(before: Batch, after: Batch, seconds: float, processes: int) -> float:
    """How long one process works at one item, interactive photos in between included."""
    done = after.counts.ended - before.counts.ended
    if not done:
        raise BenchmarkFailed("No item of the batch ended while photos were measured.")
    return seconds * 1000 * processes / done


def _report(idle: Sequence[float], beside: Sequence[float], item_ms: float) -> dict[str, Any]:
    bound_ms = 2 * percentile(idle, 95) + item_ms
    return {
        "idle": _figures(idle),
        "beside_batch": _figures(beside),
        "item_ms": item_ms,
        "bound_ms": bound_ms,
        "is_within": percentile(beside, 95) <= bound_ms,
    }


def _figures(taken: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": statistics.median(taken), "p95_ms": percentile(taken, 95)}
