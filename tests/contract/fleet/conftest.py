"""The fleet directory on an imitation of Redis and on a real server; tests turn the clock."""

import pytest
import redis

from tests.contract.fleet.cards import Subject
from vram.fleet import Fleet
from vram.redis_fleet import RedisFleet


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.redis)])
def subject(request: pytest.FixtureRequest) -> Subject:
    client: redis.Redis = request.getfixturevalue(f"{request.param}_redis")
    made = Subject(fleet=RedisFleet(client), client=client)
    made.fleet = RedisFleet(
        client,
        breaker_failures=3,
        breaker_open_seconds=30,
        breaker_try_seconds=3,
        clock_ms=lambda: made.now_ms,
    )
    return made


@pytest.fixture
def fleet(subject: Subject) -> Fleet:
    return subject.fleet
