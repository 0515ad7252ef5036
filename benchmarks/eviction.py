"""What each policy of the ledger costs on loads by name, beside what is possible at best.

All models are of one class and may own the whole card, so that nothing but the policy decides. The
classic policies (lru, gdsf, weighted) are taken as they are in books: whoever is asked for comes
in, at any rate. Ours run with the defaults of `Limits`. Capacities are shares of the room that all
models of a load take together; from about 1.0 on nothing is ever evicted and all policies are one.

Nothing here is measured on a clock: the figures are the same on every machine.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Final

from vram.records import Limits, Policy
from vram.scores import GATED
from vram.simulator.bound import lower_bound_ms
from vram.simulator.queues import Served, serve
from vram.simulator.report import POLICIES
from vram.simulator.synthetic import HABITS, synthetic

SCHEMA: Final = 1
SHARES: Final = (0.25, 0.4, 0.6)
#: Total work of ours against that of LRU, at most; LRU's worst case leaves least to be gained.
GOAL: Final = 0.35
GOALS: Final = {"cycle": 0.5}
#: Two further loads, tried to see where the gate gains less: LRU is good at parts of them.
FURTHER: Final = frozenset({"grouped_batch", "scan"})
OURS: Final[Policy] = "rent"
CPU_PROCESSES: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One load of one seed at one capacity."""

    seed: int
    bound_ms: float
    served: dict[Policy, Served]

    def against_lru(self, policy: Policy) -> float:
        """Total work as a multiple of LRU's."""
        return self.served[policy].work_ms / self.served["lru"].work_ms


def measure_eviction(
    *, seeds: int, requests: int, tell: Callable[[str], object] = lambda _: None
) -> dict[str, Any]:
    """Serve every load at every capacity under every policy.

    Args:
        seeds: How often, each time with other models and other chance.
        requests: How long a load is.
        tell: Is told what has been done.
    """
    cells = []
    for name in HABITS:
        for share in SHARES:
            runs = [_run(name, share, seed, requests) for seed in range(seeds)]
            cells.append(_cell(name, share, runs))
            tell(f"{name} at {share:g}: {cells[-1]['policies'][OURS]['against_lru']:.2f} of LRU")
    return {
        "schema": SCHEMA,
        "seeds": seeds,
        "requests": requests,
        "cpu_processes": CPU_PROCESSES,
        "cells": cells,
        "goals_met": all(cell["goal_met"] for cell in cells if not cell["further"]),
        "missed": [f"{c['trace']} at {c['share']:g}" for c in cells if not c["goal_met"]],
        "never_worse_in_sum": all(cell["policies"][OURS]["against_lru"] <= 1.0 for cell in cells),
        "never_worse_in_any_run": all(
            cell["policies"][OURS]["worst_against_lru"] <= 1.0
            for cell in cells
            if not cell["further"]
        ),
    }


def limits_for(policy: Policy) -> Limits:
    """One class that may own everything; a limited rate for ours only."""
    limits = Limits(policy=policy, critical_share=0, high_share=0, flexible_share=1)
    return limits if policy in GATED else replace(limits, evictions_per_minute=0)


def _run(name: str, share: float, seed: int, requests: int) -> Run:
    trace = synthetic(name, seed=seed, requests=requests)
    capacity_mib = round(trace.working_set_mib * share)
    return Run(
        seed=seed,
        bound_ms=lower_bound_ms(trace, capacity_mib),
        served={
            policy: serve(trace, capacity_mib, limits_for(policy), cpu_processes=CPU_PROCESSES)
            for policy in POLICIES
        },
    )


def _cell(name: str, share: float, runs: Sequence[Run]) -> dict[str, Any]:
    lru_ms = sum(run.served["lru"].work_ms for run in runs)
    goal = GOALS.get(name, GOAL)
    policies = {policy: _figures(policy, runs, lru_ms) for policy in POLICIES}
    return {
        "trace": name,
        "share": share,
        "lru_seconds": round(lru_ms / 1000, 1),
        "bound_against_lru": round(sum(run.bound_ms for run in runs) / lru_ms, 4),
        "further": name in FURTHER,
        "goal": goal,
        "goal_met": policies[OURS]["against_lru"] <= goal,
        "policies": policies,
    }


def _figures(policy: Policy, runs: Sequence[Run], lru_ms: float) -> dict[str, float]:
    served = [run.served[policy] for run in runs]
    return {
        "against_lru": round(sum(one.work_ms for one in served) / lru_ms, 4),
        "worst_against_lru": round(max(run.against_lru(policy) for run in runs), 4),
        "against_bound": round(
            sum(one.work_ms for one in served) / sum(run.bound_ms for run in runs), 3
        ),
        "hit_rate": _mean(one.hit_rate for one in served),
        "cpu_share": _mean(one.cpu_share for one in served),
        "loads": _mean(float(one.loads) for one in served),
        "latency_p50_ms": _mean(one.latency_ms(50) for one in served),
        "latency_p99_ms": _mean(one.latency_ms(99) for one in served),
    }


def _mean(values: Iterable[float]) -> float:
    return round(fmean(values), 4)
