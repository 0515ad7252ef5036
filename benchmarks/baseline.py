"""The same photos through the pipeline alone and through the whole service, side by side.

One run: the pipeline in one process, in as many as the worker's pool has, one client over HTTP,
and a batch over HTTP; then all of that again. A slow spell of a shared machine so hits all alike,
and ratios of one repetition can be trusted where absolute figures can't.
"""

import os
import platform
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from benchmarks.phases import Bench, repeat
from benchmarks.pipeline_loop import running_loops
from benchmarks.report import build_report
from benchmarks.stack import running_stack
from cli.launcher.cores import usable_cores
from models.catalogue import fetchable, load_catalogue
from models.machine import this_machine
from models.weights.store import State, WeightStore
from workers.settings.process import Settings


def measure_baseline(
    settings: Settings, *, photos: int, repetitions: int, console: Console
) -> dict[str, Any]:
    """Measure and answer the report; see `benchmarks.report`.

    Args:
        settings: What shapes the work: weights, threads, size of the pool.
        photos: Per phase and repetition, rounded up so that every process gets each sample alike.
        repetitions: At least 1; medians are taken over them.
        console: Where progress is told.

    Raises:
        BenchmarkFailed: the stack did not work.
        ModelsError: weights or sample photos can't be had.
        CliError: the gateway refused or lost a job.
    """
    paths = fetch(settings, console)
    processes = settings.worker_concurrency or max(1, usable_cores() // settings.ort_threads)
    count = rounded_up(photos, len(paths) * processes)
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    with ExitStack() as opened:
        console.print(f"Loading the pipeline in {processes} processes ...")
        loops = opened.enter_context(running_loops(settings, processes=processes))
        console.print("Starting the stack ...")
        stack = opened.enter_context(running_stack(settings, processes=processes))
        client = opened.enter_context(stack.client())
        console.print("Warming up ...")
        stack.warm_up(client, list(paths.values()), processes)
        loops.run(list(paths.values()), rounds=2, processes=processes)
        bench = Bench(
            loops=loops,
            stack=stack,
            client=client,
            photos=paths,
            count=count,
            processes=processes,
        )
        measured = []
        for number in range(1, repetitions + 1):
            console.print(f"Repetition {number}/{repetitions}: 4 phases of {count} photos ...")
            measured.append(repeat(bench))
        opencv_threads = loops.opencv_threads
        console.print("Stopping the stack ...")
    return build_report(
        measured_at=measured_at,
        machine=machine_facts(opencv_threads),
        setup={
            "worker_processes": processes,
            "in_process_one_processes": 1,
            "in_process_scaled_processes": processes,
            "ort_threads": settings.ort_threads,
            "photos_per_phase": count,
            "repetitions": repetitions,
            "samples": sorted(paths),
        },
        repetitions=measured,
    )


def fetch(settings: Settings, console: Console) -> dict[str, Path]:
    """Have all weights ready and answer the sample photos' paths by id.

    Raises:
        ModelsError: something can't be had; the message says what to do.
    """
    catalogue, store = load_catalogue(), WeightStore(settings.weights_path)
    lite = catalogue.of_profile("lite")
    files = [
        *fetchable(lite),
        *(sample.file for sample in catalogue.samples.values()),
    ]
    if missing := [file.name for file in files if store.state(file) is not State.PRESENT]:
        console.print(f"Fetching into {store.root}: {', '.join(missing)}", soft_wrap=True)
    store.pull_all(files)
    for spec in lite:
        store.prepared(spec)
    return {sample.id: store.path(sample.file) for sample in catalogue.samples.values()}


def rounded_up(number: int, step: int) -> int:
    """The smallest multiple of the step that is not below the number, at least one step."""
    return max(1, -(-number // step)) * step


def machine_facts(opencv_threads: int) -> dict[str, Any]:
    """What the figures depend on besides the code."""
    return {
        "cores": usable_cores(),
        "cpu": this_machine().cpu,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "onnxruntime": this_machine().runtime,
        "celery": metadata.version("celery"),
        "opencv_threads": opencv_threads,
        "load_average_1m": round(os.getloadavg()[0], 2),
    }
