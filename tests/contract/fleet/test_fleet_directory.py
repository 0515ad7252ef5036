"""Every fleet directory keeps the same promises, on the imitation and on a real server."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.contract.fleet.cards import CARD, Subject, card, ids, publish
from vram.errors import LedgerUnavailable
from vram.fleet import Fleet
from vram.redis_fleet import PREFIX, RedisFleet


def test_an_empty_fleet_has_nothing_to_offer(fleet: Fleet) -> None:
    outlook = fleet.outlook(["sface"])

    assert outlook.candidates == ()
    assert (outlook.live_devices, outlook.cpu_processes) == (0, 0)
    assert (outlook.service_ms, outlook.load_ms, outlook.vram_mib) == ({}, {}, {})


def test_a_summary_comes_back_as_it_was_published(fleet: Fleet) -> None:
    publish(fleet, CARD)

    assert fleet.outlook(["sface"]).candidates == (CARD,)
    assert fleet.outlook([]).candidates == (CARD,)
    assert fleet.outlook(["never_heard_of"]).live_devices == 1


def test_a_device_without_models_is_found_by_its_room(fleet: Fleet) -> None:
    empty = card(2, resident=(), coming=(), free_mib=5000)
    publish(fleet, empty)

    assert fleet.outlook(["sface"]).candidates == (empty,)


def test_those_that_hold_most_come_first_then_those_with_most_room(fleet: Fleet) -> None:
    publish(
        fleet,
        card(1, resident=("sface", "yunet"), free_mib=1),
        card(2, resident=("sface",), coming=("yunet",), free_mib=2),
        card(3, resident=("sface",), coming=(), free_mib=3),
        card(4, resident=(), coming=(), free_mib=9000),
        card(5, resident=(), coming=(), free_mib=4),
    )

    found = ids(fleet, "sface", "yunet", limit=5)

    assert found == [f"box{n}/cuda:0" for n in (1, 2, 3, 4, 5)]
    # The last place is for where a hot model can go.
    assert ids(fleet, "sface", "yunet", limit=3) == [found[0], found[1], found[3]]


def test_whoever_holds_the_rarest_model_is_found_among_many(fleet: Fleet) -> None:
    for number in range(200):
        publish(fleet, card(number, resident=("yunet",), coming=(), free_mib=number))
    publish(fleet, card(777, resident=("yunet", "sface"), coming=(), free_mib=0))

    assert ids(fleet, "yunet", "sface")[0] == "box777/cuda:0"


def test_equals_take_turns(fleet: Fleet) -> None:
    for number in range(12):
        publish(fleet, card(number, coming=()))

    firsts = {ids(fleet, "sface", "yunet", limit=2)[0] for _ in range(200)}

    assert len(firsts) > 6


def test_a_device_that_is_not_repeated_is_forgotten_and_leaves_nothing(subject: Subject) -> None:
    publish(subject.fleet, CARD)
    subject.fleet.served(CARD.id, ok=False)
    subject.advance(15.001)

    outlook = subject.fleet.outlook(["sface"])

    assert (outlook.candidates, outlook.live_devices) == ((), 0)
    assert list(subject.client.scan_iter(PREFIX + "*")) == []


def test_a_device_lives_to_the_last_moment_and_as_long_as_it_repeats(subject: Subject) -> None:
    for _ in range(5):
        publish(subject.fleet, CARD)
        subject.advance(15)
        assert ids(subject.fleet, "sface") == [CARD.id]
        assert subject.fleet.live([CARD.id, "box9/cuda:0"]) == {CARD.id}
    subject.advance(0.001)

    assert subject.fleet.live([CARD.id]) == frozenset()
    assert subject.fleet.live([]) == frozenset()


def test_many_that_went_silent_at_once_hide_nobody(subject: Subject) -> None:
    for number in range(60):
        publish(subject.fleet, card(number, free_mib=9000))
    subject.advance(16)
    living = card(100, free_mib=1)
    publish(subject.fleet, living)

    found: list[str] = []
    for _ in range(10):
        outlook = subject.fleet.outlook(["sface"])
        assert outlook.live_devices == 1
        found = [one.id for one in outlook.candidates]
        if found:
            break

    assert found == [living.id]


@pytest.mark.parametrize(
    "older", [{"version": 4, "incarnation": 2}, {"version": 99, "incarnation": 1}]
)
def test_an_older_summary_never_replaces_a_newer_one(fleet: Fleet, older: dict[str, int]) -> None:
    newer = replace(CARD, version=5, incarnation=2, resident=("sface",), coming=())
    publish(fleet, newer, replace(CARD, **older))  # type: ignore[arg-type]  # by name

    assert fleet.outlook(["yunet"]).candidates == (newer,)


def test_a_newer_summary_replaces_all_of_the_older_one(fleet: Fleet) -> None:
    newer = replace(CARD, version=1, incarnation=2, resident=("cydral_age",), coming=(), free_mib=0)
    rival = card(2, resident=("yunet",), coming=())
    publish(fleet, CARD, rival, newer)

    assert ids(fleet, "yunet") == [rival.id, CARD.id]
    assert ids(fleet, "cydral_age")[0] == CARD.id


def test_withdrawing_forgets_a_device_unless_a_newer_one_holds_it(subject: Subject) -> None:
    publish(subject.fleet, replace(CARD, incarnation=7))
    subject.fleet.withdraw(CARD.id, 6)
    assert ids(subject.fleet, "sface") == [CARD.id]

    subject.fleet.withdraw(CARD.id, 7)
    subject.fleet.withdraw(CARD.id, 7)

    assert ids(subject.fleet, "sface") == []
    assert list(subject.client.scan_iter(PREFIX + "*")) == []


def test_cpu_processes_are_counted_while_they_live(subject: Subject) -> None:
    for process in ("box1:10", "box1:11", "box1:11"):
        subject.fleet.beat_cpu(process, live_seconds=10)
    subject.advance(6)
    subject.fleet.beat_cpu("box1:11", live_seconds=10)
    assert subject.fleet.outlook([]).cpu_processes == 2

    subject.advance(5)

    assert subject.fleet.outlook([]).cpu_processes == 1


def test_times_are_learned_as_means_and_sizes_as_they_are(fleet: Fleet) -> None:
    fleet.learn(
        service_ms={("gpu", "sface"): 10.0, ("cpu", "sface"): 40.0},
        load_ms={"sface": 500.0},
        vram_mib={"sface": 120},
    )
    fleet.learn(service_ms={("gpu", "sface"): 20.0}, vram_mib={"sface": 130, "yunet": 40})

    outlook = fleet.outlook(["sface", "yunet"])

    assert outlook.service_ms == {("gpu", "sface"): 12.0, ("cpu", "sface"): 40.0}
    assert outlook.load_ms == {"sface": 500.0}
    assert outlook.vram_mib == {"sface": 130, "yunet": 40}
    assert fleet.outlook(["yunet"]).service_ms == {}


def test_a_measurement_that_is_repeated_comes_to_count(fleet: Fleet) -> None:
    fleet.learn(service_ms={("cpu", "sface"): 1000.0})
    for _ in range(30):
        fleet.learn(service_ms={("cpu", "sface"): 10.0})

    assert fleet.outlook(["sface"]).service_ms["cpu", "sface"] == pytest.approx(10, abs=2)


def test_nothing_learned_is_nothing_stored(subject: Subject) -> None:
    subject.fleet.learn(service_ms={})

    assert list(subject.client.scan_iter(PREFIX + "*")) == []


@pytest.mark.redis
def test_an_outlook_costs_the_same_in_a_fleet_of_any_size(real_redis: redis.Redis) -> None:
    fleet = RedisFleet(real_redis)

    def cost(devices: int) -> int:
        for number in range(devices):
            models = tuple(f"model_{number % 7}_{n}" for n in range(8))
            publish(fleet, card(number, resident=("sface", "yunet", *models), coming=()))
        real_redis.config_resetstat()
        fleet.outlook(["sface", "yunet", "model_3_0"])
        stats: dict[str, dict[str, int]] = real_redis.info("commandstats")
        return sum(one["calls"] for one in stats.values())

    few, many = cost(40), cost(1000)

    assert many <= few * 1.5


def test_a_store_that_is_away_is_told(pick_port: Callable[[], int]) -> None:
    with redis.Redis(port=pick_port(), retry=Retry(NoBackoff(), 0)) as client:
        fleet = RedisFleet(client)

        with pytest.raises(LedgerUnavailable):
            fleet.outlook(["sface"])
