"""What is really on the device: readings, corrections, pressure, running out of memory."""

import pytest

from tests.contract.ledger.desk import Desk

#: What the driver and the holder's context take of the card.
OURS_MIB = 250


def test_what_the_book_does_not_know_is_foreign(desk: Desk) -> None:
    desk.load("m", 200)

    answer = desk.observe(OURS_MIB + 200 + 70)

    assert (answer.verdict, answer.foreign_mib, answer.drift_mib) == ("ok", 70, 70)
    state = desk.state
    assert (state.foreign_mib, state.usable_mib) == (70, 930)
    assert (state.observed_mib, state.observed_ms) == (520, desk.now_ms)
    assert desk.observe(OURS_MIB + 200 + 70).drift_mib == 0
    assert desk.observe(OURS_MIB + 150).drift_mib == -120
    assert desk.state.foreign_mib == 0
    assert [e.why for e in desk.events if e.op == "observe"] == ["foreign_grew", "foreign_shrank"]


def test_a_reading_from_before_a_change_is_stale(desk: Desk) -> None:
    gen = desk.load("m", 200)
    desk.observe(OURS_MIB + 200 + 70)
    version = desk.ledger.version(desk.device.id)
    desk.ledger.adjust(*desk.holder, gen, vram_mib=210)

    answer = desk.ledger.observe(*desk.holder, used_mib=OURS_MIB, version=version)

    assert (answer.verdict, answer.foreign_mib, answer.victims) == ("stale", 70, ())
    assert (desk.state.foreign_mib, desk.state.observed_mib) == (70, 520)


def test_the_version_moves_with_every_change_of_what_may_be_there(desk: Desk) -> None:
    versions = []

    def look() -> None:
        versions.append(desk.ledger.version(desk.device.id))

    look()
    gen = desk.reserve("m", 200)
    desk.begin(gen)
    look()
    desk.loaded(gen, 200)
    look()
    desk.ledger.adjust(*desk.holder, gen, vram_mib=210)
    look()
    desk.ledger.drain(desk.device.id, gen, why="asked")
    desk.ledger.unloading(*desk.holder, gen)
    look()
    desk.ledger.unloaded(*desk.holder, gen, returned_mib=210)
    look()
    failed = desk.reserve("n", 200)
    desk.begin(failed)
    look()
    desk.ledger.fail(*desk.holder, failed, why="x")
    look()
    desk.pass_time(15)
    look()
    desk.register(incarnation=6)
    look()

    assert versions == sorted(set(versions))


@pytest.mark.parametrize("moving", ["loading", "unloading"])
def test_foreign_does_not_shrink_while_the_book_may_hide_it(desk: Desk, moving: str) -> None:
    desk.observe(OURS_MIB + 100)
    gen = desk.reserve("m", 200)
    desk.begin(gen)
    if moving == "unloading":
        desk.loaded(gen, 200)
        desk.ledger.drain(desk.device.id, gen, why="asked")
        desk.ledger.unloading(*desk.holder, gen)

    assert desk.observe(OURS_MIB + 100).foreign_mib == 100
    assert desk.observe(OURS_MIB + 350).foreign_mib == 150
    if moving == "loading":
        desk.loaded(gen, 200)
        desk.ledger.drain(desk.device.id, gen, why="asked")
        desk.ledger.unloading(*desk.holder, gen)
    desk.ledger.unloaded(*desk.holder, gen, returned_mib=200)
    assert desk.observe(OURS_MIB + 100).foreign_mib == 100


def test_foreign_shrinks_during_a_load_as_far_as_is_sure(desk: Desk) -> None:
    desk.load("there", 100)
    desk.observe(OURS_MIB + 100 + 90)
    gen = desk.reserve("m", 200)
    desk.begin(gen)

    assert desk.observe(OURS_MIB + 100 + 60).foreign_mib == 60
    assert desk.observe(OURS_MIB + 50).foreign_mib == 0


def test_what_was_reserved_too_much_is_foreign_until_the_next_reading(desk: Desk) -> None:
    gen = desk.reserve("m", 200)
    desk.begin(gen)

    desk.loaded(gen, 150)

    assert (desk.entry(gen).vram_mib, desk.state.foreign_mib) == (150, 50)
    desk.ledger.adjust(*desk.holder, gen, vram_mib=120)
    assert desk.state.foreign_mib == 80
    assert desk.observe(OURS_MIB + 120).foreign_mib == 0


def test_what_did_not_come_back_is_foreign_until_the_next_reading(desk: Desk) -> None:
    for model, returned_mib, foreign_mib in (("a", 60, 40), ("b", 300, 40), ("c", None, 40)):
        gen = desk.load(model, 100)
        desk.ledger.drain(desk.device.id, gen, why="asked")
        desk.unload(gen, returned_mib=returned_mib)
        assert desk.state.foreign_mib == foreign_mib

    assert desk.observe(OURS_MIB).foreign_mib == 0


def test_where_the_device_can_not_be_read_the_holder_is_believed(desk: Desk) -> None:
    desk.register(incarnation=6, verified=False)
    gen = desk.reserve("m", 200)
    desk.begin(gen)

    desk.loaded(gen, 150)
    desk.ledger.adjust(*desk.holder, gen, vram_mib=120)
    desk.ledger.drain(desk.device.id, gen, why="asked")
    desk.unload(gen)

    assert (desk.state.foreign_mib, desk.state.usable_mib) == (0, 1000)


def test_a_model_larger_than_was_reserved_makes_idle_ones_leave(desk: Desk) -> None:
    desk.load("idle", 100, load_ms=10.0)
    used = desk.load("used", 100, load_ms=10.0)
    desk.ask("used", 100)
    desk.load("critical", 500, priority="critical")
    gen = desk.reserve("m", 200, priority="high")
    desk.begin(gen)

    answer = desk.loaded(gen, 350)

    assert (answer.verdict, answer.over_mib) == ("ok", 50)
    assert [victim.model for victim in answer.victims] == ["idle"]
    assert desk.states == {
        "idle": "draining",
        "used": "ready",
        "critical": "ready",
        "m": "ready",
    }
    assert desk.entry(used).vram_mib == 100


def test_a_model_larger_than_was_reserved_leaves_itself_where_nobody_else_can(desk: Desk) -> None:
    desk.load("critical", 800, priority="critical")
    gen = desk.reserve("m", 200)
    desk.begin(gen)

    answer = desk.loaded(gen, 201)
    again = desk.loaded(gen, 201)

    assert [victim.gen for victim in answer.victims] == [gen]
    assert (again.verdict, again.victims) == ("ok", answer.victims)
    assert desk.states["m"] == "draining"


def test_growth_drains_no_higher_class(desk: Desk) -> None:
    desk.load("high", 500, priority="high")
    desk.load("critical", 300, priority="critical")
    gen = desk.load("m", 200)

    answer = desk.ledger.adjust(*desk.holder, gen, vram_mib=250)

    assert (answer.over_mib, [victim.model for victim in answer.victims]) == (50, ["m"])
    assert desk.states == {"high": "ready", "critical": "ready", "m": "draining"}


def test_a_critical_model_that_grew_stays(desk: Desk) -> None:
    desk.load("other", 500, priority="high")
    gen = desk.load("critical", 500, priority="critical")

    answer = desk.ledger.adjust(*desk.holder, gen, vram_mib=1100)

    assert (answer.over_mib, [victim.model for victim in answer.victims]) == (600, ["other"])
    assert desk.states == {"other": "draining", "critical": "ready"}


def test_growth_that_breaks_a_level_makes_a_loan(desk: Desk) -> None:
    gen = desk.load("m", 200)
    desk.ledger.adjust(*desk.holder, gen, vram_mib=250)
    assert not desk.entry(gen).loan

    desk.ledger.adjust(*desk.holder, gen, vram_mib=251)

    assert desk.entry(gen).loan
    assert desk.events[-1].entry == desk.entry(gen)


def test_foreign_memory_makes_idle_ones_leave_by_their_worth(desk: Desk) -> None:
    for name, load_ms in (("cheap", 1.0), ("dear", 500.0), ("used", 1.0)):
        desk.load(name, 150, priority="high", load_ms=load_ms)
    desk.ask("used", 150)
    desk.load("critical", 400, priority="critical")

    answer = desk.observe(OURS_MIB + 850 + 250)

    assert [victim.model for victim in answer.victims] == ["cheap"]
    assert desk.observe(OURS_MIB + 850 + 250).victims == ()
    answer = desk.observe(OURS_MIB + 850 + 900)
    assert [victim.model for victim in answer.victims] == ["dear"]
    assert (desk.states["used"], desk.states["critical"]) == ("ready", "ready")


def test_pressure_begins_and_ends_with_some_distance_between(desk: Desk) -> None:
    seen = [desk.observe(used).pressure for used in (1105, 1106, 1041, 1040, 1100)]

    assert seen == [False, True, True, False, False]
    assert [e.why for e in desk.events if e.why.startswith("pressure")] == [
        "pressure_on",
        "pressure_off",
    ]
    assert desk.state.counters["pressure"] == 1


def test_pressure_begins_with_too_little_free_too(desk: Desk) -> None:
    desk.register(incarnation=6, pressure_free_mib=200, pressure_ratio=1.0)

    seen = [desk.observe(used).pressure for used in (1100, 1101, 1001, 1000)]

    assert seen == [False, True, True, False]


def test_idle_models_leave_under_pressure_largest_first(desk: Desk) -> None:
    for name, size, priority in (
        ("small", 60, "low"),
        ("large", 120, "medium"),
        ("high", 200, "high"),
        ("critical", 300, "critical"),
        ("kept", 30, "low"),
    ):
        desk.load(name, size, priority=priority)
    desk.ledger.keep(desk.device.id, "kept", on=True)
    desk.live(301)
    desk.load("fresh", 20)

    assert desk.observe(OURS_MIB + 730 + 50).victims == ()
    # 1106 used: 66 have to leave until pressure is off at 1040.
    answer = desk.observe(1106)

    assert [victim.model for victim in answer.victims] == ["large"]
    assert desk.observe(1106).victims == ()
    answer = desk.observe(1200)
    assert [victim.model for victim in answer.victims] == ["small"]
    assert desk.state.pressure


def test_relief_drains_idle_ones_of_no_higher_class_until_enough_is_free(desk: Desk) -> None:
    for name, size, priority in (("a", 50, "low"), ("b", 150, "medium"), ("c", 200, "high")):
        desk.load(name, size, priority=priority, load_ms=10.0)
    gen = desk.load("m", 300, priority="high")

    answer = desk.ledger.relieve(*desk.holder, needed_mib=420, asker_gen=gen)
    again = desk.ledger.relieve(*desk.holder, needed_mib=420, asker_gen=gen)

    assert (answer.verdict, [victim.model for victim in answer.victims]) == ("ok", ["b"])
    assert (again.verdict, again.victims) == ("ok", ())
    answer = desk.ledger.relieve(*desk.holder, needed_mib=5000, asker_gen=gen)
    assert [victim.model for victim in answer.victims] == ["a", "c"]
    assert desk.states["m"] == "ready"


def test_relief_asks_nothing_of_higher_classes_and_says_so(desk: Desk) -> None:
    desk.load("high", 200, priority="high")
    gen = desk.load("m", 200)

    answer = desk.ledger.relieve(*desk.holder, needed_mib=900, asker_gen=gen)

    assert (answer.verdict, answer.victims) == ("ok", ())
    assert desk.events[-1].why == "no_eviction_candidates"
    assert desk.ledger.relieve(*desk.holder, needed_mib=1, asker_gen=99).verdict == "stale"


def test_running_out_of_memory_is_counted_and_told(desk: Desk) -> None:
    gen = desk.load("m", 200)

    desk.ledger.out_of_memory(*desk.holder, gen, step="smaller_batch")

    event = desk.events[-1]
    assert (event.op, event.why, event.model, event.gen) == (
        "out_of_memory",
        "smaller_batch",
        "m",
        gen,
    )
    assert desk.state.counters["out_of_memory"] == 1
