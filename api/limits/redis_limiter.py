"""Buckets in Redis or Valkey: one script for each request, by the server's clock."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import redis

from api.limits.limiter import Cost, Verdict, level_of
from workers.connections.calls import text, translated

#: With a policy's name and a subject behind it: the time at which the bucket is full again.
PREFIX: Final = "fs:{limits}:"
_SCRIPT: Final = Path(__file__).parent / "lua" / "take.lua"


class RedisLimiter:
    """A `Limiter` shared by all processes that reach one server.

    Args:
        client: Its answers may be text or bytes.
        clock_us: Replaces the server's clock, for tests.
    """

    def __init__(self, client: redis.Redis, *, clock_us: Callable[[], int] | None = None) -> None:
        self._take = client.register_script(_SCRIPT.read_text(encoding="utf-8"))
        self._clock_us = clock_us

    def take(self, costs: Sequence[Cost]) -> Verdict:
        """See `Limiter.take`."""
        if not costs:
            return Verdict(levels=())
        keys = [f"{PREFIX}{cost.policy.name}:{cost.subject}" for cost in costs]
        arguments: list[int | str] = ["" if self._clock_us is None else self._clock_us()]
        for cost in costs:
            window_us = cost.policy.window_seconds * 1_000_000
            arguments += [window_us, cost.policy.quota, cost.amount]
        with translated():
            found: list[Any] = self._take(keys=keys, args=arguments)
        refused, wait_us, *spent_us = map(text, found)
        numbers = [int(number) - 1 for number in refused.split(",") if number]
        return Verdict(
            levels=tuple(
                level_of(cost.policy, float(spent))
                for cost, spent in zip(costs, spent_us, strict=True)
            ),
            refused=tuple(costs[number].policy.name for number in numbers),
            retry_seconds=None if int(wait_us) < 0 else int(wait_us) / 1e6,
        )
