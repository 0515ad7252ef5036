"""The stream of events: every decision with its why, and the entries from it alone."""

import random
from collections.abc import Callable
from typing import Any, cast

import pytest

from tests.contract.ledger.desk import ME, Desk
from vram.records import State
from vram.redis_ledger import device_keys
from vram.replay import replay, without_uses

MODELS = {
    "a": (60, "low"),
    "b": (100, "medium"),
    "c": (150, "medium"),
    "d": (200, "high"),
    "e": (300, "high"),
    "f": (400, "critical"),
}


def test_a_decision_says_who_asked_and_why(desk: Desk) -> None:
    desk.ask("m", 2000, token=ME)

    event = desk.events[-1]
    assert (event.op, event.why, event.model, event.gen, event.entry) == (
        "reserve",
        "insufficient_vram",
        "m",
        None,
        None,
    )
    assert event.detail["token"] == ME
    assert event.detail["answer"] == "cpu"
    assert event.detail["short_mib"] == "1000"
    assert event.detail["vram_mib"] == "2000"


def test_an_eviction_tells_its_victims_first_and_the_sums_after_each(desk: Desk) -> None:
    desk.load("one", 250, priority="high", load_ms=10.0)
    desk.load("two", 250, priority="high", load_ms=10.0)
    gen = desk.reserve("new", 1000, priority="critical", token=ME)

    told = [(e.why, e.model, e.planned_mib, e.physical_mib) for e in desk.events[-3:]]
    assert told == [
        ("evicted", "one", 250, 500),
        ("evicted", "two", 0, 500),
        ("eviction_based_allocation", "new", 1000, 500),
    ]
    assert desk.events[-1].detail["victims"] == "1 2"
    assert {event.detail["token"] for event in desk.events[-3:]} == {ME}
    assert desk.events[-1].entry == desk.entry(gen)


def test_uses_are_no_events(desk: Desk) -> None:
    gen = desk.load("m", 100)
    before = desk.events

    desk.ask("m", 100, token=ME)
    desk.ledger.pin(*desk.holder, gen, token="other", seconds=1.0)  # noqa: S106 - names a use
    desk.ledger.unpin(*desk.holder, gen, token=ME)
    desk.beat(gen)

    assert desk.events == before


def test_who_polls_is_told_in_the_stream_once(desk: Desk) -> None:
    desk.reserve("m", 100)
    before = len(desk.events)

    for _ in range(5):
        desk.ask("m", 100, token=ME)
    assert [event.detail["answer"] for event in desk.events[before:]] == ["join"]
    desk.ask("m", 100)
    assert len(desk.events) == before + 2


def test_events_come_by_pages(desk: Desk) -> None:
    for number in range(7):
        desk.ask(f"m{number}", 2000)
    everything = desk.events

    first = desk.ledger.events(desk.device.id, limit=3)
    rest = desk.ledger.events(desk.device.id, after=first[-1].id)

    assert [*first, *rest] == everything
    assert len(everything) == 8
    assert desk.ledger.events(desk.device.id, after=everything[-1].id) == []


def test_the_stream_is_followed_beyond_a_page(desk: Desk) -> None:
    stream = device_keys(desk.device.id)[-1]
    ((_, event),) = cast("Any", desk.client.xrange(stream))
    pipeline = desk.client.pipeline()
    for _ in range(1100):
        pipeline.xadd(stream, event)
    pipeline.execute()

    assert len({event.id for event in desk.ledger.follow(desk.device.id)}) == 1101


def test_the_stream_has_an_end(desk: Desk) -> None:
    desk.register(incarnation=6, events_kept=50)
    for number in range(600):
        desk.ask(f"m{number % 3}", 2000)

    # A server trims whole blocks of its stream, 100 events each.
    assert 50 <= len(desk.events) <= 200


def test_what_was_trimmed_is_given_to_the_replay(desk: Desk) -> None:
    desk.load("a", 100)
    start, cut = desk.state.entries, desk.events[-1].id
    gen = desk.load("b", 100)
    later = desk.ledger.events(desk.device.id, after=cut)

    assert [entry.gen for entry in replay(later)] == [gen]
    assert replay(later, start=start) == tuple(map(without_uses, desk.state.entries))


@pytest.mark.parametrize("seed", range(4))
def test_the_events_alone_give_the_entries(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets
    seen: set[State] = set()
    for step in range(150):
        _any_step(desk, chance)
        state = desk.state
        seen.update(entry.state for entry in state.entries)
        if step % 10 == 0:
            events = desk.events
            assert replay(events) == tuple(map(without_uses, state.entries))
            assert (events[-1].physical_mib, events[-1].planned_mib) == (
                state.physical_mib,
                state.planned_mib,
            )
            assert (events[-1].usable_mib, events[-1].foreign_mib) == (
                state.usable_mib,
                state.foreign_mib,
            )

    assert len(seen) >= 5


def _any_step(desk: Desk, chance: random.Random) -> None:
    entries, kind = desk.state.entries, chance.random()
    if kind < 0.4 or not entries:
        model = chance.choice(list(MODELS))
        size, priority = MODELS[model]
        desk.ask(model, size, priority=priority, penalty_ms=300.0, pin_seconds=2.0)
    elif kind < 0.8:
        entry = chance.choice(entries)
        chance.choice(_steps(desk, entry.gen, entry.vram_mib)[entry.state])()
    elif kind < 0.85:
        desk.ledger.keep(desk.device.id, chance.choice(list(MODELS)), on=chance.random() < 0.3)
    elif kind < 0.9:
        desk.observe(250 + desk.state.physical_mib + chance.choice((0, 150)))
    else:
        desk.pass_time(chance.choice((0.5, 3.0, 9.0)))
        desk.beat(*(entry.gen for entry in entries if chance.random() < 0.9))


def _steps(desk: Desk, gen: int, vram_mib: int) -> dict[State, list[Callable[[], object]]]:
    """What a holder may do next with an entry."""
    ledger, holder = desk.ledger, desk.holder

    def failed() -> None:
        ledger.fail(*holder, gen, why="broken")

    return {
        State.RESERVED: [*[lambda: desk.begin(gen)] * 5, failed],
        State.LOADING: [
            lambda: desk.loaded(gen, vram_mib + 5),
            lambda: desk.loaded(gen, vram_mib - 5),
            failed,
        ],
        State.READY: [
            lambda: ledger.drain(desk.device.id, gen, why="asked"),
            lambda: ledger.adjust(*holder, gen, vram_mib=vram_mib + 5),
            lambda: ledger.relieve(*holder, needed_mib=100, asker_gen=gen),
        ],
        State.DRAINING: [lambda: ledger.unloading(*holder, gen)],
        State.UNLOADING: [
            lambda: ledger.unloaded(*holder, gen, returned_mib=vram_mib),
            lambda: ledger.unloaded(*holder, gen, returned_mib=0),
        ],
        State.LOST: [lambda: desk.beat(gen)],
    }
