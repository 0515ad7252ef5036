"""The clock's part in the life of an entry: leases, deadlines, pins, a clock that jumps."""

import dataclasses
import time

import pytest

from tests.contract.ledger.desk import CARD, ME, Desk
from vram.answers import Ask
from vram.records import State
from vram.redis_ledger import RedisLedger


def pin(desk: Desk, gen: int, token: str = ME, seconds: float = 60.0) -> str:
    return desk.ledger.pin(*desk.holder, gen, token=token, seconds=seconds)


def drain(desk: Desk, gen: int) -> str:
    return desk.ledger.drain(desk.device.id, gen, why="asked")


def unloading(desk: Desk, gen: int) -> str:
    return desk.ledger.unloading(*desk.holder, gen)


def fail(desk: Desk, gen: int) -> str:
    return desk.ledger.fail(*desk.holder, gen, why="broken")


def test_pins_end_with_their_time(desk: Desk) -> None:
    gen = desk.load("m", 200)
    pin(desk, gen, "short", 2.0)
    pin(desk, gen, "long", 5.0)
    drain(desk, gen)

    desk.pass_time(2)
    assert list(desk.entry(gen).pins) == ["long"]
    assert desk.beat(gen).unload == ()
    desk.pass_time(3)
    assert desk.beat(gen).unload == (gen,)


def test_beats_renew_only_what_is_held(desk: Desk) -> None:
    held, dropped = desk.load("held", 50), desk.load("dropped", 50)
    desk.pass_time(6)
    desk.beat(held)
    desk.pass_time(5)

    assert desk.states == {"held": "ready", "dropped": "lost"}
    assert desk.entry(held).lease_ms == desk.now_ms + 5000
    assert desk.state.counters["lost"] == 1
    assert dropped == 2


@pytest.mark.parametrize("state", ["loading", "ready", "draining"])
def test_what_is_lost_and_held_again_drains(desk: Desk, state: str) -> None:
    gen = desk.reserve("m", 50)
    desk.begin(gen)
    if state != "loading":
        desk.loaded(gen, 50)
    if state == "draining":
        drain(desk, gen)
    desk.pass_time(10)
    assert desk.states == {"m": "lost"}
    assert (desk.state.physical_mib, desk.state.planned_mib) == (50, 50)
    assert desk.ask("m", 50).reason == "draining"
    assert pin(desk, gen) == desk.loaded(gen, 50).verdict == "stale"

    assert desk.beat(gen).unload == (gen,)

    assert desk.states == {"m": "draining"}
    desk.unload(gen)
    assert desk.state.foreign_mib == 0


def test_what_is_lost_for_long_is_foreign(desk: Desk) -> None:
    gen = desk.load("m", 50)
    desk.pass_time(10)
    assert desk.ledger.sweep(desk.device.id) == 1
    desk.pass_time(15)

    assert desk.ledger.sweep(desk.device.id) == 1
    assert desk.ledger.sweep(desk.device.id) == 0
    assert (desk.state.entries, desk.state.foreign_mib) == ((), 50)
    assert desk.state.counters["written_off"] == 1
    assert desk.beat(gen).orphans == (gen,)
    assert desk.observe(250).foreign_mib == 0


def test_a_reservation_that_is_not_begun_ends(desk: Desk) -> None:
    gen = desk.reserve("m", 50)
    desk.live(29)
    assert desk.states == {"m": "reserved"}

    desk.live(1)

    assert (desk.states, desk.state.foreign_mib) == ({}, 0)
    assert desk.begin(gen) == "stale"
    assert desk.events[-1].why == "reserve_ended"


def test_the_reservation_of_a_silent_holder_ends_with_its_lease(desk: Desk) -> None:
    desk.reserve("m", 50)
    desk.pass_time(10)

    assert (desk.states, desk.state.foreign_mib) == ({}, 0)
    assert desk.events[-1].why == "lease_ended"


def test_who_waits_for_a_load_to_begin_is_not_silent(desk: Desk) -> None:
    gen = desk.reserve("m", 50)
    for _ in range(3):
        desk.pass_time(9)
        assert desk.begin(gen, free_mib=0) == "nvml"

    assert desk.begin(gen) == "ok"


def test_a_hung_load_is_given_up_and_its_memory_is_not_free(desk: Desk) -> None:
    gen = desk.reserve("m", 50)
    desk.begin(gen)
    desk.live(60)

    assert desk.states == {"m": "unloading"}
    assert desk.beat(gen).unload == (gen,)
    assert desk.beat().unload == ()
    assert desk.loaded(gen, 50).verdict == "stale"
    assert fail(desk, gen) == "ok"
    assert desk.state.stats["m"].failures == 1
    desk.live(15)
    assert (desk.states, desk.state.foreign_mib) == ({}, 50)
    assert desk.beat(gen).orphans == (gen,)


def test_a_hung_load_that_ends_after_all_is_unloaded(desk: Desk) -> None:
    gen = desk.reserve("m", 50)
    desk.begin(gen)
    desk.live(60)

    assert desk.ledger.unloaded(*desk.holder, gen, returned_mib=50) == "ok"

    assert (desk.states, desk.state.foreign_mib) == ({}, 0)


def test_an_unload_that_is_not_told_is_written_off(desk: Desk) -> None:
    gen = desk.load("m", 50)
    drain(desk, gen)
    unloading(desk, gen)
    desk.live(14)
    assert desk.states == {"m": "unloading"}

    desk.live(1)

    assert (desk.states, desk.state.foreign_mib) == ({}, 50)
    assert (desk.events[-1].op, desk.events[-1].why) == ("sweep", "written_off")


def test_leases_end_by_the_server_s_clock(desk: Desk) -> None:
    ledger = RedisLedger(desk.client, silent_seconds=15.0)
    limits = dataclasses.replace(CARD.limits, lease_seconds=0.3)
    device = dataclasses.replace(CARD, id="other", limits=limits)
    ledger.register(device)
    ask = Ask(model="m", vram_mib=50, priority="medium", token=ME)
    ledger.reserve("other", device.incarnation, ask)
    assert ledger.begin("other", device.incarnation, 1, free_mib=None) == "ok"

    deadline = time.monotonic() + 60
    while [entry.state for entry in ledger.state("other").entries] != [State.LOST]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_clock_that_goes_back_ends_nothing_and_keeps_nothing_alive(desk: Desk) -> None:
    gen = desk.load("m", 50)
    desk.ask("m", 50, token=ME, pin_seconds=5.0)
    desk.pass_time(-3600)

    assert desk.ask("m", 50).outcome == "gpu"
    assert desk.entry(gen).lease_ms == desk.now_ms + 10_000
    assert desk.entry(gen).since_ms == desk.now_ms
    assert desk.entry(gen).pins[ME] == desk.now_ms + 5000
    assert desk.state.stats["m"].frequency == 3.0
    assert [e.why for e in desk.events if e.op == "sweep"] == ["clock_set_back"]
    desk.pass_time(10)
    assert desk.states == {"m": "lost"}
    desk.pass_time(15)
    assert desk.states == {}


def test_a_clock_that_is_corrected_a_little_changes_nothing(desk: Desk) -> None:
    gen = desk.load("m", 50)
    before = desk.entry(gen)
    desk.pass_time(-1)

    assert desk.entry(gen) == before


def test_a_clock_that_leaps_ahead_loses_but_frees_nothing(desk: Desk) -> None:
    desk.load("m", 50)
    desk.pass_time(86_400)

    assert desk.states == {"m": "lost"}
    assert desk.state.physical_mib == 50


def test_uses_fade(desk: Desk) -> None:
    desk.load("m", 50)
    desk.live(600)
    desk.ask("m", 50)

    assert desk.state.stats["m"].frequency == pytest.approx(1.5)
