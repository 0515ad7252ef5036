"""Who holds a device: registration, fencing, signs of life, data loss."""

import dataclasses
from collections.abc import Callable

import pytest

from tests.contract.ledger.desk import ME, Desk
from vram.answers import Ask
from vram.errors import UnknownDevice
from vram.records import Command
from vram.redis_ledger import RedisLedger

ASK = Ask(model="m", vram_mib=100, priority="medium", token=ME)


def calls_of_a_holder(ledger: RedisLedger, device: str, holder: int) -> list[Callable[[], object]]:
    return [
        lambda: ledger.beat(device, holder, held=[]),
        lambda: ledger.reserve(device, holder, ASK),
        lambda: ledger.begin(device, holder, 1, free_mib=None),
        lambda: ledger.loaded(device, holder, 1, vram_mib=1, load_ms=1.0),
        lambda: ledger.adjust(device, holder, 1, vram_mib=1),
        lambda: ledger.fail(device, holder, 1, why="x"),
        lambda: ledger.pin(device, holder, 1, token=ME, seconds=1.0),
        lambda: ledger.unpin(device, holder, 1, token=ME),
        lambda: ledger.unloading(device, holder, 1),
        lambda: ledger.unloaded(device, holder, 1, returned_mib=None),
        lambda: ledger.observe(device, holder, used_mib=1, version=1),
        lambda: ledger.out_of_memory(device, holder, 1, step="x"),
        lambda: ledger.relieve(device, holder, needed_mib=1, asker_gen=1),
        lambda: ledger.done(device, holder, "c", answer="x"),
    ]


def calls_of_anybody(ledger: RedisLedger, device: str) -> list[Callable[[], object]]:
    return [
        lambda: ledger.drain(device, 1, why="x"),
        lambda: ledger.keep(device, "m", on=True),
        lambda: ledger.version(device),
        lambda: ledger.sweep(device),
        lambda: ledger.command(device, Command(id="c", action="optimize", model=None)),
        lambda: ledger.state(device),
    ]


def test_incarnations_grow(desk: Desk) -> None:
    numbers = [desk.ledger.next_incarnation("a") for _ in range(20)]

    assert numbers == sorted(set(numbers))
    assert desk.ledger.next_incarnation("b") > numbers[-1]


def test_incarnations_grow_through_data_loss_and_behind_a_fast_clock(desk: Desk) -> None:
    before = desk.ledger.next_incarnation("a")
    desk.client.flushall()
    desk.pass_time(0.001)

    assert desk.ledger.next_incarnation("a") > before
    desk.client.set("fs:{vram}:incarnation", 9_000_000_000_000_000)
    assert desk.ledger.next_incarnation("a") == 9_000_000_000_000_001


def test_a_registered_device_is_shown_as_it_was_registered(desk: Desk) -> None:
    state = desk.state

    assert state.device == desk.device
    assert (state.entries, state.stats, state.foreign_mib) == ((), {}, 0)
    assert (state.base_mib, state.usable_mib, state.free_mib) == (1000, 1000, 1000)
    assert (state.pressure, state.alive, state.silent_seconds) == (False, True, 0.0)
    assert (state.observed_mib, state.observed_ms, state.counters) == (None, None, {})
    assert desk.ledger.devices() == (state,)


def test_devices_are_listed_by_id(desk: Desk) -> None:
    for name in ("box/sim:2", "box/cuda:1"):
        desk.ledger.register(dataclasses.replace(desk.device, id=name))

    found = [state.device.id for state in desk.ledger.devices()]
    assert found == ["box/cuda:0", "box/cuda:1", "box/sim:2"]


def test_devices_share_neither_memory_nor_numbers(desk: Desk) -> None:
    second = dataclasses.replace(desk.device, id="box/cuda:1")
    desk.ledger.register(second)
    desk.load("m", 900, priority="critical")

    answer = desk.ledger.reserve(second.id, second.incarnation, ASK)

    assert (answer.outcome, answer.gen) == ("load", 1)
    assert desk.state.planned_mib == 900


def test_registering_the_same_incarnation_again_changes_nothing(desk: Desk) -> None:
    desk.load("m", 100)
    before, events = desk.state, desk.events

    desk.ledger.register(dataclasses.replace(desk.device, name="Other"))

    assert (desk.state, desk.events) == (before, events)


def test_what_an_earlier_incarnation_held_is_foreign_until_the_device_is_read(desk: Desk) -> None:
    desk.load("there", 100)
    desk.reserve("not there yet", 50)

    desk.register(incarnation=6)

    assert (desk.state.entries, desk.state.foreign_mib, desk.state.usable_mib) == ((), 100, 900)
    assert desk.observe(250).foreign_mib == 0
    assert desk.reserve("m", 100) == 3


def test_an_unread_device_forgets_what_an_earlier_incarnation_held(desk: Desk) -> None:
    desk.register(incarnation=6, verified=False)
    desk.load("m", 100)

    desk.register(incarnation=7)

    assert (desk.state.entries, desk.state.foreign_mib) == ((), 0)


def test_a_new_incarnation_keeps_what_was_learned(desk: Desk) -> None:
    desk.load("m", 100, load_ms=700.0)

    desk.register(incarnation=6)

    assert desk.state.stats["m"].load_ms == 700.0
    assert desk.state.counters["loads"] == 1


def test_an_older_incarnation_is_refused_everything(desk: Desk) -> None:
    gen = desk.load("m", 100)
    old = desk.device
    desk.register(incarnation=6)
    before, events = desk.state, desk.events

    for call in calls_of_a_holder(desk.ledger, old.id, old.incarnation):
        with pytest.raises(UnknownDevice):
            call()
    with pytest.raises(UnknownDevice):
        desk.ledger.register(old)
    desk.ledger.withdraw(old.id, old.incarnation)

    assert gen == 1
    assert (desk.state, desk.events) == (before, events)


def test_a_device_nobody_registered_is_refused_everything(empty_desk: Desk) -> None:
    ledger = empty_desk.ledger

    for call in (*calls_of_a_holder(ledger, "x", 5), *calls_of_anybody(ledger, "x")):
        with pytest.raises(UnknownDevice):
            call()

    assert (ledger.devices(), list(ledger.events("x")), list(ledger.follow("x"))) == ((), [], [])
    ledger.withdraw("x", 5)
    assert list(empty_desk.client.keys()) == []


def test_nothing_is_left_of_a_withdrawn_device(desk: Desk) -> None:
    desk.load("m", 100)
    desk.ledger.command(desk.device.id, Command(id="c", action="load", model="m"))

    desk.ledger.withdraw(*desk.holder)
    desk.ledger.withdraw(*desk.holder)

    assert list(desk.client.keys()) == []
    assert desk.ledger.devices() == ()


def test_a_device_registered_while_another_process_withdraws_it_is_listed_again(desk: Desk) -> None:
    desk.client.srem("fs:{vram}:devices", desk.device.id)
    assert desk.ledger.devices() == ()

    desk.beat()

    assert [state.device.id for state in desk.ledger.devices()] == [desk.device.id]


def test_a_listed_device_that_is_gone_is_left_out(desk: Desk) -> None:
    desk.client.sadd("fs:{vram}:devices", "gone")

    assert [state.device.id for state in desk.ledger.devices()] == [desk.device.id]


def test_silence_ends_with_a_sign_of_life(desk: Desk) -> None:
    desk.pass_time(15.0)
    assert desk.state.alive
    desk.pass_time(0.5)
    assert (desk.state.alive, desk.state.silent_seconds) == (False, 15.5)

    desk.beat()

    assert (desk.state.alive, desk.state.silent_seconds) == (True, 0.0)


def test_gens_rise_through_data_loss(desk: Desk) -> None:
    gens = [desk.load(name, 50) for name in ("a", "b")]
    desk.client.flushall()
    with pytest.raises(UnknownDevice):
        desk.beat(*gens)

    desk.ledger.register(desk.device, last_gen=2)

    assert desk.beat(*gens).orphans == (1, 2)
    desk.observe(250)
    assert desk.reserve("c", 100) == 3


def test_a_beat_tells_the_largest_gen_too(desk: Desk) -> None:
    desk.ledger.beat(*desk.holder, held=[], last_gen=40)

    assert desk.reserve("m", 100) == 41


def test_nothing_is_free_after_data_loss_before_the_device_is_read(desk: Desk) -> None:
    desk.load("m", 100)
    desk.client.flushall()
    desk.ledger.register(desk.device, last_gen=1)

    assert (desk.state.usable_mib, desk.ask("n", 10).reason) == (0, "insufficient_vram")
    assert desk.observe(350).foreign_mib == 100
    assert desk.ask("n", 10).outcome == "load"


def test_a_reading_from_before_data_loss_is_stale(desk: Desk) -> None:
    version = desk.ledger.version(desk.device.id)
    desk.pass_time(1.0)
    desk.client.flushall()
    desk.ledger.register(desk.device)

    answer = desk.ledger.observe(*desk.holder, used_mib=250, version=version)

    assert answer.verdict == "stale"
