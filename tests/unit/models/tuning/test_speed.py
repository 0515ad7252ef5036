"""Timing: in turn, enough rounds, and batches counted by input."""

import itertools
import time

import pytest

from models.spec import ModelSpec
from models.testing import ScriptedSession
from models.tuning.speed import MIN_ROUNDS, clock_for, measure, time_in_turn, undisturbed

SPEC = ModelSpec.model_validate(
    {
        "id": "net",
        "title": "Net",
        "task": "recognition",
        "family": "embedder",
        "profile": "lite",
        "licence": "MIT",
        "commercial_use": True,
        "priority": "low",
        "file": {"name": "net.onnx", "size_bytes": 1, "sha256": "0" * 64},
        "inputs": {"x": {"dtype": "float32", "dims": ["batch", 3]}},
        "outputs": {"y": {"dtype": "float32", "dims": ["batch", 1]}},
    }
)


def test_all_are_run_in_turn_after_a_warm_up() -> None:
    order: list[str] = []
    ticks = itertools.count()
    runs = {name: lambda name=name: order.append(name) for name in "ab"}

    taken = time_in_turn(runs, seconds=0, clock=lambda: float(next(ticks)))

    assert order == ["a", "b"] * (1 + MIN_ROUNDS)
    assert taken == {"a": [1.0] * MIN_ROUNDS, "b": [1.0] * MIN_ROUNDS}


def test_rounds_go_on_until_the_time_is_up() -> None:
    runs: list[tuple[float, float]] = []

    def run() -> None:
        began = time.perf_counter()
        time.sleep(0.002)
        runs.append((began, time.perf_counter()))

    taken = time_in_turn({"a": run}, seconds=0.05, clock=time.perf_counter)
    over = time.perf_counter()

    (_, warm), (first, _), *_ = runs
    assert over >= warm + 0.05
    rounds = len(taken["a"])
    assert rounds == len(runs) - 1 >= MIN_ROUNDS
    # The last one was begun in time: what was before it had ended.
    assert rounds == MIN_ROUNDS or runs[-2][1] < first + 0.05


def test_one_slow_run_in_four_changes_nothing() -> None:
    assert undisturbed([1.0, 1.0, 1.0, 50.0]) == 1.0


@pytest.mark.parametrize(("threads", "clock"), [(1, time.thread_time), (2, time.perf_counter)])
def test_one_thread_is_timed_by_its_own_clock(threads: int, clock: object) -> None:
    assert clock_for(threads) is clock


def test_every_variant_is_run_with_every_batch_size() -> None:
    sessions = {
        name: ScriptedSession.of(SPEC, lambda feeds: {"y": feeds["x"][:, :1]})
        for name in ("fp32", "fused")
    }

    found = measure(
        {"fp32": sessions["fp32"], "fused": sessions["fused"]},
        SPEC,
        buckets=(1, 4),
        threads=1,
        seconds=0,
    )

    assert [(speed.variant, speed.batch) for speed in found] == [
        ("fp32", 1),
        ("fp32", 4),
        ("fused", 1),
        ("fused", 4),
    ]
    assert [len(run["x"]) for run in sessions["fused"].runs] == [1, 4] * (1 + MIN_ROUNDS)
    assert all(speed.per_second > 0 for speed in found)
