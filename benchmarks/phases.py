"""The four phases of a repetition."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import psutil

from benchmarks.cpu_clock import CpuUse, read_cpu
from benchmarks.figures import Exchange
from benchmarks.pipeline_loop import LoopPool
from benchmarks.report import Phase, Repetition
from benchmarks.stack import JOB_SECONDS, Stack
from client import Client

#: Longest wait for the last job of a batch.
BATCH_SECONDS = 600

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What a repetition works with."""

    loops: LoopPool
    stack: Stack
    client: Client
    #: By sample id.
    photos: Mapping[str, Path]
    #: Photos per phase: a multiple of samples times processes.
    count: int
    #: Of the worker's pool, and of the scaled in-process loop.
    processes: int


def repeat(bench: Bench) -> Repetition:
    """Run each phase once."""
    samples = list(bench.photos)
    one, photo_ms = _phase(bench, lambda: _in_process(bench, processes=1))
    scaled, _ = _phase(bench, lambda: _in_process(bench, processes=bench.processes))
    interactive, exchanges = _phase(bench, lambda: _interactive(bench))
    batch, submit_seconds = _phase(bench, lambda: _batch(bench))
    return Repetition(
        phases={
            "in_process_one": one,
            "in_process_scaled": scaled,
            "http_interactive": interactive,
            "http_batch": batch,
        },
        photo_ms={name: photo_ms[place :: len(samples)] for place, name in enumerate(samples)},
        exchanges=exchanges,
        submit_seconds=submit_seconds,
    )


def exchange_of(
    sample: str, job: Mapping[str, Any], *, sent: float, accepted: float, received: float
) -> Exchange:
    """What an ended job and the client's clock tell.

    Args:
        sample: Id of the photo.
        job: As the gateway answered it.
        sent: Seconds since 1970 when the photo was sent, by this machine's clock, which is the
            store's clock too.
        accepted: When its 202 came.
        received: When its answer came.
    """
    created, started, finished = (
        datetime.fromisoformat(job[name]).timestamp()
        for name in ("created_at", "started_at", "finished_at")
    )
    pipeline_ms = float(job["result"]["timings_ms"]["total"])
    return Exchange(
        sample=sample,
        accept_ms=(accepted - sent) * 1000,
        store_ms=(created - sent) * 1000,
        queue_ms=(started - created) * 1000,
        pipeline_ms=pipeline_ms,
        worker_rest_ms=(finished - started) * 1000 - pipeline_ms,
        deliver_ms=(received - finished) * 1000,
    )


def _phase(bench: Bench, work: Callable[[], _T]) -> tuple[Phase, _T]:
    """Do the work under the clocks."""

    def groups() -> dict[str, list[psutil.Process]]:
        return {
            "client": [psutil.Process()],
            **bench.loops.groups(),
            **bench.stack.groups(),
        }

    before = read_cpu(groups)
    started = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - started
    cpu = CpuUse.between(before, read_cpu(groups), cores=psutil.cpu_count() or 1)
    return Phase(photos=bench.count, seconds=seconds, cpu=cpu), found


def _in_process(bench: Bench, *, processes: int) -> list[float]:
    """Milliseconds of the first process's photos, in order."""
    paths = list(bench.photos.values())
    rounds = bench.count // len(paths) // processes
    return bench.loops.run(paths, rounds=rounds, processes=processes)[0]


def _interactive(bench: Bench) -> list[Exchange]:
    """One client: submit a photo, wait for its answer, submit the next."""
    exchanges = []
    for _ in range(bench.count // len(bench.photos)):
        for sample, photo in bench.photos.items():
            sent = time.time()
            job = bench.client.analyze(photo)
            accepted = time.time()
            ended = bench.client.wait(job, timeout_seconds=JOB_SECONDS)
            exchanges.append(
                exchange_of(
                    sample,
                    ended.model_dump(mode="json"),
                    sent=sent,
                    accepted=accepted,
                    received=time.time(),
                )
            )
    return exchanges


def _batch(bench: Bench) -> float:
    """Submit one photo after another, then wait for all; the seconds submitting took."""
    photos = list(bench.photos.values())
    started = time.perf_counter()
    jobs = [
        bench.client.analyze(photos[number % len(photos)], priority="batch")
        for number in range(bench.count)
    ]
    submit_seconds = time.perf_counter() - started
    for job in jobs:
        bench.client.wait(job, timeout_seconds=BATCH_SECONDS)
    return submit_seconds
