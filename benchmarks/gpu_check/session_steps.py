"""Steps that need sessions alone: context and kernels, loads, graphs, batches."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.errors import BenchmarkFailed
from benchmarks.gpu_check.bench import BACK_SECONDS, BACK_SHARE, Bench, images, run_once
from benchmarks.gpu_check.report import Check, Figure
from models.contract import InferenceSession, Tensors
from models.errors import DeviceFault, ModelsError, VariantRefused
from models.graphs.fuse import fuse
from models.memory import LIMIT_EXTRA_MIB, LIMIT_FACTOR
from models.proof import kernels_of, prove, work_elsewhere
from models.session import open_session
from models.spec import ModelSpec
from models.warm_up import warm_buckets

#: Runs of one kind that are timed: at most so many, in at most so many seconds, but a few.
RUNS, RUN_SECONDS, FEWEST_RUNS = 20, 2.0, 3
#: Largest difference between two graphs of one model, relative to their largest answer.
TOLERANCE = 1e-3
UNREAD = "The context could not be read: others gave memory back meanwhile. Run it again."
#: Recognisers, small to large: they gain most from batches and from other graphs.
COMPARED = ("mobilefacenet_512", "sface", "arcface_r100")


def compared(bench: Bench) -> list[ModelSpec]:
    """Those of COMPARED that there are."""
    models = bench.inventory.catalogue.models
    return [models[name] for name in COMPARED if name in models]


def context(bench: Bench) -> Check:
    """Where kernels run, and what the process's context took when the device was looked up."""
    proof = prove(bench.device)
    limit_mib = bench.settings.vram_context_mb
    taken_mib, is_measured = bench.hardware.context_mib, bench.hardware.context_measured
    return Check(
        step="context",
        title="Kernels run on the device, and the process's context is as small as planned.",
        figures={
            "provider": proof.provider,
            "kernels": ", ".join(f"{name}: {by}" for name, by in sorted(proof.kernels.items())),
            "largest_difference_from_cpu": float(f"{proof.largest_difference:.2g}"),
            "context_mib": taken_mib if is_measured else None,
        },
        limit=f"kernels proven by a profile; context read, at most {limit_mib} MiB",
        passed=is_measured and taken_mib <= limit_mib,
        note=" ".join(filter(None, (proof.fallback_reason, "" if is_measured else UNREAD))),
    )


def loads(bench: Bench) -> Check:
    """Every model alone: loaded, warmed, unloaded, loaded again."""
    rows, refused = list[dict[str, Figure]](), dict[str, str]()
    for spec in bench.inventory.specs:
        try:
            rows.append(_load(bench, spec))
        except DeviceFault:
            raise
        except ModelsError as error:
            # The others are to be seen all the same.
            refused[spec.id] = f"{type(error).__name__}: {str(error)[-200:]}"
    if not rows:
        raise BenchmarkFailed(f"No model could be loaded. {next(iter(refused.values()), '')}")
    failed = [row for row in rows if row["within_limit"] == "no" or row["came_back"] == "no"]
    elsewhere = [str(row["model"]) for row in rows if row["work_elsewhere"] != "none"]
    notes = [f"{name} was refused: {why}" for name, why in refused.items()]
    if elsewhere:
        notes.append(f"Not all work of {', '.join(elsewhere)} is the device's, see the table.")
    return Check(
        step="loads",
        title="Each model takes no more than was expected, and gives it back.",
        figures={
            "models": len(rows),
            "models_refused": len(refused),
            "load_ms_median": statistics.median(_floats(rows, "load_ms")),
            "load_ms_max": max(_floats(rows, "load_ms")),
            "swap_ms_median": statistics.median(_floats(rows, "swap_ms")),
            "taken_mib_total": sum(_floats(rows, "taken_mib")),
            "expected_mib_total": sum(_floats(rows, "expected_mib")),
        },
        limit=(
            f"taken at most {LIMIT_FACTOR} times what is expected plus {LIMIT_EXTRA_MIB} MiB;"
            f" {BACK_SHARE:.0%} of it back within {BACK_SECONDS:.0f} s; none is refused"
        ),
        passed=not failed and not refused,
        note=" ".join(notes),
        rows={"models": rows},
    )


def _load(bench: Bench, spec: ModelSpec) -> dict[str, Figure]:
    """A swap is an unload and the load after it, with files and libraries warm."""
    expected = bench.expected(spec, max(spec.batch_buckets))
    before_mib = bench.used_mib()
    started = time.perf_counter()
    with bench.opened(spec) as session:
        warm_buckets(session, spec)
        load_ms = (time.perf_counter() - started) * 1000
        full_mib = bench.used_mib()
    taken_mib = full_mib - before_mib
    back_mib, back_seconds = bench.wait_for_return(full_mib, taken_mib)
    started = time.perf_counter()
    with bench.opened(spec) as session:
        warm_buckets(session, spec)
        swap_ms = (time.perf_counter() - started) * 1000
    within = taken_mib <= expected.mib * LIMIT_FACTOR + LIMIT_EXTRA_MIB
    return {
        "model": spec.id,
        "weights": "real" if spec.id in bench.inventory.real else "own graph",
        "load_ms": load_ms,
        "swap_ms": swap_ms,
        "expected_mib": expected.mib,
        "basis": expected.basis,
        "taken_mib": taken_mib,
        "within_limit": "yes" if within else "no",
        "returned_mib": back_mib,
        "returned_after_seconds": back_seconds,
        "came_back": "yes" if back_mib >= taken_mib * BACK_SHARE else "no",
        "work_elsewhere": _work_elsewhere(bench, spec),
    }


def _work_elsewhere(bench: Bench, spec: ModelSpec) -> str:
    """Which convolutions and matrix products the device did not run: a session does not say."""
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(
            bench.inventory.store.prepared(spec),
            device=bench.device,
            threads=bench.settings.ort_threads,
            profile=Path(folder) / "placement",
        )
        session.run(images(spec, min(spec.batch_buckets)))
        found = work_elsewhere(bench.device, kernels_of(session.end_profile()))
        session.close()
    return ", ".join(f"{name} on {by}" for name, by in sorted(found.items())) or "none"


def graphs(bench: Bench) -> Check:
    """The prepared graph against the one that is rewritten for CPUs."""
    rows: list[dict[str, Figure]] = []
    for spec in compared(bench):
        content = bench.inventory.store.prepared(spec).read_bytes()
        try:
            fused = fuse(content, spec)
        except VariantRefused:
            continue
        batch = max(spec.batch_buckets)
        feeds = images(spec, batch)
        plain = open_session(content, device=bench.device, threads=bench.settings.ort_threads)
        other = open_session(fused, device=bench.device, threads=bench.settings.ort_threads)
        rows.append(
            {
                "model": spec.id,
                "batch": batch,
                "fp32_ms": median_ms(plain, feeds),
                "fused_ms": median_ms(other, feeds),
                "difference": float(f"{_difference(plain.run(feeds), other.run(feeds)):.2g}"),
            }
        )
        plain.close()
        other.close()
    return Check(
        step="graphs",
        title="The graph that is rewritten for CPUs answers alike on the device.",
        limit=f"difference at most {TOLERANCE} of the largest answer",
        passed=all(float(row["difference"] or 0) <= TOLERANCE for row in rows) if rows else None,
        note="" if rows else "None of the compared models has another graph.",
        rows={"graphs": rows},
    )


def batches(bench: Bench) -> Check:
    """What larger batches gain."""
    rows: list[dict[str, Figure]] = []
    for spec in compared(bench):
        with bench.opened(spec) as session:
            warm_buckets(session, spec)
            alone_ms = 0.0
            for bucket in sorted(spec.batch_buckets):
                each_ms = median_ms(session, images(spec, bucket)) / bucket
                alone_ms = alone_ms or each_ms
                rows.append(
                    {
                        "model": spec.id,
                        "batch": bucket,
                        "ms_per_image": each_ms,
                        "times_as_fast_as_alone": alone_ms / each_ms,
                    }
                )
    return Check(
        step="batches", title="What one image costs by batch size.", rows={"batch sizes": rows}
    )


def median_ms(session: InferenceSession, feeds: Tensors) -> float:
    """Median time of a run, after two that are not counted."""
    for _ in range(2):
        session.run(feeds)
    times: list[float] = []
    until = time.perf_counter() + RUN_SECONDS
    while len(times) < RUNS and (len(times) < FEWEST_RUNS or time.perf_counter() < until):
        times.append(run_once(session, feeds))
    return statistics.median(times)


def _floats(rows: Sequence[dict[str, Figure]], name: str) -> list[float]:
    return [float(row[name] or 0) for row in rows]


def _difference(one: Tensors, other: Tensors) -> float:
    return max(
        float(np.abs(value - other[name]).max() / max(1e-6, float(np.abs(value).max())))
        for name, value in one.items()
    )
