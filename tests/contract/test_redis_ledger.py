"""What only a ledger in Redis can do: outlive its store's troubles, and serve many processes."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from vram.errors import LedgerUnavailable
from vram.ledger import Device, Resident
from vram.redis_ledger import RedisLedger

CARD = Device(
    id="cuda:0",
    kind="gpu",
    name="Test Card",
    total_bytes=1000,
    reserved_bytes=200,
    incarnation=5,
    host="here",
)
DETECTOR = Resident(model="detector", vram_bytes=300, basis="device_delta")


@pytest.fixture(params=["fake_redis", pytest.param("real_redis", marks=pytest.mark.redis)])
def client(request: pytest.FixtureRequest) -> redis.Redis:
    found: redis.Redis = request.getfixturevalue(request.param)
    return found


def test_a_beat_ends_the_silence_in_redis(client: redis.Redis) -> None:
    ledger = RedisLedger(client, silent_seconds=15.0)
    ledger.register(CARD)
    client.hincrby("fs:{vram}:seen", CARD.id, -20_000)  # the sign of life is 20 s old now

    assert not ledger.devices()[0].alive
    assert 20 <= ledger.devices()[0].silent_seconds < 35
    ledger.beat(CARD.id, 5)
    assert ledger.devices()[0].alive


def test_incarnations_grow_through_data_loss(client: redis.Redis) -> None:
    ledger = RedisLedger(client, silent_seconds=15.0)
    before = ledger.next_incarnation()

    client.flushall()

    assert ledger.next_incarnation() > before


def test_incarnations_grow_when_the_clock_is_behind(client: redis.Redis) -> None:
    ledger = RedisLedger(client, silent_seconds=15.0)
    client.set("fs:{vram}:incarnation", 9_000_000_000_000_000)

    assert ledger.next_incarnation() == 9_000_000_000_000_001
    assert ledger.next_incarnation() == 9_000_000_000_000_002


@pytest.mark.redis
def test_nothing_is_left_of_a_withdrawn_device(real_redis: redis.Redis) -> None:
    ledger = RedisLedger(real_redis, silent_seconds=15.0)
    ledger.register(CARD)
    ledger.admit(CARD.id, 5, DETECTOR)

    ledger.withdraw(CARD.id, 5)

    assert real_redis.keys() == []


@pytest.mark.redis
def test_scripts_are_sent_again_to_a_server_that_lost_them(real_redis: redis.Redis) -> None:
    ledger = RedisLedger(real_redis, silent_seconds=15.0)
    ledger.register(CARD)

    real_redis.script_flush()

    assert ledger.devices()[0].device == CARD


@pytest.mark.redis
def test_ledger_keys_share_a_slot_and_never_expire(real_redis: redis.Redis) -> None:
    ledger = RedisLedger(real_redis, silent_seconds=15.0)
    ledger.register(dataclasses.replace(CARD, incarnation=ledger.next_incarnation()))
    ledger.admit(CARD.id, ledger.devices()[0].device.incarnation, DETECTOR)

    names = sorted(real_redis.keys())

    assert names == [
        b"fs:{vram}:" + name for name in (b"devices", b"incarnation", b"residents", b"seen")
    ]
    assert {real_redis.ttl(name) for name in names} == {-1}


@pytest.mark.redis
def test_a_full_store_admits_nothing(real_redis: redis.Redis) -> None:
    ledger = RedisLedger(real_redis, silent_seconds=15.0)
    ledger.register(CARD)
    real_redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(LedgerUnavailable):
            ledger.admit(CARD.id, 5, DETECTOR)
    finally:
        real_redis.config_set("maxmemory", "0")

    assert ledger.devices()[0].residents == ()


def test_a_store_nobody_answers_for_is_unavailable() -> None:
    with redis.Redis(port=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
        ledger = RedisLedger(client, silent_seconds=15.0)
        for call in (ledger.next_incarnation, ledger.devices, lambda: ledger.register(CARD)):
            with pytest.raises(LedgerUnavailable):
                call()


@pytest.mark.redis
def test_processes_that_race_never_book_more_than_the_device_has(
    real_redis: redis.Redis, valkey_port: int, root: Path
) -> None:
    ledger = RedisLedger(real_redis, silent_seconds=60.0)
    ledger.register(dataclasses.replace(CARD, total_bytes=1_000_200))
    command = [sys.executable, "-c", RACER, str(valkey_port)]
    racers = [
        subprocess.Popen([*command, str(number)], cwd=root, stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    reports = [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]

    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert max(report["most_used_bytes"] for report in reports) <= 1_000_000
    granted = sum(report["granted"] for report in reports)
    refused = sum(report["refused"] for report in reports)
    assert granted > 0
    assert refused > 0
    (state,) = ledger.devices()
    assert state.used_bytes == sum(report["kept_bytes"] for report in reports)
    assert state.used_bytes <= 1_000_000


#: Loads and unloads at random, looks at the sum after each step, says what it saw.
RACER = """
import json, random, sys
import redis
from vram.ledger import Resident
from vram.redis_ledger import RedisLedger

port, number = int(sys.argv[1]), sys.argv[2]
chance = random.Random(number)
ledger = RedisLedger(redis.Redis(port=port, socket_timeout=10), silent_seconds=60.0)
kept, most, granted, refused = {}, 0, 0, 0
for step in range(200):
    if kept and chance.random() < 0.4:
        model = chance.choice(sorted(kept))
        ledger.release("cuda:0", 5, model)
        del kept[model]
    else:
        model, size = f"{number}-{step}", chance.randint(50_000, 200_000)
        wanted = Resident(model=model, vram_bytes=size, basis="device_delta")
        if ledger.admit("cuda:0", 5, wanted).granted:
            kept[model], granted = size, granted + 1
        else:
            refused += 1
    most = max(most, ledger.devices()[0].used_bytes)
print(json.dumps({"most_used_bytes": most, "granted": granted, "refused": refused,
                  "kept_bytes": sum(kept.values())}))
"""
