"""Buckets in this process: for tests, and for whoever tries the routes without a store."""

import math
import threading
import time
from collections.abc import Callable, Sequence

from api.limits.limiter import Cost, Verdict, level_of


def _now_us() -> int:
    return time.time_ns() // 1000


class MemoryLimiter:
    """A `Limiter` of one process.

    Args:
        clock_us: Microseconds since any time.
    """

    def __init__(self, *, clock_us: Callable[[], int] = _now_us) -> None:
        self._clock_us = clock_us
        self._lock = threading.Lock()
        #: When each bucket is full again.
        self._full_us: dict[tuple[str, str], float] = {}

    def take(self, costs: Sequence[Cost]) -> Verdict:
        """See `Limiter.take`."""
        with self._lock:
            now_us = self._clock_us()
            self._forget_full(now_us)
            before = [self._held_us(cost, now_us) for cost in costs]
            after = [
                held_us + math.floor(cost.amount * _window_us(cost) / cost.policy.quota)
                for cost, held_us in zip(costs, before, strict=True)
            ]
            verdict = _judged(costs, before, after, now_us)
            for cost, full_us in zip(costs, before if verdict.refused else after, strict=True):
                self._full_us[cost.policy.name, cost.subject] = full_us
            return verdict

    def _held_us(self, cost: Cost, now_us: int) -> float:
        """When a bucket is full; never further away than a window, whatever the clock did."""
        held_us = self._full_us.get((cost.policy.name, cost.subject), now_us)
        return min(max(held_us, now_us), now_us + _window_us(cost))

    def _forget_full(self, now_us: int) -> None:
        for name in [name for name, full_us in self._full_us.items() if full_us <= now_us]:
            del self._full_us[name]


def _judged(
    costs: Sequence[Cost], before: Sequence[float], after: Sequence[float], now_us: int
) -> Verdict:
    missing_us = [
        full_us - now_us - _window_us(cost) if cost.amount else 0.0
        for cost, full_us in zip(costs, after, strict=True)
    ]
    refused = [cost for cost, us in zip(costs, missing_us, strict=True) if us > 0]
    levels = zip(costs, before if refused else after, strict=True)
    hopeless = any(cost.amount > cost.policy.quota for cost in refused)
    return Verdict(
        levels=tuple(level_of(cost.policy, full_us - now_us) for cost, full_us in levels),
        refused=tuple(cost.policy.name for cost in refused),
        retry_seconds=None if hopeless else max([0.0, *missing_us]) / 1e6,
    )


def _window_us(cost: Cost) -> float:
    return cost.policy.window_seconds * 1e6
