"""What only a ledger in a store can do: outlive the store's troubles."""

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.contract.ledger.desk import CARD, Desk, desk_on
from vram.errors import LedgerUnavailable
from vram.redis_ledger import RedisLedger, device_keys


def test_a_store_nobody_answers_for_is_unavailable() -> None:
    with redis.Redis(port=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
        ledger = RedisLedger(client, silent_seconds=15.0)
        for call in (
            lambda: ledger.next_incarnation("d"),
            lambda: ledger.register(CARD),
            lambda: ledger.state("d"),
            lambda: ledger.events("d"),
            ledger.devices,
        ):
            with pytest.raises(LedgerUnavailable):
                call()


@pytest.mark.redis
def test_scripts_are_sent_again_to_a_server_that_lost_them(real_redis: redis.Redis) -> None:
    desk = desk_on(real_redis)
    desk.register()
    real_redis.script_flush()

    assert desk.ask("m", 100).outcome == "load"
    real_redis.script_flush()
    assert len(desk.ledger.devices()) == 1


@pytest.mark.redis
def test_a_full_store_admits_nothing_and_is_not_left_half_written(real_redis: redis.Redis) -> None:
    desk = desk_on(real_redis)
    desk.register()
    desk.load("old", 500, priority="high", load_ms=1.0)
    before = {key: real_redis.dump(key) for key in device_keys(CARD.id)}
    real_redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(LedgerUnavailable, match="maxmemory"):
            desk.ask("m", 900, priority="critical")
    finally:
        real_redis.config_set("maxmemory", "0")

    assert {key: real_redis.dump(key) for key in device_keys(CARD.id)} == before


def test_a_fault_of_a_script_is_not_told_as_the_store_s_absence(client: redis.Redis) -> None:
    desk = desk_on(client)
    desk.register()
    client.hset(device_keys(CARD.id)[1], "1", "no JSON")

    with pytest.raises(Exception) as caught:  # noqa: PT011 - the imitation's error is another one
        desk.ask("m", 100)
    assert not isinstance(caught.value, LedgerUnavailable)


def test_two_ledgers_on_one_store_are_one(desk: Desk) -> None:
    other = desk_on(desk.client)
    desk.load("m", 100)

    assert other.state == desk.state
    assert other.ask("m", 100).outcome == "gpu"
