"""Policies side by side on one load, and one card size beside the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from vram.records import Limits, Policy
from vram.simulator.bound import lower_bound_ms
from vram.simulator.queues import Served, serve
from vram.simulator.trace import Trace

POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)
#: Of all models' room together: the card sizes of a sweep.
SWEEP_SHARES: Final = tuple(tenth / 10 for tenth in range(1, 11))
#: A card is large enough when so many requests are served on it.
ENOUGH_ON_CARD: Final = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One load on one card under several policies."""

    trace: Trace
    capacity_mib: int
    #: No policy can do with less total work; `vram.simulator.bound`.
    bound_ms: float
    served: Mapping[Policy, Served]

    @property
    def refused(self) -> dict[Policy, int]:
        """Requests that were served nowhere, of policies that had any."""
        return {name: one.refused for name, one in self.served.items() if one.refused}

    def as_json(self) -> dict[str, Any]:
        """The figures, rounded; times in seconds where the name says so."""
        return {
            "capacity_mib": self.capacity_mib,
            "lower_bound_seconds": round(self.bound_ms / 1000, 3),
            "policies": {name: _figures(one) for name, one in self.served.items()},
        }


def compare(
    trace: Trace,
    capacity_mib: int,
    policies: Sequence[Policy],
    *,
    limits: Limits,
    cpu_processes: int,
) -> Comparison:
    """Serve one load under several policies.

    Args:
        trace: The load.
        capacity_mib: What models may take on the card.
        policies: Which.
        limits: Everything but the policy.
        cpu_processes: How many serve what the card does not.
    """
    return Comparison(
        trace=trace,
        capacity_mib=capacity_mib,
        bound_ms=lower_bound_ms(trace, capacity_mib),
        served={
            policy: serve(
                trace, capacity_mib, replace(limits, policy=policy), cpu_processes=cpu_processes
            )
            for policy in policies
        },
    )


def sweep(
    trace: Trace, policies: Sequence[Policy], *, limits: Limits, cpu_processes: int
) -> list[Comparison]:
    """Serve one load on cards of a tenth of all its models' room, two tenths, … all of it."""
    sizes = [max(1, round(trace.working_set_mib * share)) for share in SWEEP_SHARES]
    return [
        compare(trace, size, policies, limits=limits, cpu_processes=cpu_processes) for size in sizes
    ]


def enough_mib(swept: Sequence[Comparison], policy: Policy) -> int | None:
    """The smallest card of a sweep on which 99 of 100 requests are served; None: none is."""
    fitting = [
        one.capacity_mib
        for one in swept
        if (served := one.served[policy]).hits + served.loads >= ENOUGH_ON_CARD * served.requests
    ]
    return min(fitting, default=None)


def _figures(served: Served) -> dict[str, Any]:
    return {
        "requests": served.requests,
        "hit_rate": round(served.hit_rate, 4),
        "loads": served.loads,
        "reload_seconds": round(served.load_ms / 1000, 3),
        "evictions": served.evictions,
        "cpu_share": round(served.cpu_share, 4),
        "cpu_busy_seconds": round(served.cpu_busy_ms / 1000, 3),
        "cpu_penalty_seconds": round(served.penalty_ms / 1000, 3),
        "refused": served.refused,
        "work_seconds": round(served.work_ms / 1000, 3),
        "card_busy_seconds": round(served.card_busy_ms / 1000, 3),
        "latency_p50_ms": round(served.latency_ms(50), 1),
        "latency_p99_ms": round(served.latency_ms(99), 1),
        "reasons": dict(sorted(served.reasons.items())),
    }
