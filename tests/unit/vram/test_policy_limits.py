"""What limits a device's answers: levels and loans, zones, age, and the rate of evictions."""

from typing import Any

import pytest

from tests.unit.vram.cards import FLAT, NOW_MS, ask, entry, gens, view
from vram.policy import decide
from vram.records import Limits, ModelStats, Policy, Priority


def test_over_its_level_a_class_gets_a_loan() -> None:
    limits = Limits(policy="lru", critical_share=2, high_share=1, flexible_share=1)

    found = decide(view(entry(1, 200), limits=limits), ask(100))

    assert (found.outcome, found.reason, found.loan) == ("load", "direct_allocation", True)


def test_there_are_no_loans_under_pressure() -> None:
    limits = Limits(policy="lru", critical_share=2, high_share=1, flexible_share=1)

    found = decide(view(entry(1, 200), limits=limits, pressure=True), ask(100))

    assert (found.reason, gens(found)) == ("eviction_based_allocation", [1])


def test_a_loan_evicts_nobody() -> None:
    limits = Limits(policy="lru", critical_share=2, high_share=1, flexible_share=1)
    loan = entry(1, 1000, loan=True)

    found = decide(view(loan, limits=limits), ask(300))

    # 250 MiB are all that medium and low may own; the loan stays.
    assert (found.outcome, found.reason, found.short_mib) == ("cpu", "insufficient_vram", 50)


def test_high_may_take_what_is_meant_for_medium() -> None:
    limits = Limits(policy="lru", critical_share=2, high_share=1, flexible_share=1)

    assert not decide(view(limits=limits), ask(500, priority="high")).loan
    assert decide(view(limits=limits), ask(501, priority="high")).loan


@pytest.mark.parametrize(("other_mib", "promoted"), [(150, True), (151, False)])
def test_a_loan_is_owned_as_soon_as_the_level_holds(other_mib: int, promoted: bool) -> None:
    limits = Limits(policy="lru", critical_share=2, high_share=1, flexible_share=1)
    loan = entry(1, 100, model="asker", loan=True)

    found = decide(view(loan, entry(2, other_mib), limits=limits), ask(100))

    assert (found.outcome, found.promote) == ("gpu", promoted)


def test_a_zone_holds_so_many_models_and_no_more() -> None:
    limits = Limits(policy="lru", flexible_models=2, **FLAT)
    kept = [entry(gen, 10, keep=True) for gen in (1, 2)]

    assert decide(view(*kept, limits=limits), ask(10)).reason == "no_eviction_candidates"
    assert decide(view(kept[0], limits=limits), ask(10)).reason == "direct_allocation"
    # The second one leaves though there is room.
    assert gens(decide(view(kept[0], entry(2, 10), limits=limits), ask(10))) == [2]


def test_a_zone_that_stays_full_says_so() -> None:
    limits = Limits(policy="lru", high_models=1, critical_share=0, high_share=1, flexible_share=1)
    kept = entry(1, 10, keep=True, priority="high")

    found = decide(view(kept, entry(2, 10), limits=limits), ask(10, priority="high"))

    assert (found.outcome, found.reason, found.short_mib) == ("cpu", "zone_full", 0)


GATES: tuple[Policy, ...] = ("rent", "residency")


@pytest.mark.parametrize("policy", GATES)
def test_who_was_just_loaded_stays_for_a_few_load_times(policy: Policy) -> None:
    limits = Limits(policy=policy, flexible_residency_seconds=0.0, **FLAT)
    stats = {"model-1": ModelStats(load_ms=200.0)}
    fresh = entry(1, 1000, since_ms=NOW_MS - 500)

    found = decide(view(fresh, stats=stats, limits=limits), ask(500, penalty_ms=1199.0))

    assert (found.outcome, found.reason, found.retry_ms) == ("cpu", "residents_too_young", 100)


@pytest.mark.parametrize("changes", [{"priority": "high"}, {}])
def test_age_protects_neither_from_a_higher_class_nor_loans(changes: dict[str, Any]) -> None:
    limits = Limits(policy="residency", critical_share=0, high_share=1, flexible_share=1)
    fresh = entry(1, 1000, since_ms=NOW_MS, loan=not changes)

    assert gens(decide(view(fresh, limits=limits), ask(500, **changes))) == [1]


def test_the_classic_policies_know_no_age() -> None:
    assert gens(decide(view(entry(1, 1000, since_ms=NOW_MS)), ask(500))) == [1]


@pytest.mark.parametrize(("priority", "seconds"), [("high", 300), ("medium", 60), ("low", 60)])
def test_under_residency_a_resident_has_its_time(priority: Priority, seconds: int) -> None:
    limits = Limits(policy="residency", critical_share=0, high_share=1, flexible_share=0)
    if priority != "high":
        limits = Limits(policy="residency", **FLAT)
    wanted = ask(500, priority=priority)

    young = entry(1, 1000, priority=priority, since_ms=NOW_MS - seconds * 1000 + 1)
    old = entry(1, 1000, priority=priority, since_ms=NOW_MS - seconds * 1000)

    assert decide(view(young, limits=limits), wanted).retry_ms == 1
    assert gens(decide(view(old, limits=limits), wanted)) == [1]


@pytest.mark.parametrize("changes", [{"has_fallback": False}, {"by_name": True}])
def test_residency_is_no_gate_for_who_has_no_choice(changes: dict[str, Any]) -> None:
    limits = Limits(policy="residency", **FLAT)
    young = entry(1, 1000, since_ms=NOW_MS - 10_000)

    assert gens(decide(view(young, limits=limits), ask(500, **changes))) == [1]


def test_evictions_in_a_minute_are_limited() -> None:
    limits = Limits(policy="lru", evictions_per_minute=2, **FLAT)
    recent = [NOW_MS - 60_000, NOW_MS - 50_000, NOW_MS - 20_000]

    full = decide(view(entry(1, 1000), limits=limits, evicted_ms=recent), ask(500))
    room = decide(view(entry(1, 1000), limits=limits, evicted_ms=recent[:2]), ask(500))

    assert (full.outcome, full.reason, full.retry_ms) == ("cpu", "eviction_rate", 10_000)
    assert gens(room) == [1]


def test_a_set_larger_than_the_rate_waits_for_a_quiet_minute() -> None:
    limits = Limits(policy="lru", evictions_per_minute=1, **FLAT)
    pair = (entry(1, 500), entry(2, 500))

    busy = decide(view(*pair, limits=limits, evicted_ms=[NOW_MS - 1]), ask(1000))

    assert (busy.reason, busy.retry_ms) == ("eviction_rate", 59_999)
    assert gens(decide(view(*pair, limits=limits), ask(1000))) == [1, 2]


def test_the_rate_does_not_hold_for_critical_models() -> None:
    limits = Limits(policy="lru", evictions_per_minute=1, **FLAT)
    wanted = ask(500, priority="critical")

    assert gens(decide(view(entry(1, 900), limits=limits, evicted_ms=[NOW_MS]), wanted)) == [1]


def test_the_inflation_is_what_the_dearest_victim_was_worth() -> None:
    limits = Limits(policy="gdsf", **FLAT)
    stats = {
        "model-1": ModelStats(frequency=2.0, load_ms=1000.0),
        "model-2": ModelStats(frequency=4.0, load_ms=1000.0),
    }
    pair = (entry(1, 500, inflation=1.0), entry(2, 500, inflation=1.0))

    found = decide(view(*pair, stats=stats, limits=limits), ask(1000))

    assert found.inflation == 1.0 + 4.0 * 1000.0 / 500.0
