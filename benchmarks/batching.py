"""Jobs claimed in batches, jobs claimed one by one, and the pipeline alone in a loop.

One run on the CPU: the workers' devices are simulated, so their networks compute where the loops'
do. What differs between the two workers is only how many jobs one claim takes. The phases take
turns, so that a slow spell of a shared machine hits all alike; ratios are formed within a
repetition.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import cv2
from rich.console import Console
from rich.table import Table

from benchmarks.baseline import fetch, machine_facts
from benchmarks.batching_fleet import WORKERS, BatchFleet, running_fleet
from benchmarks.figures import percentile
from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from workers.contract import AnalyzeOptions, Lane
from workers.devices.residency import Residency
from workers.jobs.store import Job
from workers.photos.photo import Order
from workers.photos.pipeline import FacePipeline
from workers.settings.process import Settings

#: One face, half a megapixel.
SAMPLE: Final = "astronaut"
LOOP_BATCH: Final = 16
#: Of what the worker without batches can do: jobs arrive at this share of it under load.
LOAD_SHARE: Final = 0.7
#: Threads that submit jobs.
CLIENTS: Final = 16
OPTIONS: Final = AnalyzeOptions()
#: Photos a second by phase.
Rates = Mapping[str, float]


def measure_batching(
    settings: Settings, *, jobs: int, repetitions: int, console: Console
) -> dict[str, Any]:
    """Measure and answer the report.

    Args:
        settings: Weights and threads.
        jobs: Per phase and repetition.
        repetitions: Medians are taken over these.
        console: Where progress is told.

    Raises:
        BenchmarkFailed: a worker did not start, or a job failed.
        ModelsError: weights or the sample photo can't be had.
        CliError: the store does not start.
    """
    photo = fetch(settings, console)[SAMPLE].read_bytes()
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    cv2.setNumThreads(settings.ort_threads)
    pipeline = _pipeline(settings)
    pipeline.analyze(photo, OPTIONS)
    rates: list[Rates] = []
    latencies: dict[str, list[float]] = {}
    console.print("Starting two workers ...")
    with running_fleet(settings) as fleet:
        for worker in WORKERS:
            _burst(fleet, photo, worker, 4)
        for number in range(1, repetitions + 1):
            console.print(f"Repetition {number}/{repetitions}: phases of {jobs} jobs ...")
            rates.append(_rates(pipeline, fleet, photo, jobs))
            for name, found in _latencies(fleet, photo, jobs, rates[-1]["one_by_one"]).items():
                latencies.setdefault(name, []).extend(found)
    return {
        "measured_at": measured_at,
        "machine": machine_facts(cv2.getNumThreads()),
        "setup": {
            "jobs_per_phase": jobs,
            "repetitions": repetitions,
            "sample": SAMPLE,
            "most_jobs_of_a_claim": {name: most for name, (_, most) in WORKERS.items()},
            "load_share": LOAD_SHARE,
            "ort_threads": settings.ort_threads,
            "load_average_1m_at_end": round(os.getloadavg()[0], 2),
        },
        **summary(rates, latencies),
    }


def summary(rates: Sequence[Rates], latencies: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Medians and ratios.

    Args:
        rates: Of each repetition: photos a second by phase.
        latencies: By phase, ms from submission to end of each job.
    """
    ratios = {
        "batching_to_one_by_one": ("batching", "one_by_one"),
        "one_by_one_to_loop": ("one_by_one", "loop"),
        "batching_to_loop_of_batches": ("batching", "loop_of_batches"),
        "loop_of_batches_to_loop": ("loop_of_batches", "loop"),
    }
    return {
        "photos_per_second": {
            phase: {
                "median": round(statistics.median(each[phase] for each in rates), 2),
                "repetitions": [round(each[phase], 2) for each in rates],
            }
            for phase in rates[0]
        },
        "ratios": {
            name: {
                "median": round(statistics.median(each[a] / each[b] for each in rates), 3),
                "repetitions": [round(each[a] / each[b], 3) for each in rates],
            }
            for name, (a, b) in ratios.items()
        },
        "latency_ms": {
            phase: {
                "p50": round(percentile(found, 50), 1),
                "p95": round(percentile(found, 95), 1),
            }
            for phase, found in latencies.items()
        },
    }


def print_batching(report: Mapping[str, Any], console: Console) -> None:
    """Print the report for people."""
    machine, setup = report["machine"], report["setup"]
    console.print(
        f"{report['measured_at']}, {machine['cpu']}, {machine['cores']} cores, load "
        f"{machine['load_average_1m']}; {setup['jobs_per_phase']} jobs a phase, "
        f"{setup['repetitions']} repetitions."
    )
    rates = Table("phase", "photos/s", "repetitions")
    for phase, found in report["photos_per_second"].items():
        rates.add_row(phase, f"{found['median']:.1f}", ", ".join(map(str, found["repetitions"])))
    for name, found in report["ratios"].items():
        rates.add_row(name, f"{found['median']:.2f}x", ", ".join(map(str, found["repetitions"])))
    latency = Table("from submission to end", "p50 ms", "p95 ms")
    for phase, found in report["latency_ms"].items():
        latency.add_row(phase, f"{found['p50']:.0f}", f"{found['p95']:.0f}")
    console.print(rates, latency)


def _pipeline(settings: Settings) -> FacePipeline:
    residency = Residency(
        store=WeightStore(settings.weights_path),
        catalogue=load_catalogue(),
        threads=settings.ort_threads,
    )
    residency.load()
    return FacePipeline(
        residency,
        max_pixels=settings.max_image_pixels,
        decode_threads=settings.batch_decode_threads,
    )


def _rates(pipeline: FacePipeline, fleet: BatchFleet, photo: bytes, jobs: int) -> Rates:
    def loop() -> None:
        for _ in range(jobs):
            pipeline.analyze(photo, OPTIONS)

    def loop_of_batches() -> None:
        for first in range(0, jobs, LOOP_BATCH):
            several = [_order(photo)] * min(LOOP_BATCH, jobs - first)
            pipeline.analyze_many(several)

    phases: dict[str, Callable[[], object]] = {
        "loop": loop,
        "loop_of_batches": loop_of_batches,
        **{name: partial(_burst, fleet, photo, name, jobs) for name in WORKERS},
    }
    return {name: jobs / _seconds(phase) for name, phase in phases.items()}


def _latencies(
    fleet: BatchFleet, photo: bytes, jobs: int, per_second: float
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for worker in WORKERS:
        found[f"{worker}, alone"] = [
            _latency_ms(job)
            for _ in range(jobs // 2)
            for job in fleet.wait([_submit(fleet, photo, worker)])
        ]
        found[f"{worker}, under load"] = _under_load(
            fleet, photo, worker, jobs, pause_seconds=1 / (LOAD_SHARE * per_second)
        )
        found[f"{worker}, burst"] = [
            _latency_ms(job) for job in _burst(fleet, photo, worker, jobs, lane="interactive")
        ]
    return found


def _under_load(
    fleet: BatchFleet, photo: bytes, worker: str, jobs: int, *, pause_seconds: float
) -> list[float]:
    """Jobs that arrive at an even pace, whether or not the worker keeps up."""
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        submitted = []
        for number in range(jobs):
            time.sleep(max(0.0, began + number * pause_seconds - time.perf_counter()))
            submitted.append(clients.submit(_submit, fleet, photo, worker))
    return [_latency_ms(job) for job in fleet.wait([each.result() for each in submitted])]


def _burst(
    fleet: BatchFleet, photo: bytes, worker: str, jobs: int, *, lane: Lane = "bulk"
) -> list[Job]:
    # Clients submit side by side: each one's submission waits for the store's disk.
    with ThreadPoolExecutor(CLIENTS) as clients:
        submitted = [
            clients.submit(fleet.submit, photo, OPTIONS, worker=worker, lane=lane)
            for _ in range(jobs)
        ]
    return fleet.wait([each.result() for each in submitted])


def _submit(fleet: BatchFleet, photo: bytes, worker: str) -> str:
    return fleet.submit(photo, OPTIONS, worker=worker, lane="interactive")


def _latency_ms(job: Job) -> float:
    """By the store's own clock."""
    assert job.finished_ms is not None  # noqa: S101 - all were waited for
    return float(job.finished_ms - job.created_ms)


def _order(photo: bytes) -> Order:
    return Order(read=lambda: photo, options=OPTIONS)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
