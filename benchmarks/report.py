"""The report of a baseline measurement: raw figures in, one JSON-ready dict out. Pure.

Fields are added to the report, never renamed or removed, unless `SCHEMA` grows.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cpu_clock import CpuUse
from benchmarks.figures import (
    BySample,
    Exchange,
    by_sample,
    parts,
    percentile,
    ratios,
    typical,
)

SCHEMA = 1
#: The phases of a repetition, in the order they run.
PHASES = ("in_process_one", "in_process_scaled", "http_interactive", "http_batch")
#: What is compared: ratio of photos per second.
RATIOS = (
    ("http_interactive", "in_process_one"),
    ("http_batch", "in_process_one"),
    ("http_interactive", "in_process_scaled"),
    ("http_batch", "in_process_scaled"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One way of analysing a number of photos, once."""

    photos: int
    #: Wall time from the first photo's start to the last one's end.
    seconds: float
    cpu: CpuUse

    @property
    def photos_per_second(self) -> float:
        """Throughput."""
        return self.photos / self.seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Repetition:
    """All phases, one after another."""

    #: By name, see PHASES.
    phases: Mapping[str, Phase]
    #: Milliseconds of each photo in the single in-process loop.
    photo_ms: BySample
    #: One for each photo of the interactive phase.
    exchanges: Sequence[Exchange]
    #: How long it took to submit the batch, of its phase's seconds.
    submit_seconds: float


def build_report(
    *,
    measured_at: str,
    machine: Mapping[str, Any],
    setup: Mapping[str, Any],
    repetitions: Sequence[Repetition],
) -> dict[str, Any]:
    """The report.

    Args:
        measured_at: ISO 8601, UTC.
        machine: Facts about the machine and the versions.
        setup: What was measured: processes, threads, photos.
        repetitions: At least one.
    """
    exchanges = [one for repetition in repetitions for one in repetition.exchanges]
    photo_ms = _merged([repetition.photo_ms for repetition in repetitions])
    overheads = [
        parts(repetition.exchanges)["latency_ms"] - typical(repetition.photo_ms)
        for repetition in repetitions
    ]
    return {
        "benchmark": "baseline",
        "schema": SCHEMA,
        "measured_at": measured_at,
        "machine": dict(machine),
        "setup": dict(setup),
        "photos_per_second": {
            name: _spread(_of_phase(repetitions, name, _rate)) for name in PHASES
        },
        "ratios": {
            f"{above}/{below}": _spread(
                ratios(_of_phase(repetitions, above, _rate), _of_phase(repetitions, below, _rate))
            )
            for above, below in RATIOS
        },
        "in_process_ms": _percentiles(photo_ms),
        "interactive_ms": _percentiles(by_sample(exchanges, "latency_ms")),
        "interactive_parts_ms": _rounded(parts(exchanges)),
        "interactive_overhead_ms": _spread(overheads),
        "batch_submit_seconds": _spread([one.submit_seconds for one in repetitions]),
        "cpu_ms_per_photo": {name: _cpu_ms(repetitions, name) for name in PHASES},
        "others_cpu_share": {
            name: _spread(_of_phase(repetitions, name, _others)) for name in PHASES
        },
        "repetitions": [_raw(repetition) for repetition in repetitions],
    }


def _rate(phase: Phase) -> float:
    return phase.photos_per_second


def _others(phase: Phase) -> float:
    return phase.cpu.others_share


def _of_phase(
    repetitions: Sequence[Repetition], name: str, quantity: Callable[[Phase], float]
) -> list[float]:
    return [quantity(repetition.phases[name]) for repetition in repetitions]


def _cpu_ms(repetitions: Sequence[Repetition], name: str) -> dict[str, float]:
    """Median CPU milliseconds per photo, by group of processes, and their `total`."""
    phases = [repetition.phases[name] for repetition in repetitions]
    groups = sorted({group for phase in phases for group in phase.cpu.group_seconds})
    used = {
        group: statistics.median(
            1000 * phase.cpu.group_seconds.get(group, 0.0) / phase.photos for phase in phases
        )
        for group in groups
    }
    return _rounded({**used, "total": sum(used.values())})


def _percentiles(values: BySample) -> dict[str, dict[str, float]]:
    return {
        sample: _rounded({"p50": percentile(of_one, 50), "p95": percentile(of_one, 95)})
        for sample, of_one in sorted(values.items())
    }


def _spread(values: Sequence[float]) -> dict[str, Any]:
    """The median of the repetitions, and each one's value in order."""
    return {
        "median": round(statistics.median(values), 3),
        "values": [round(value, 3) for value in values],
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in values.items()}


def _merged(all_values: Sequence[BySample]) -> BySample:
    merged: dict[str, list[float]] = {}
    for values in all_values:
        for sample, of_one in values.items():
            merged.setdefault(sample, []).extend(of_one)
    return merged


def _raw(repetition: Repetition) -> dict[str, Any]:
    latencies = by_sample(repetition.exchanges, "latency_ms")
    return {
        "phases": {
            name: {"photos": phase.photos, "seconds": round(phase.seconds, 4)}
            for name, phase in repetition.phases.items()
        },
        "submit_seconds": round(repetition.submit_seconds, 4),
        "in_process_ms": {name: _list(values) for name, values in repetition.photo_ms.items()},
        "interactive_ms": {name: _list(values) for name, values in latencies.items()},
    }


def _list(values: Sequence[float]) -> list[float]:
    return [round(value, 2) for value in values]
