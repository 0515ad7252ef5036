"""Whether the store takes writes is found out without one."""

import pytest
import redis

from workers.errors import StoreRefused
from workers.jobs.scripts import require_writes


@pytest.mark.redis
def test_a_store_that_takes_writes_is_left_as_it_was(real_redis: redis.Redis) -> None:
    require_writes(real_redis)

    assert list(real_redis.scan_iter()) == []


@pytest.mark.redis
def test_a_store_without_room_takes_none_though_it_can_be_read(real_redis: redis.Redis) -> None:
    real_redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreRefused, match="maxmemory"):
            require_writes(real_redis)
        assert real_redis.exists("anything") == 0
    finally:
        real_redis.config_set("maxmemory", "0")
    require_writes(real_redis)


@pytest.mark.redis
def test_a_replica_takes_none(real_redis: redis.Redis) -> None:
    real_redis.replicaof("127.0.0.1", 1)
    try:
        with pytest.raises(StoreRefused):
            require_writes(real_redis)
    finally:
        real_redis.replicaof("NO", "ONE")
