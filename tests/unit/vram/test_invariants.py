"""The checker of a ledger's events and state: each rule on a made-up story that breaks it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.vram.cards import entry
from vram.invariants import StreamCheck, check_replay, check_state, check_stream
from vram.records import Device, DeviceState, Entry, Event, Limits, State

#: All of it is for models: 250 MiB flexible, 666 together with high.
CARD = Device(
    id="box1/cuda:0",
    kind="gpu",
    name="a card",
    host="box1",
    total_mib=1000,
    reserved_mib=0,
    context_mib=0,
    headroom_mib=0,
    verified=True,
    incarnation=1,
)


class Story:
    """Events of a device, with the sums that belong to them unless others are given."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.entries: dict[int, Entry] = {}
        self.foreign_mib = 0

    def tell(self, op: str, changed: Entry | None = None, **said: int) -> "Story":
        """An operation made an entry what it is now."""
        if changed is not None:
            self.entries[changed.gen] = changed
        return self._event(op, changed.gen if changed else None, changed, said)

    def move(self, op: str, gen: int, state: State, **said: int) -> "Story":
        """An operation moved an entry into another state."""
        return self.tell(op, dataclasses.replace(self.entries[gen], state=state), **said)

    def drop(self, op: str, gen: int, **said: int) -> "Story":
        """An operation ended an entry."""
        del self.entries[gen]
        return self._event(op, gen, None, said)

    def load(self, new: Entry) -> "Story":
        """A model comes, in all the steps there are."""
        self.tell("reserve", dataclasses.replace(new, state=State.RESERVED))
        self.move("begin", new.gen, State.LOADING)
        return self.move("loaded", new.gen, State.READY)

    def rules(self, card: Device = CARD) -> set[str]:
        return {violation.rule for violation in check_stream(card, self.events)}

    def _event(self, op: str, gen: int | None, now: Entry | None, said: dict[str, int]) -> "Story":
        self.foreign_mib = said.get("foreign_mib", self.foreign_mib)
        there = [e for e in self.entries.values() if e.state is not State.RESERVED]
        leaving = {State.DRAINING, State.UNLOADING}
        planned = [e for e in self.entries.values() if e.state not in leaving]
        values: dict[str, Any] = {
            "physical_mib": sum(e.vram_mib for e in there),
            "planned_mib": sum(e.vram_mib for e in planned),
            "usable_mib": CARD.total_mib - self.foreign_mib,
            "foreign_mib": self.foreign_mib,
        }
        told = Event(
            id=f"1-{len(self.events)}",
            op=op,
            why="",
            model=now.model if now else None,
            gen=gen,
            entry=now,
            detail={},
            **values | said,
        )
        self.events.append(told)
        return self


def test_a_whole_life_breaks_no_rule() -> None:
    story = Story().load(entry(1, 200)).move("drain", 1, State.DRAINING)
    story.move("unloading", 1, State.UNLOADING).drop("unloaded", 1)

    assert story.rules() == set()


def test_an_eviction_that_was_needed_breaks_no_rule() -> None:
    story = Story().load(entry(1, 200)).move("reserve", 1, State.DRAINING)
    story.tell("reserve", entry(2, 250, state=State.RESERVED))

    assert story.rules() == set()


BROKEN: dict[str, Callable[[], Story]] = {
    "transition": lambda: Story().tell("loaded", entry(1, 10)),
    "gens_rise": lambda: (
        Story().load(entry(2, 10)).tell("reserve", entry(1, 10, state=State.RESERVED))
    ),
    "replay": lambda: Story().tell("reserve", entry(1, 10, state=State.RESERVED), planned_mib=9),
    "unproven": lambda: Story().load(entry(1, 10)).tell("adjust", entry(1, 4)),
    "victim": lambda: (
        Story()
        .load(entry(1, 700, priority="critical"))
        .move("reserve", 1, State.DRAINING)
        .tell("reserve", entry(2, 400, priority="critical", state=State.RESERVED))
    ),
    "victims_for_nothing": lambda: (
        Story().load(entry(1, 200)).move("reserve", 1, State.DRAINING).tell("observe")
    ),
    "once_per_model": lambda: (
        Story()
        .load(entry(1, 10))
        .tell("reserve", entry(2, 10, model="model-1", state=State.RESERVED))
    ),
    "inflation": lambda: (
        Story()
        .load(entry(1, 10, inflation=2.0))
        .tell("reserve", entry(2, 10, inflation=1.0, state=State.RESERVED))
    ),
    "levels": lambda: Story().load(entry(1, 251)),
    "promoted_over": lambda: Story().load(entry(1, 251, loan=True)).tell("reserve", entry(1, 251)),
    "loans_evict_nobody": lambda: (
        Story()
        .load(entry(1, 900, priority="high", loan=True))
        .move("reserve", 1, State.DRAINING)
        .tell("reserve", entry(2, 200, priority="high", loan=True, state=State.RESERVED))
    ),
    "victim_of_higher_class": lambda: (
        Story()
        .load(entry(1, 600, priority="high"))
        .load(entry(2, 400, priority="critical"))
        .move("reserve", 1, State.DRAINING)
        .tell("reserve", entry(3, 200, state=State.RESERVED))
    ),
    "victims_minimal": lambda: (
        Story()
        .load(entry(1, 100))
        .move("reserve", 1, State.DRAINING)
        .tell("reserve", entry(2, 100, state=State.RESERVED))
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_story_that_breaks_one_rule_is_found_by_that_rule_alone(rule: str) -> None:
    story = BROKEN[rule]()

    assert story.rules() == {rule}


def test_a_reservation_beyond_the_device_is_found() -> None:
    story = Story().load(entry(1, 1001, priority="critical"))

    assert {"reserved_over", "planned_within_usable", "begun_over"} <= story.rules()


def test_a_load_that_begins_where_memory_has_gone_is_found() -> None:
    story = Story().tell("reserve", entry(1, 100, state=State.RESERVED))
    story.tell("observe", foreign_mib=950).move("begin", 1, State.LOADING)

    assert story.rules() == {"physical_within_usable", "begun_over"}


def test_a_device_that_a_reading_found_fuller_breaks_no_rule() -> None:
    story = Story().load(entry(1, 200)).tell("observe", foreign_mib=900)

    assert story.rules() == set()


def test_a_model_written_off_is_foreign_where_the_device_can_be_read() -> None:
    unproven = Story().load(entry(1, 200)).move("sweep", 1, State.LOST).drop("sweep", 1)
    told = Story().load(entry(1, 200)).move("sweep", 1, State.LOST)
    told.drop("sweep", 1, foreign_mib=200)

    assert unproven.rules() == {"unproven"}
    assert told.rules() == set()
    assert unproven.rules(dataclasses.replace(CARD, verified=False)) == set()


def test_foreign_memory_falls_by_a_reading_only() -> None:
    story = Story().tell("observe", foreign_mib=50).tell("beat", foreign_mib=40)

    assert story.rules() == {"unproven"}
    assert Story().tell("observe", foreign_mib=50).tell("observe", foreign_mib=0).rules() == set()


def test_a_loan_may_be_larger_than_what_its_class_owns() -> None:
    assert Story().load(entry(1, 251, loan=True)).rules() == set()


def test_a_victim_may_be_needed_for_the_number_of_models_alone() -> None:
    story = Story().load(entry(1, 100)).move("reserve", 1, State.DRAINING)
    story.tell("reserve", entry(2, 100, state=State.RESERVED))

    one_each = dataclasses.replace(CARD, limits=Limits(flexible_models=1))
    assert story.rules(one_each) == set()
    two_each = dataclasses.replace(CARD, limits=Limits(flexible_models=2))
    assert story.rules(two_each) == {"victims_minimal"}


def test_gens_go_on_where_an_earlier_stream_ended() -> None:
    story = Story().tell("reserve", entry(5, 10, state=State.RESERVED))

    found = StreamCheck(CARD, last_gen=5).feed(story.events)

    assert [violation.rule for violation in found] == ["gens_rise"]


def test_a_violation_is_answered_once() -> None:
    story = Story().load(entry(1, 251))
    check = StreamCheck(CARD)

    assert len(check.feed(story.events)) == 1
    assert check.feed(Story().tell("observe", physical_mib=251, planned_mib=251).events) == []
    assert len(check.violations) == 1


def state_of(*entries: Entry, foreign_mib: int = 0) -> DeviceState:
    return DeviceState(
        device=CARD,
        now_ms=1000,
        entries=entries,
        stats={},
        foreign_mib=foreign_mib,
        pressure=False,
        version=1,
        silent_seconds=0.0,
        alive=True,
        observed_mib=None,
        observed_ms=None,
        counters={},
    )


@pytest.mark.parametrize(
    ("state", "rules"),
    [
        (state_of(entry(1, 10, pins={"job": 1001})), []),
        (state_of(entry(1, 10), entry(2, 10, model="model-1")), ["once_per_model"] * 2),
        (state_of(entry(1, 10, state=State.LOADING, pins={"job": 1001})), ["pinned"]),
        (state_of(entry(1, 10, pins={"job": 1000})), ["pinned_for_ever"]),
        (state_of(entry(1, -1)), ["negative"]),
        (state_of(foreign_mib=-1), ["negative"]),
    ],
)
def test_a_state_is_checked_by_itself(state: DeviceState, rules: list[str]) -> None:
    assert [violation.rule for violation in check_state(state)] == rules


def test_the_events_lead_to_the_state_but_for_uses() -> None:
    check = StreamCheck(CARD)
    check.feed(Story().load(entry(1, 10)).events)

    assert check_replay(state_of(entry(1, 10, pins={"job": 1001})), check) == []
    assert [v.rule for v in check_replay(state_of(entry(1, 11)), check)] == ["replay"]
