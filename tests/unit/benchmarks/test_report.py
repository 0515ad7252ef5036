import io
import json
from typing import Any

import pytest
from rich.console import Console

from benchmarks.cpu_clock import CpuUse
from benchmarks.figures import Exchange
from benchmarks.report import PHASES, RATIOS, SCHEMA, Phase, Repetition, build_report
from benchmarks.table import print_baseline

SECONDS = {
    "in_process_one": 1.0,
    "in_process_scaled": 0.5,
    "http_interactive": 2.0,
    "http_batch": 0.8,
}


def phase(seconds: float) -> Phase:
    cpu = CpuUse(
        wall_seconds=seconds, group_seconds={"worker": 0.9, "gateway": 0.1}, others_share=0.25
    )
    return Phase(photos=10, seconds=seconds, cpu=cpu)


def repetition(slowness: float = 1.0) -> Repetition:
    exchange = Exchange(
        sample="one",
        accept_ms=12,
        store_ms=5,
        queue_ms=10,
        pipeline_ms=100,
        worker_rest_ms=2,
        deliver_ms=3,
    )
    return Repetition(
        phases={name: phase(seconds * slowness) for name, seconds in SECONDS.items()},
        photo_ms={"one": [100.0, 100.0]},
        exchanges=[exchange, exchange],
        submit_seconds=0.4 * slowness,
    )


def report(*repetitions: Repetition) -> dict[str, Any]:
    machine = {"cpu": "a cpu", "cores": 2, "python": "3.11.7", "onnxruntime": "onnxruntime 1.32.0"}
    setup = {
        "worker_processes": 2,
        "in_process_scaled_processes": 2,
        "ort_threads": 1,
        "repetitions": len(repetitions),
        "photos_per_phase": 10,
    }
    return build_report(
        measured_at="2026-01-01T00:00:00+00:00",
        machine=machine,
        setup=setup,
        repetitions=repetitions,
    )


def test_the_report_has_these_fields_and_is_json() -> None:
    found = json.loads(json.dumps(report(repetition())))

    assert found["schema"] == SCHEMA
    assert list(found) == [
        "benchmark",
        "schema",
        "measured_at",
        "machine",
        "setup",
        "photos_per_second",
        "ratios",
        "in_process_ms",
        "interactive_ms",
        "interactive_parts_ms",
        "interactive_overhead_ms",
        "batch_submit_seconds",
        "cpu_ms_per_photo",
        "others_cpu_share",
        "repetitions",
    ]
    for by_phase in ("photos_per_second", "cpu_ms_per_photo", "others_cpu_share"):
        assert tuple(found[by_phase]) == PHASES
    assert list(found["ratios"]) == [f"{above}/{below}" for above, below in RATIOS]


def test_throughput_is_the_median_of_the_repetitions_with_each_one_s_value() -> None:
    found = report(repetition(), repetition(2), repetition(4))

    assert found["photos_per_second"]["http_interactive"] == {
        "median": 2.5,
        "values": [5.0, 2.5, 1.25],
    }


def test_a_repetition_that_is_slow_throughout_leaves_the_ratios_as_they_are() -> None:
    found = report(repetition(), repetition(3))

    assert found["ratios"] == {
        "http_interactive/in_process_one": {"median": 0.5, "values": [0.5, 0.5]},
        "http_batch/in_process_one": {"median": 1.25, "values": [1.25, 1.25]},
        "http_interactive/in_process_scaled": {"median": 0.25, "values": [0.25, 0.25]},
        "http_batch/in_process_scaled": {"median": 0.625, "values": [0.625, 0.625]},
    }


def test_overhead_is_what_the_service_adds_to_the_pipeline_alone() -> None:
    assert report(repetition())["interactive_overhead_ms"] == {"median": 20.0, "values": [20.0]}


def test_cpu_time_is_told_per_photo_and_group_with_its_total() -> None:
    found = report(repetition(), repetition())

    assert found["cpu_ms_per_photo"]["http_batch"] == {
        "gateway": 10.0,
        "worker": 90.0,
        "total": 100.0,
    }


def test_raw_values_of_every_repetition_are_kept() -> None:
    [first, second] = report(repetition(), repetition(2))["repetitions"]

    assert first["phases"]["http_batch"] == {"photos": 10, "seconds": 0.8}
    assert second["submit_seconds"] == pytest.approx(0.8)
    assert first["interactive_ms"] == {"one": [120, 120]}
    assert first["in_process_ms"] == {"one": [100, 100]}


def test_the_table_shows_throughput_ratios_and_parts() -> None:
    written = io.StringIO()

    print_baseline(report(repetition()), Console(file=written, width=120))

    lines = written.getvalue().splitlines()
    [batch] = [line.split() for line in lines if "service, batch" in line]
    assert [cell for cell in batch if cell != "│"][2:] == [
        "12.50",
        "1.25",
        "0.62",
        "100.0",
        "25%",
    ]
    assert any("The service adds 20.0 ms" in line for line in lines)
    assert any("stored until claimed" in line and "10.0" in line for line in lines)
