"""Loads, the card on paper, its queues, and files."""

import json
from pathlib import Path

import pytest

from vram.errors import TraceInvalid
from vram.records import Limits
from vram.simulator.queues import serve
from vram.simulator.report import compare, enough_mib, sweep
from vram.simulator.synthetic import HABITS, synthetic
from vram.simulator.trace import Request, SimulatedModel, Trace
from vram.simulator.trace_file import read_trace

FLAT = Limits(
    policy="lru", critical_share=0, high_share=0, flexible_share=1, evictions_per_minute=0
)


def model(name: str, vram_mib: int = 100, *, has_fallback: bool = True) -> SimulatedModel:
    return SimulatedModel(
        id=name,
        vram_mib=vram_mib,
        load_ms=1000.0,
        gpu_ms=10.0,
        cpu_ms=110.0,
        has_fallback=has_fallback,
    )


def trace(*requests: tuple[int, str], models: tuple[SimulatedModel, ...] = ()) -> Trace:
    known = models or tuple(model(name) for name in sorted({name for _, name in requests}))
    return Trace(
        name="test",
        models={one.id: one for one in known},
        requests=tuple(Request(at_ms=at_ms, model=name) for at_ms, name in requests),
    )


def test_a_model_is_loaded_once_and_then_found() -> None:
    found = serve(trace((0, "a"), (5000, "a")), 100, FLAT)

    assert (found.loads, found.hits, found.on_cpu) == (1, 1, 0)
    assert found.work_ms == 1000.0
    assert found.latencies_ms == (1010.0, 10.0)
    assert found.card_busy_ms == 1020.0


def test_who_comes_during_a_load_waits_for_it() -> None:
    found = serve(trace((0, "a"), (100, "a")), 100, FLAT)

    assert found.latencies_ms == (1010.0, 920.0)


def test_what_does_not_fit_is_served_by_the_first_free_cpu_process() -> None:
    large = model("large", 200)
    load = trace((0, "large"), (0, "large"), (0, "large"), models=(large,))

    found = serve(load, 100, FLAT, cpu_processes=2)

    assert found.latencies_ms == (110.0, 110.0, 220.0)
    assert (found.on_cpu, found.work_ms, found.cpu_busy_ms) == (3, 300.0, 330.0)
    assert found.reasons == {"insufficient_vram": 3}


def test_without_a_fallback_it_is_given_up() -> None:
    large = model("large", 200, has_fallback=False)

    found = serve(trace((0, "large"), models=(large,)), 100, FLAT)

    assert (found.refused, found.latencies_ms, found.work_ms) == (1, (), 0.0)
    assert found.latency_ms(99) == 0.0


def test_who_is_told_to_wait_comes_back() -> None:
    # `b` may not be served on the CPU, and `a` is protected for three of its load times.
    models = (model("a"), model("b", has_fallback=False))
    limits = Limits(policy="rent", critical_share=0, high_share=0, flexible_share=1)

    found = serve(trace((0, "a"), (0, "b"), models=models), 100, limits)

    assert (found.loads, found.evictions, found.refused) == (2, 1, 0)
    assert found.reasons["residents_too_young"] == 1
    # Its turn was at 1010 ms, when `a` had been there since 0.
    assert found.latencies_ms[1] == 1010.0 + (3000 - 1010) + 1010.0


def test_lru_on_a_cycle_never_finds_anything_and_ours_does() -> None:
    cycle = trace(*((number * 1000, "abc"[number % 3]) for number in range(300)))

    lru = serve(cycle, 200, FLAT)
    ours = serve(cycle, 200, Limits(critical_share=0, high_share=0, flexible_share=1))

    assert (lru.hits, lru.loads) == (0, 300)
    assert ours.hit_rate > 0.6
    assert ours.work_ms < 0.15 * lru.work_ms


@pytest.mark.parametrize("name", HABITS)
def test_a_load_by_name_is_the_same_every_time_and_in_order(name: str) -> None:
    load = synthetic(name, seed=3, requests=500)

    assert load == synthetic(name, seed=3, requests=500)
    assert load.requests != synthetic(name, seed=4, requests=500).requests
    assert len(load.requests) == 500
    times = [request.at_ms for request in load.requests]
    assert times == sorted(times)
    assert {request.model for request in load.requests} <= set(load.models)


def test_a_larger_card_is_enough_and_a_small_one_is_not() -> None:
    cycle = trace(*((number * 10, "abc"[number % 3]) for number in range(600)))

    swept = sweep(cycle, ["rent"], limits=FLAT, cpu_processes=1)

    assert [one.capacity_mib for one in swept] == list(range(30, 301, 30))
    assert enough_mib(swept, "rent") == 300
    assert swept[-1].served["rent"].work_ms == 3000.0


def test_a_comparison_tells_every_figure() -> None:
    told = compare(trace((0, "a")), 100, ["lru", "rent"], limits=FLAT, cpu_processes=1).as_json()

    assert told["lower_bound_seconds"] == 0.1
    assert set(told["policies"]) == {"lru", "rent"}
    assert told["policies"]["rent"]["reload_seconds"] == 1.0
    assert told["policies"]["rent"]["latency_p99_ms"] == 1010.0
    json.dumps(told)


def no_catalogue(name: str) -> SimulatedModel:
    raise AssertionError(name)


DEFINE = '{"define": "mine", "vram_mib": 300, "load_ms": 800, "gpu_ms": 9, "cpu_ms": 90}\n'


def test_a_file_may_define_its_own_models(tmp_path: Path) -> None:
    path = tmp_path / "load.jsonl"
    path.write_text(
        DEFINE + '\n{"at_ms": 70, "model": "mine", "items": 2}\n{"at_ms": 20, "model": "mine"}\n'
    )

    load = read_trace(path, no_catalogue)

    assert load.requests == (
        Request(at_ms=20, model="mine", items=1),
        Request(at_ms=70, model="mine", items=2),
    )
    assert load.models["mine"].penalty_ms == 81.0
    assert (load.working_set_mib, load.seconds) == (300, 0.05)


def test_csv_uses_models_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("at_ms,model,items\n0,sface,3\n5,sface,1\n")

    load = read_trace(path, model)

    assert [request.items for request in load.requests] == [3, 1]
    assert set(load.models) == {"sface"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no requests"),
        (DEFINE, "holds no requests"),
        (DEFINE + "{", "line 2: no JSON"),
        ("[]\n", "line 1: no JSON object"),
        (DEFINE + '{"at_ms": -1, "model": "mine"}', "line 2: at_ms"),
        (DEFINE + '{"at_ms": 1, "model": "mine", "faces": 2}', "line 2: faces"),
        (DEFINE.replace("300", "0"), "line 1: vram_mib"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "load.jsonl"
    path.write_text(text)

    with pytest.raises(TraceInvalid, match=told):
        read_trace(path, no_catalogue)


def test_a_file_that_is_not_there_is_no_trace(tmp_path: Path) -> None:
    with pytest.raises(TraceInvalid, match="can't be read"):
        read_trace(tmp_path / "none.jsonl", no_catalogue)
