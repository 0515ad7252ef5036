"""What the batching benchmark makes of its measurements."""

import pytest

from benchmarks.batching import summary

RATES = [
    {"loop": 20.0, "loop_of_batches": 30.0, "one_by_one": 10.0, "batching": 15.0},
    {"loop": 10.0, "loop_of_batches": 20.0, "one_by_one": 8.0, "batching": 10.0},
    {"loop": 40.0, "loop_of_batches": 44.0, "one_by_one": 20.0, "batching": 22.0},
]


def test_ratios_are_formed_within_a_repetition() -> None:
    found = summary(RATES, {"batching, alone": [10.0, 20.0, 30.0]})

    assert found["photos_per_second"]["loop"] == {
        "median": 20.0,
        "repetitions": [20.0, 10.0, 40.0],
    }
    assert found["ratios"]["batching_to_one_by_one"] == {
        "median": 1.25,
        "repetitions": [1.5, 1.25, 1.1],
    }
    assert found["ratios"]["loop_of_batches_to_loop"]["median"] == 1.5
    assert found["ratios"]["batching_to_loop_of_batches"]["median"] == 0.5
    assert found["ratios"]["one_by_one_to_loop"]["median"] == 0.5


def test_latencies_of_all_repetitions_are_told_together() -> None:
    found = summary(RATES, {"batching, alone": [30.0, 10.0, 20.0]})

    assert found["latency_ms"]["batching, alone"]["p50"] == 20.0
    assert found["latency_ms"]["batching, alone"]["p95"] == pytest.approx(29.0)
