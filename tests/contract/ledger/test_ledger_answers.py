"""What a request is answered, and why: every outcome and every reason."""

import pytest

from tests.contract.ledger.desk import ME, Desk


def test_free_room_is_kept_for_who_asks(desk: Desk) -> None:
    answer = desk.ask("m", 200)

    assert (answer.outcome, answer.reason, answer.gen) == ("load", "direct_allocation", 1)
    assert (answer.vram_mib, answer.loan, answer.victims) == (200, False, ())
    entry = desk.entry(1)
    assert (entry.model, entry.state, entry.priority) == ("m", "reserved", "medium")
    assert (entry.vram_mib, entry.loan, entry.keep, entry.incarnation) == (200, False, False, 5)
    assert (entry.since_ms, entry.used_ms) == (desk.now_ms, desk.now_ms)
    assert entry.lease_ms == desk.now_ms + 10_000
    assert entry.deadline_ms == desk.now_ms + 30_000
    assert (desk.state.planned_mib, desk.state.physical_mib) == (200, 0)


def test_the_device_may_be_filled_to_the_last_mib(desk: Desk) -> None:
    desk.reserve("m", 1000, priority="critical")

    assert desk.state.free_mib == 0
    answer = desk.ask("n", 1, priority="critical", has_fallback=False)
    assert (answer.outcome, answer.reason) == ("refuse", "no_eviction_candidates")
    assert answer.short_mib == 1


def test_a_ready_model_is_pinned(desk: Desk) -> None:
    gen = desk.load("m", 200)
    desk.pass_time(5)

    answer = desk.ask("m", 999, token=ME, pin_seconds=7.0)

    assert (answer.outcome, answer.reason, answer.gen) == ("gpu", "access_existing", gen)
    assert (answer.vram_mib, answer.loan) == (200, False)
    assert desk.entry(gen).pins == {ME: desk.now_ms + 7000}
    assert desk.entry(gen).used_ms == desk.now_ms
    assert desk.state.counters["access_existing"] == 1


def test_a_pinned_token_that_asks_again_is_counted_once(desk: Desk) -> None:
    gen = desk.load("m", 200)

    for _ in range(3):
        assert desk.ask("m", 200, token=ME).outcome == "gpu"

    assert list(desk.entry(gen).pins) == [ME]
    assert desk.state.counters["access_existing"] == 1
    # One for the load that was asked for, one for the use.
    assert desk.state.stats["m"].frequency == 2.0


def test_who_asked_first_is_told_again_to_load(desk: Desk) -> None:
    first = desk.ask("m", 200, token=ME)
    before, events = desk.state, desk.events

    again = desk.ask("m", 200, token=ME)

    assert again == first
    assert (desk.state, desk.events) == (before, events)


@pytest.mark.parametrize("begun", [False, True])
def test_others_join_a_load_under_way(desk: Desk, begun: bool) -> None:
    gen = desk.reserve("m", 200)
    if begun:
        desk.begin(gen)
        desk.pass_time(0.1)

    answer = desk.ask("m", 200, load_ms=500.0)

    assert (answer.outcome, answer.reason, answer.gen) == ("join", "loading", gen)
    assert answer.retry_ms == (400 if begun else 500)
    assert desk.entry(gen).pins == {}


@pytest.mark.parametrize("has_fallback", [True, False])
def test_a_model_that_leaves_is_not_joined(desk: Desk, has_fallback: bool) -> None:
    gen = desk.load("m", 200)
    desk.ledger.drain(desk.device.id, gen, why="asked")

    for step in (lambda: None, lambda: desk.ledger.unloading(*desk.holder, gen)):
        step()
        answer = desk.ask("m", 200, has_fallback=has_fallback)
        assert answer.outcome == ("cpu" if has_fallback else "wait")
        assert (answer.reason, answer.gen, answer.retry_ms) == ("draining", None, 250)


def test_who_has_pinned_a_draining_entry_has_it_still(desk: Desk) -> None:
    gen = desk.load("m", 200)
    desk.ask("m", 200, token=ME)
    pins = desk.entry(gen).pins
    desk.ledger.drain(desk.device.id, gen, why="asked")
    desk.pass_time(1)

    assert desk.ask("m", 200, token=ME).outcome == "gpu"
    assert desk.ask("m", 200).outcome == "cpu"
    assert desk.entry(gen).pins == pins


def test_a_lower_class_takes_idle_room_of_a_higher_one_as_a_loan(desk: Desk) -> None:
    desk.load("own", 200)

    answer = desk.ask("m", 51)

    assert (answer.outcome, answer.reason, answer.loan) == ("load", "direct_allocation", True)
    assert desk.entry(2).loan
    assert desk.state.counters["loans"] == 1
    assert not desk.ask("high", 250, priority="high").loan


def test_the_room_of_a_class_is_owned_to_the_last_mib(desk: Desk) -> None:
    assert not desk.ask("low", 100, priority="low").loan
    assert not desk.ask("medium", 150).loan
    assert not desk.ask("high", 250, priority="high").loan
    assert desk.ask("low2", 1, priority="low").loan
    assert desk.ask("high2", 1, priority="high").loan
    assert not desk.ask("critical", 498, priority="critical").loan


def test_a_loan_is_owned_when_it_is_used_and_every_level_holds(desk: Desk) -> None:
    own, loan = desk.load("own", 200), desk.load("loan", 100)
    assert desk.ask("loan", 100).loan

    desk.ledger.drain(desk.device.id, own, why="asked")

    assert not desk.ask("loan", 100).loan
    assert not desk.entry(loan).loan
    assert desk.events[-1].why == "promoted"


def test_a_loan_stays_one_while_a_higher_level_is_full(desk: Desk) -> None:
    own = desk.load("own", 250)
    desk.load("high", 200, priority="high")
    loan = desk.load("loan", 100)
    desk.ledger.drain(desk.device.id, own, why="asked")
    desk.load("high2", 250, priority="high")

    assert desk.ask("loan", 100).loan
    assert desk.entry(loan).loan


def test_there_are_no_loans_under_pressure(desk: Desk) -> None:
    desk.load("own", 200, load_ms=1.0)
    desk.live(10)
    assert desk.observe(1150).pressure

    answer = desk.ask("m", 50)
    assert (answer.outcome, answer.loan) == ("load", False)
    assert desk.state.free_mib == 50
    assert desk.ask("n", 1, only_free=True).reason == "no_free_room"


def test_a_zone_holds_no_more_models_than_it_may(desk: Desk) -> None:
    desk.register(incarnation=6, flexible_models=1)
    desk.load("one", 10)
    assert desk.ask("high", 10, priority="high").outcome == "load"

    assert desk.ask("two", 10, only_free=True).reason == "no_free_room"
    desk.ask("one", 10)
    assert desk.ask("two", 10).reason == "no_eviction_candidates"


def test_a_full_zone_of_kept_models_is_told(desk: Desk) -> None:
    desk.register(incarnation=6, policy="lru", flexible_models=2)
    for name in ("kept", "kept too", "high"):
        desk.ledger.keep(desk.device.id, name, on=True)
    desk.load("kept", 10)
    desk.load("kept too", 10)
    desk.load("free", 10, priority="high")
    for name in ("kept", "kept too"):
        assert desk.states[name] == "ready"

    answer = desk.ask("m", 10, priority="medium", has_fallback=False)

    assert (answer.outcome, answer.reason) == ("refuse", "no_eviction_candidates")
    desk.ledger.keep(desk.device.id, "kept", on=False)
    assert desk.ask("n", 10, priority="low").reason == "no_eviction_candidates"
    assert desk.ask("o", 10).reason == "eviction_based_allocation"


def test_a_guess_takes_free_room_only_and_is_no_use(desk: Desk) -> None:
    desk.load("old", 250)
    desk.load("critical", 750, priority="critical")
    desk.live(60)

    answer = desk.ask("m", 100, only_free=True, has_fallback=False, by_name=True)

    assert (answer.outcome, answer.reason, answer.short_mib) == ("refuse", "no_free_room", 100)
    assert desk.state.stats["m"].frequency == 0.0
    desk.ledger.drain(desk.device.id, 1, why="asked")
    assert desk.ask("m", 100, only_free=True).reason == "direct_allocation"


def test_what_is_larger_than_the_device_is_refused(desk: Desk) -> None:
    answer = desk.ask("m", 1001, priority="critical", has_fallback=False)

    assert (answer.outcome, answer.reason, answer.short_mib) == ("refuse", "insufficient_vram", 1)
    assert desk.state.entries == ()


def test_what_is_larger_than_what_others_leave_waits_for_them(desk: Desk) -> None:
    desk.observe(250 + 600)

    answer = desk.ask("m", 500, priority="critical", has_fallback=False)

    assert (answer.outcome, answer.reason, answer.short_mib) == ("wait", "insufficient_vram", 100)
    assert answer.retry_ms == 5000


def test_what_those_who_may_leave_do_not_free_is_told(desk: Desk) -> None:
    desk.load("mine", 100, load_ms=10.0)
    desk.load("critical", 800, priority="critical")
    desk.pass_time(5)

    answer = desk.ask("m", 250, penalty_ms=1e6)

    assert (answer.outcome, answer.reason, answer.short_mib) == ("cpu", "eviction_insufficient", 50)
    assert desk.states == {"mine": "ready", "critical": "ready"}


def test_a_device_that_has_seen_many_models_answers_as_before(desk: Desk) -> None:
    for number in range(300):
        desk.ask(f"m{number}", 2000)

    assert desk.ask("m", 100).outcome == "load"
    assert len(desk.state.stats) == 301
    assert desk.state.counters["cpu"] == 300
