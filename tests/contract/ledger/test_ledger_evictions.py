"""Who has to leave for whom, and whether that has been earned."""

import pytest

from tests.contract.ledger.desk import ME, Desk


def test_the_smallest_set_of_victims_leaves(desk: Desk) -> None:
    for name, size, load_ms in (("small", 50, 1.0), ("large", 150, 100.0), ("dear", 300, 1e4)):
        desk.load(name, size, priority="high", load_ms=load_ms)
    desk.pass_time(5)

    answer = desk.ask("m", 600, priority="critical", token=ME)

    assert (answer.outcome, answer.reason) == ("load", "eviction_based_allocation")
    assert [victim.model for victim in answer.victims] == ["large"]
    assert [victim.vram_mib for victim in answer.victims] == [150]
    assert desk.states == {
        "small": "ready",
        "large": "draining",
        "dear": "ready",
        "m": "reserved",
    }
    assert desk.ask("m", 600, priority="critical", token=ME) == answer
    assert desk.state.counters["evictions"] == 1
    assert desk.state.stats["large"].evictions == 1


def test_loans_leave_first_whatever_their_class(desk: Desk) -> None:
    desk.load("own", 250, load_ms=10.0)
    desk.load("high", 250, priority="high", load_ms=10.0)
    desk.load("loan", 400, priority="high", load_ms=10.0)

    answer = desk.ask("m", 300, priority="critical", has_fallback=False)

    assert [victim.model for victim in answer.victims] == ["loan"]


def test_no_victim_is_of_a_higher_class(desk: Desk) -> None:
    desk.load("high", 500, priority="high", load_ms=10.0)
    desk.load("critical", 500, priority="critical", load_ms=10.0)
    desk.live(60)

    answer = desk.ask("m", 100, has_fallback=False)
    assert (answer.outcome, answer.reason) == ("refuse", "no_eviction_candidates")
    answer = desk.ask("n", 100, priority="critical")
    assert [victim.model for victim in answer.victims] == ["high"]


def test_a_kept_model_is_no_victim_until_it_is_let_go(desk: Desk) -> None:
    desk.ledger.keep(desk.device.id, "m", on=True)
    gen = desk.load("m", 500, priority="high", load_ms=10.0)
    desk.load("critical", 500, priority="critical")
    assert desk.entry(gen).keep

    assert desk.ask("n", 100, priority="critical").reason == "no_eviction_candidates"
    desk.ledger.keep(desk.device.id, "m", on=False)
    assert not desk.entry(gen).keep
    assert desk.ask("n", 100, priority="critical").reason == "eviction_based_allocation"


def test_a_used_model_leaves_only_for_who_has_no_choice(desk: Desk) -> None:
    desk.load("used", 250, load_ms=10.0)
    desk.load("critical", 750, priority="critical")
    desk.ask("used", 250)
    desk.pass_time(5)

    assert desk.ask("m", 100, penalty_ms=1e6).reason == "no_eviction_candidates"
    answer = desk.ask("n", 100, has_fallback=False)
    assert [victim.model for victim in answer.victims] == ["used"]


def test_nobody_drains_what_it_uses_itself(desk: Desk) -> None:
    desk.load("used", 250, load_ms=10.0)
    desk.load("critical", 750, priority="critical")
    desk.ask("used", 250, token=ME)
    desk.pass_time(5)

    answer = desk.ask("m", 100, token=ME, has_fallback=False)

    assert (answer.outcome, answer.reason) == ("refuse", "no_eviction_candidates")
    assert desk.states["used"] == "ready"


def test_rent_has_to_be_earned_before_somebody_leaves(desk: Desk) -> None:
    desk.load("old", 250, load_ms=100.0)
    desk.load("critical", 750, priority="critical")
    desk.pass_time(5)

    answers = [desk.ask("m", 100, load_ms=200.0, penalty_ms=100.0) for _ in range(20)]

    refused = [answer for answer in answers if answer.outcome == "cpu"]
    assert refused
    assert {answer.reason for answer in refused} == {"rent_not_earned"}
    rents = [answer.rent_ms for answer in refused]
    assert rents == sorted(rents)
    assert all(answer.rent_ms < answer.rent_needed_ms for answer in refused)
    (accepted,) = [answer for answer in answers if answer.outcome == "load"]
    assert accepted.rent_ms >= accepted.rent_needed_ms
    assert desk.state.stats["m"].rent_ms == 0.0


def test_a_request_that_is_repeated_earns_its_rent_once(desk: Desk) -> None:
    desk.load("old", 250, load_ms=100.0)
    desk.load("critical", 750, priority="critical")
    desk.pass_time(5)

    first = desk.ask("m", 100, penalty_ms=50.0, token=ME)
    before, events = desk.state, desk.events
    again = desk.ask("m", 100, penalty_ms=50.0, token=ME)

    assert (first.reason, again) == ("rent_not_earned", first)
    assert (desk.state, desk.events) == (before, events)


@pytest.mark.parametrize("wish", [{"by_name": True}, {"has_fallback": False}])
def test_who_has_no_choice_pays_no_rent(desk: Desk, wish: dict[str, bool]) -> None:
    desk.load("old", 250, load_ms=100.0)
    desk.load("critical", 750, priority="critical")
    desk.pass_time(5)

    assert desk.ask("m", 100, **wish).reason == "eviction_based_allocation"


def test_young_residents_stay(desk: Desk) -> None:
    desk.load("young", 250, load_ms=1000.0)
    desk.load("critical", 750, priority="critical")
    desk.pass_time(1)

    answer = desk.ask("m", 100, penalty_ms=1400.0)

    assert (answer.outcome, answer.reason, answer.retry_ms) == ("cpu", "residents_too_young", 2000)
    answer = desk.ask("n", 100, has_fallback=False)
    assert (answer.outcome, answer.reason) == ("wait", "residents_too_young")
    desk.pass_time(2)
    assert desk.ask("m", 100, penalty_ms=1400.0).outcome == "load"


def test_who_loses_more_elsewhere_than_all_the_loads_waits_for_nobody(desk: Desk) -> None:
    desk.register(incarnation=6, evictions_per_minute=1)
    desk.load("one", 100, load_ms=1000.0)
    desk.load("two", 150, load_ms=1000.0)
    desk.load("critical", 750, priority="critical")

    too_cheap = desk.ask("k", 100, load_ms=300.0, penalty_ms=1299.0)
    assert too_cheap.reason == "residents_too_young"
    first = desk.ask("m", 100, load_ms=300.0, penalty_ms=1300.0)
    second = desk.ask("n", 100, load_ms=300.0, penalty_ms=1300.0)

    assert [first.reason, second.reason] == ["eviction_based_allocation"] * 2
    assert len(desk.state.evicted_ms) == 2


def test_residence_is_kept_where_the_policy_says_so(desk: Desk) -> None:
    desk.register(incarnation=6, policy="residency", flexible_residency_seconds=8.0)
    desk.load("old", 250)
    desk.load("critical", 750, priority="critical")
    desk.pass_time(5)

    answer = desk.ask("m", 100, penalty_ms=1e6)
    assert (answer.reason, answer.retry_ms) == ("residents_too_young", 3000)
    desk.pass_time(3)
    assert desk.ask("m", 100).reason == "eviction_based_allocation"


def test_evictions_are_limited_by_the_minute_but_for_critical_models(desk: Desk) -> None:
    desk.register(incarnation=6, policy="lru", evictions_per_minute=1)
    desk.load("first", 100)
    desk.load("second", 150)
    desk.load("critical", 750, priority="critical")
    assert desk.ask("m", 100).reason == "eviction_based_allocation"
    desk.pass_time(1)

    answer = desk.ask("n", 100)

    assert (answer.outcome, answer.reason, answer.retry_ms) == ("cpu", "eviction_rate", 59_000)
    assert desk.state.evicted_ms == (desk.now_ms - 1000,)
    assert desk.ask("c", 100, priority="critical").reason == "eviction_based_allocation"
    assert len(desk.state.evicted_ms) == 1
