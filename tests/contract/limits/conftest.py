"""The limiters that pass one suite: in memory, on the imitation and on a real server."""

from dataclasses import dataclass, field
from typing import cast

import pytest
import redis

from api.limits.limiter import Limiter
from api.limits.memory_limiter import MemoryLimiter
from api.limits.redis_limiter import RedisLimiter


@dataclass
class Clock:
    """A clock that is turned by hand."""

    #: Of today's size, so that numbers in the store are as long as they will be.
    now_us: int = 1_795_000_000_000_000

    def __call__(self) -> int:
        return self.now_us

    def advance(self, seconds: float) -> None:
        self.now_us += int(seconds * 1e6)


@dataclass
class LimiterUnderTest:
    clock: Clock = field(default_factory=Clock)
    client: redis.Redis | None = None

    @property
    def limiter(self) -> Limiter:
        """Another one over the same buckets, as another process would have it."""
        if self.client is None:
            return self._memory
        return RedisLimiter(self.client, clock_us=self.clock)

    def __post_init__(self) -> None:
        self._memory = MemoryLimiter(clock_us=self.clock)


@pytest.fixture(params=["memory", "fake_redis", "real_redis"])
def under_test(request: pytest.FixtureRequest) -> LimiterUnderTest:
    name = cast("str", request.param)
    client = None if name == "memory" else request.getfixturevalue(name)
    return LimiterUnderTest(client=client)


@pytest.fixture
def limiter(under_test: LimiterUnderTest) -> Limiter:
    return under_test.limiter


@pytest.fixture
def clock(under_test: LimiterUnderTest) -> Clock:
    return under_test.clock
