"""A collection with one person, for the tests of enrolment."""

from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.unit.workers.identities.enrolling import Bench


@pytest.fixture
def bench(fake_redis: redis.Redis) -> Callable[..., Bench]:
    def _bench(**settings: Any) -> Bench:  # noqa: ANN401 - members
        made = Bench(fake_redis, **settings)
        made.album.person("zoe")
        return made

    return _bench
