"""The life of an entry: begin, loaded, pins, drain, unload, failure, and commands."""

from collections.abc import Callable

import pytest

from tests.contract.ledger.desk import ME, Desk
from vram.records import Command


def pin(desk: Desk, gen: int, token: str = ME, seconds: float = 60.0) -> str:
    return desk.ledger.pin(*desk.holder, gen, token=token, seconds=seconds)


def unpin(desk: Desk, gen: int, token: str = ME) -> None:
    desk.ledger.unpin(*desk.holder, gen, token=token)


def drain(desk: Desk, gen: int) -> str:
    return desk.ledger.drain(desk.device.id, gen, why="asked")


def unloading(desk: Desk, gen: int) -> str:
    return desk.ledger.unloading(*desk.holder, gen)


def fail(desk: Desk, gen: int) -> str:
    return desk.ledger.fail(*desk.holder, gen, why="broken")


def test_a_model_lives_from_reservation_to_release(desk: Desk) -> None:
    seen = []
    gen = desk.reserve("m", 200)
    seen.append(desk.states["m"])
    assert desk.begin(gen, free_mib=1000) == "ok"
    seen.append(desk.states["m"])
    assert desk.loaded(gen, 200).over_mib == 0
    seen.append(desk.states["m"])
    assert pin(desk, gen) == "ok"
    assert drain(desk, gen) == "ok"
    seen.append(desk.states["m"])
    assert unloading(desk, gen) == "pinned"
    unpin(desk, gen)
    assert unloading(desk, gen) == "ok"
    seen.append(desk.states["m"])
    assert desk.ledger.unloaded(*desk.holder, gen, returned_mib=200) == "ok"

    assert seen == ["reserved", "loading", "ready", "draining", "unloading"]
    assert (desk.state.entries, desk.state.foreign_mib) == ((), 0)
    assert [event.op for event in desk.events] == [
        "register",
        "reserve",
        "begin",
        "loaded",
        "drain",
        "unloading",
        "unloaded",
    ]


def test_every_step_may_be_told_twice(desk: Desk) -> None:
    gen = desk.reserve("m", 200)
    for step, second in (
        (lambda: desk.begin(gen), "ok"),
        (lambda: desk.loaded(gen, 180).verdict, "ok"),
        (lambda: desk.ledger.adjust(*desk.holder, gen, vram_mib=170).verdict, "ok"),
        (lambda: pin(desk, gen), "ok"),
        (lambda: drain(desk, gen), "ok"),
        (lambda: pin(desk, gen), "ok"),
        (lambda: unpin(desk, gen), None),
        (lambda: unloading(desk, gen), "ok"),
        (lambda: desk.ledger.unloaded(*desk.holder, gen, returned_mib=100), "stale"),
    ):
        first = step()
        before, events = desk.state, desk.events
        assert step() == second
        assert first == ("ok" if second else None)
        assert (desk.state, desk.events) == (before, events)


def test_steps_out_of_turn_are_stale_and_change_nothing(desk: Desk) -> None:
    ledger, holder = desk.ledger, desk.holder
    calls: dict[str, Callable[[int], object]] = {
        "begin": desk.begin,
        "loaded": lambda gen: desk.loaded(gen, 10).verdict,
        "adjust": lambda gen: ledger.adjust(*holder, gen, vram_mib=10).verdict,
        "fail": lambda gen: fail(desk, gen),
        "pin": lambda gen: pin(desk, gen),
        "drain": lambda gen: drain(desk, gen),
        "unloading": lambda gen: unloading(desk, gen),
        "unloaded": lambda gen: ledger.unloaded(*holder, gen, returned_mib=None),
    }
    reserved = desk.reserve("reserved", 10)
    loading = desk.reserve("loading", 10)
    desk.begin(loading)
    ready = desk.load("ready", 10)
    draining = desk.load("draining", 10)
    drain(desk, draining)
    turn = {
        reserved: {"begin", "fail"},
        loading: {"begin", "loaded", "fail"},
        ready: {"loaded", "adjust", "pin", "drain"},
        draining: {"loaded", "adjust", "drain", "unloading"},
        99: set(),
    }
    before, events = desk.state, desk.events

    for gen, allowed in turn.items():
        for name in calls.keys() - allowed:
            assert calls[name](gen) == "stale", (gen, name)

    assert (desk.state, desk.events) == (before, events)


def test_a_load_waits_for_those_who_leave(desk: Desk) -> None:
    old = desk.load("old", 900, priority="high", load_ms=10.0)
    pin(desk, old)
    new = desk.reserve("new", 500, priority="critical")

    assert [desk.begin(new) for _ in range(3)] == ["wait"] * 3
    assert [event.why for event in desk.events if event.op == "begin"] == ["room", "wait"]
    unpin(desk, old)
    assert desk.beat(old, new).unload == (old,)
    desk.unload(old)
    assert desk.begin(new) == "ok"


def test_a_load_does_not_begin_without_what_the_device_says_is_free(desk: Desk) -> None:
    gen = desk.reserve("m", 200)

    assert [desk.begin(gen, free_mib=free) for free in (0, 249, 249)] == ["nvml"] * 3
    assert [event.why for event in desk.events if event.op == "begin"] == ["nvml"]
    assert desk.begin(gen, free_mib=250) == "ok"


def test_a_pin_does_not_come_with_draining_nor_grow(desk: Desk) -> None:
    gen = desk.load("m", 200)
    pin(desk, gen, "first", 5.0)
    drain(desk, gen)
    pins = desk.entry(gen).pins

    assert pin(desk, gen, "second") == "stale"
    assert pin(desk, gen, "first", 500.0) == "ok"
    assert desk.entry(gen).pins == pins


def test_a_wrong_token_unpins_nothing(desk: Desk) -> None:
    gen = desk.load("m", 200)
    pin(desk, gen)

    unpin(desk, gen, "other")
    unpin(desk, 99)

    assert list(desk.entry(gen).pins) == [ME]


def test_a_failed_reservation_is_dropped_and_a_failed_load_unloads(desk: Desk) -> None:
    first = desk.reserve("m", 50)
    assert fail(desk, first) == "ok"
    assert (desk.states, fail(desk, first)) == ({}, "stale")
    second = desk.reserve("n", 50)
    desk.begin(second)

    assert (fail(desk, second), fail(desk, second)) == ("ok", "ok")

    assert desk.states == {"n": "unloading"}
    assert desk.state.physical_mib == 50
    assert desk.state.stats["n"].failures == 1
    assert desk.state.counters["load_failures"] == 2
    assert desk.events[-1].why == "broken"


def test_a_model_that_fails_is_left_alone_for_longer_each_time(desk: Desk) -> None:
    waits = []
    for _ in range(4):
        fail(desk, desk.reserve("m", 50))
        answer = desk.ask("m", 50)
        assert (answer.outcome, answer.reason) == ("cpu", "load_backoff")
        waits.append(answer.retry_ms)
        desk.pass_time(answer.retry_ms / 1000)

    assert waits == [2000, 4000, 8000, 16_000]
    fail(desk, desk.reserve("m", 50))
    desk.pass_time(1000)
    answer = desk.ask("m", 50, has_fallback=False)
    assert (answer.outcome, answer.reason) == ("refuse", "quarantined")
    assert desk.ask("m", 50, by_name=True).outcome == "load"


def test_a_back_off_has_an_end_and_a_short_one_is_waited_for(desk: Desk) -> None:
    desk.register(incarnation=6, backoff_cap_seconds=70.0, quarantine_failures=100)
    for _ in range(4):
        fail(desk, desk.reserve("m", 50, by_name=True))
    assert desk.ask("m", 50, has_fallback=False).outcome == "wait"
    for _ in range(60):
        fail(desk, desk.reserve("m", 50, by_name=True))

    answer = desk.ask("m", 50, has_fallback=False)

    assert (answer.outcome, answer.reason, answer.retry_ms) == ("refuse", "load_backoff", 70_000)


def test_a_load_that_ends_well_forgets_failures(desk: Desk) -> None:
    fail(desk, desk.reserve("m", 50))
    desk.load("m", 50, by_name=True, load_ms=100.0)

    stats = desk.state.stats["m"]
    assert (stats.failures, stats.not_before_ms, stats.loads) == (0, 0, 1)


def test_load_times_are_remembered_as_a_mean(desk: Desk) -> None:
    for load_ms in (100.0, 200.0):
        gen = desk.load("m", 50, load_ms=load_ms)
        drain(desk, gen)
        desk.unload(gen)

    assert desk.state.stats["m"].load_ms == pytest.approx(130.0)
    assert desk.state.counters["loads"] == 2


def test_commands_are_heard_at_every_beat_until_they_are_done(desk: Desk) -> None:
    first = Command(id="a", action="load", model="m")
    second = Command(id="b", action="optimize", model=None)
    for command in (first, second, first):
        desk.ledger.command(desk.device.id, command)

    assert desk.beat().commands == (first, second)
    assert desk.beat().commands == (first, second)
    desk.ledger.done(*desk.holder, "a", answer="loaded")
    desk.ledger.done(*desk.holder, "a", answer="loaded")
    assert desk.beat().commands == (second,)
    told = [(e.op, e.why, e.model, e.detail) for e in desk.events[1:]]
    assert told == [
        ("command", "load", "m", {"command": "a"}),
        ("command", "optimize", None, {"command": "b"}),
        ("done", "load", "m", {"command": "a", "answer": "loaded"}),
    ]


def test_only_so_many_commands_wait(desk: Desk) -> None:
    for number in range(102):
        desk.ledger.command(desk.device.id, Command(id=f"{number}", action="load", model="m"))

    assert [command.id for command in desk.beat().commands] == [f"{n}" for n in range(2, 102)]
    forgotten = [event.detail["command"] for event in desk.events if event.why == "forgotten"]
    assert forgotten == ["0", "1"]


def test_a_new_holder_hears_what_the_old_one_did_not_do(desk: Desk) -> None:
    command = Command(id="a", action="pin", model="m")
    desk.ledger.command(desk.device.id, command)
    desk.register(incarnation=6)

    assert desk.beat().commands == (command,)
