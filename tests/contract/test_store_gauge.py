"""What is told of the store's memory."""

from collections.abc import Iterator

import pytest
import redis

from api.redis_store_gauge import RedisStoreGauge
from api.store_memory import FixedGauge, StoreGauge, StoreMemory

MIB = 2**20


@pytest.fixture(params=["fixed", pytest.param("real", marks=pytest.mark.redis)])
def gauge(request: pytest.FixtureRequest) -> Iterator[StoreGauge]:
    """Of a store with something in it and a limit of 64 MiB."""
    if request.param == "fixed":
        yield FixedGauge(StoreMemory(used_bytes=3 * MIB, limit_bytes=64 * MIB))
        return
    client: redis.Redis = request.getfixturevalue("real_redis")
    before = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", 64 * MIB)
    client.set("something", b"x" * 2 * MIB)
    yield RedisStoreGauge(client)
    client.config_set("maxmemory", before or 0)


def test_what_is_held_and_the_limit_are_told(gauge: StoreGauge) -> None:
    memory = gauge.memory()

    assert memory is not None
    assert memory.limit_bytes == 64 * MIB
    assert 2 * MIB < memory.used_bytes < 64 * MIB


@pytest.mark.redis
def test_a_server_that_lets_nobody_ask_is_no_fault(real_redis: redis.Redis) -> None:
    port = real_redis.connection_pool.connection_kwargs["port"]
    real_redis.acl_setuser(
        "clerk", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-info"]
    )
    try:
        with redis.Redis(port=port, username="clerk", password="any") as clerk:  # noqa: S106
            assert RedisStoreGauge(clerk).memory() is None
    finally:
        real_redis.acl_deluser("clerk")
