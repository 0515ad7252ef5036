"""The lower bound is below the optimum, which is below every policy."""

import random
from collections.abc import Iterator
from itertools import combinations

import pytest

from vram.records import Limits
from vram.simulator.bound import lower_bound_ms
from vram.simulator.queues import serve
from vram.simulator.report import POLICIES
from vram.simulator.synthetic import population
from vram.simulator.trace import Request, SimulatedModel, Trace

ROUNDING_MS = 1e-6


def trace_of(seed: int, *, models: int = 4, requests: int = 30) -> Trace:
    rng = random.Random(seed)  # noqa: S311 - a simulation, no secret
    known = population(rng, models)
    weights = [1 / (place + 1) for place in range(models)]
    return Trace(
        name=str(seed),
        models=known,
        requests=tuple(
            Request(at_ms=number * 2000, model=name, items=rng.choice([1, 1, 5]))
            for number, name in enumerate(rng.choices(list(known), weights, k=requests))
        ),
    )


def optimum_ms(trace: Trace, capacity_mib: int) -> float:
    """The least total work there is, by looking at every set of models after every request."""
    best: dict[frozenset[str], float] = {frozenset(): 0.0}
    for request in trace.requests:
        after: dict[frozenset[str], float] = {}
        for held, cost_ms in best.items():
            for then_held, more_ms in ways(trace, capacity_mib, held, request):
                total_ms = cost_ms + more_ms
                after[then_held] = min(total_ms, after.get(then_held, float("inf")))
        best = after
    return min(best.values())


def ways(
    trace: Trace, capacity_mib: int, held: frozenset[str], request: Request
) -> Iterator[tuple[frozenset[str], float]]:
    """What may be done about a request: what is held then, and what it costs."""
    model = trace.models[request.model]
    if model.id in held:
        yield held, 0.0
        return
    yield held, model.penalty_ms * request.items
    for count in range(len(held) + 1):
        for kept in combinations(sorted(held), count):
            if sum(trace.models[name].vram_mib for name in (*kept, model.id)) <= capacity_mib:
                yield frozenset({*kept, model.id}), model.load_ms


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 1.0])
def test_no_policy_beats_the_optimum_and_the_optimum_never_beats_the_bound(
    seed: int, share: float
) -> None:
    trace = trace_of(seed)
    capacity_mib = round(trace.working_set_mib * share)
    best_ms = optimum_ms(trace, capacity_mib)

    assert lower_bound_ms(trace, capacity_mib, steps=0) <= best_ms + ROUNDING_MS
    assert lower_bound_ms(trace, capacity_mib) <= best_ms + ROUNDING_MS
    for policy in POLICIES:
        limits = Limits(policy=policy, critical_share=0, high_share=0, flexible_share=1)
        assert serve(trace, capacity_mib, limits).work_ms >= best_ms - ROUNDING_MS


def test_the_bound_is_worth_something() -> None:
    reached = [
        lower_bound_ms(trace, capacity) / optimum_ms(trace, capacity)
        for seed in range(12)
        for trace in [trace_of(seed)]
        for capacity in [round(trace.working_set_mib * 0.5)]
    ]

    assert sum(reached) / len(reached) > 0.85


def test_with_room_for_all_the_bound_is_rent_or_buy_of_each() -> None:
    trace = trace_of(1)
    alone_ms = 0.0
    for model in trace.models.values():
        items = [request.items for request in trace.requests if request.model == model.id]
        alone_ms += min(model.load_ms if items else 0.0, model.penalty_ms * sum(items))

    assert lower_bound_ms(trace, trace.working_set_mib) == pytest.approx(alone_ms)


def test_what_is_larger_than_the_card_is_on_the_cpu_or_nowhere() -> None:
    model = SimulatedModel(id="large", vram_mib=500, load_ms=100.0, gpu_ms=10.0, cpu_ms=60.0)
    request = Request(at_ms=0, model="large", items=2)
    trace = Trace(name="one", models={"large": model}, requests=(request,))

    assert lower_bound_ms(trace, 499) == 100.0
    assert lower_bound_ms(trace, 500) == 100.0

    stuck = SimulatedModel(
        id="large", vram_mib=500, load_ms=100.0, gpu_ms=10.0, cpu_ms=60.0, has_fallback=False
    )
    trace = Trace(name="one", models={"large": stuck}, requests=(request,))

    assert lower_bound_ms(trace, 499) == 0.0


def test_the_bound_of_a_cycle_is_close_to_what_keeping_some_models_costs() -> None:
    models = {
        name: SimulatedModel(id=name, vram_mib=100, load_ms=1000.0, gpu_ms=10.0, cpu_ms=110.0)
        for name in "abcd"
    }
    requests = tuple(Request(at_ms=i * 1000, model="abcd"[i % 4]) for i in range(200))
    trace = Trace(name="cycle", models=models, requests=requests)
    # Two stay for ever, two are served on the CPU for ever: 2 loads and 100 penalties.
    assert lower_bound_ms(trace, 200) == pytest.approx(2 * 1000 + 100 * 100, rel=0.02)
