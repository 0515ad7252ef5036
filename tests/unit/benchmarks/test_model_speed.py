"""The report on the models' speed: rates from medians, ratios from rounds."""

import io
from typing import Any

from rich.console import Console

from benchmarks.model_speed import speed_report
from benchmarks.model_table import print_models


def test_rates_count_inputs_and_come_from_the_median_run() -> None:
    found = speed_report({("fp32", 1): [0.1, 0.1, 9.0], ("fp32", 4): [0.2, 0.2, 0.2]})

    assert found["rounds"] == 3
    assert found["per_second"] == {"fp32": {"1": 10.0, "4": 20.0}}


def test_ratios_are_formed_within_a_round() -> None:
    # Every round is slower than the one before; within each, fused is twice as fast.
    found = speed_report({("fp32", 1): [1.0, 2.0, 8.0], ("fused", 1): [0.5, 1.0, 4.0]})

    assert found["times_fp32_at_1"] == {"fp32": {"1": 1.0}, "fused": {"1": 2.0}}


def test_the_table_has_every_figure() -> None:
    report: dict[str, Any] = {
        "measured_at": "2026-11-23T00:00:00+00:00",
        "machine": {
            "cpu": "AMD EPYC",
            "features": ["avx2"],
            "onnxruntime": "onnxruntime 1.0",
            "load_average_1m": 0.5,
        },
        "setup": {"ort_threads": 1, "clock": "CPU"},
        "models": {
            "net": {
                **speed_report({("fp32", 1): [0.1], ("fused", 1): [0.04]}),
                "refused": {"int8": "net: too far."},
                "session_start_ms": {"fused": {"plain": 71.5, "optimised": 48.25}},
            }
        },
        "decoding": {"4032x3024": {"size_bytes": 1, "ms": {"full": 44.6, "half": 20.9}}},
    }
    text = io.StringIO()

    print_models(report, Console(file=text, width=200))

    for figure in ("25.0/s (x2.50)", "net: too far.", "71.5", "48.25", "full 44.6 ms"):
        assert figure in text.getvalue()
