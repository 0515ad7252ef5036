"""Rent or buy: when an eviction has been earned, and what is remembered for that."""

from dataclasses import replace
from typing import Any

import pytest

from vram.answers import Ask, Outcome
from vram.decision import Decision
from vram.gate import SHADOW_MODELS, remembered, shadow_after
from vram.policy import decide
from vram.records import Entry, Limits, ModelStats, Policy, State
from vram.room import View

NOW_MS = 1_000_000
RESIDENT = Entry(
    gen=1,
    model="resident",
    state=State.READY,
    priority="medium",
    vram_mib=1000,
    loan=False,
    keep=False,
    incarnation=1,
    since_ms=0,
    used_ms=0,
    lease_ms=0,
    deadline_ms=0,
    pins={},
    inflation=0.0,
)
ASK = Ask(
    model="asker",
    vram_mib=500,
    priority="medium",
    token="job-1",  # noqa: S106 - no password
    penalty_ms=100.0,
    load_ms=1000.0,
)
VIEW = View(
    entries=(RESIDENT,),
    stats={},
    limits=Limits(critical_share=0, high_share=0, flexible_share=1),
    base_mib=1000,
    usable_mib=1000,
    pressure=False,
    now_ms=NOW_MS,
)


def view(asker: ModelStats, resident: ModelStats | None = None, **changes: Any) -> View:  # noqa: ANN401 - fields of the record
    """A full card, and what is remembered."""
    stats = {
        "asker": replace(asker, aged_ms=NOW_MS),
        "resident": replace(resident or ModelStats(), aged_ms=NOW_MS),
    }
    return replace(VIEW, stats=stats, **changes)


def test_a_stranger_does_not_drive_anybody_out() -> None:
    found = decide(VIEW, ASK)

    assert (found.outcome, found.reason) == ("cpu", "rent_not_earned")
    assert (found.rent_ms, found.rent_needed_ms) == (100.0, 1000.0)


@pytest.mark.parametrize(("rent_ms", "outcome"), [(899.0, "cpu"), (900.0, "load")])
def test_rent_buys_the_load_of_who_is_not_used_any_more(rent_ms: float, outcome: str) -> None:
    asker = ModelStats(rent_ms=rent_ms, demand_ms=rent_ms, lru_loads=5.0)

    assert decide(view(asker), ASK).outcome == outcome


@pytest.mark.parametrize(("rent_ms", "outcome"), [(2899.0, "cpu"), (2900.0, "load")])
def test_what_the_victim_was_worth_has_to_be_earned_too(rent_ms: float, outcome: str) -> None:
    asker = ModelStats(rent_ms=rent_ms, demand_ms=rent_ms, lru_loads=5.0)
    resident = ModelStats(demand_ms=2000.0)

    assert decide(view(asker, resident), ASK).outcome == outcome


@pytest.mark.parametrize(("demand_ms", "outcome"), [(1899.0, "cpu"), (1900.0, "load")])
def test_who_has_been_worth_its_loads_need_not_pay(demand_ms: float, outcome: str) -> None:
    # This request makes it 2 loads for plain LRU, of 1000 ms each.
    asker = ModelStats(demand_ms=demand_ms, lru_loads=1.0)

    assert decide(view(asker, ModelStats(demand_ms=9999.0)), ASK).outcome == outcome


@pytest.mark.parametrize(("demand_ms", "outcome"), [(1399.0, "cpu"), (1400.0, "load")])
def test_in_the_middle_of_a_visit_it_takes_more(demand_ms: float, outcome: str) -> None:
    asker = ModelStats(demand_ms=demand_ms, lru_loads=1.0)
    held = view(asker, ModelStats(demand_ms=9999.0), shadow=(("asker", 500),))

    assert decide(held, ASK).outcome == outcome


@pytest.mark.parametrize("changes", [{"has_fallback": False}, {"by_name": True}])
def test_who_has_no_choice_need_not_pay(changes: dict[str, Any]) -> None:
    assert decide(VIEW, replace(ASK, **changes)).outcome == "load"


def test_loans_are_called_back_without_rent() -> None:
    found = decide(replace(VIEW, entries=(replace(RESIDENT, loan=True),)), ASK)

    assert found.outcome == "load"


def test_rent_and_demand_halve() -> None:
    old = ModelStats(
        frequency=8.0, rent_ms=800.0, demand_ms=400.0, lru_loads=2.0, aged_ms=NOW_MS - 600_000
    )
    waits = Decision(outcome="wait", reason="draining")

    now = remembered(replace(VIEW, stats={"asker": old}), ASK, waits)

    assert (now.frequency, now.rent_ms, now.demand_ms, now.lru_loads) == (4.0, 400.0, 200.0, 1.0)
    assert now.aged_ms == NOW_MS


def test_a_clock_that_went_back_changes_nothing() -> None:
    old = ModelStats(frequency=8.0, rent_ms=800.0, aged_ms=NOW_MS + 600_000)
    joins = Decision(outcome="join", reason="loading")

    assert remembered(replace(VIEW, stats={"asker": old}), ASK, joins) == old


@pytest.mark.parametrize(
    ("decision", "rent_ms"),
    [
        (Decision(outcome="cpu", reason="rent_not_earned"), 150.0),
        (Decision(outcome="gpu", reason="access_existing"), 50.0),
        (Decision(outcome="load", reason="direct_allocation"), 0.0),
    ],
)
def test_a_use_elsewhere_pays_rent_and_a_load_begins_it_anew(
    decision: Decision, rent_ms: float
) -> None:
    after = remembered(view(ModelStats(rent_ms=50.0)), ASK, decision)

    assert (after.rent_ms, after.frequency, after.demand_ms, after.lru_loads) == (
        rent_ms,
        1.0,
        100.0,
        1.0,
    )


@pytest.mark.parametrize("outcome", ["join", "wait", "refuse"])
def test_who_has_to_come_again_is_counted_then(outcome: Outcome) -> None:
    after = remembered(VIEW, ASK, Decision(outcome=outcome, reason="loading"))

    assert (after.frequency, after.demand_ms) == (0.0, 0.0)


def test_a_guess_is_no_use() -> None:
    cpu = Decision(outcome="cpu", reason="no_free_room")

    after = remembered(VIEW, replace(ASK, only_free=True), cpu)

    assert (after.frequency, after.rent_ms) == (0.0, 0.0)


@pytest.mark.parametrize("policy", ["lru", "gdsf", "weighted"])
def test_without_a_gate_uses_do_not_fade(policy: Policy) -> None:
    old = ModelStats(frequency=8.0, aged_ms=0)
    limits = replace(VIEW.limits, policy=policy)
    hit = Decision(outcome="gpu", reason="access_existing")

    after = remembered(replace(VIEW, stats={"asker": old}, limits=limits), ASK, hit)

    assert after.frequency == 9.0


CPU = Decision(outcome="cpu", reason="rent_not_earned")


def test_the_shadow_takes_in_whatever_is_asked_for() -> None:
    before = (("a", 300), ("asker", 400), ("b", 300))

    assert shadow_after(replace(VIEW, shadow=before), ASK, CPU) == (("asker", 500), ("a", 300))


def test_the_shadow_holds_no_more_than_the_card() -> None:
    before = (("a", 500), ("b", 1))

    assert shadow_after(replace(VIEW, shadow=before), ASK, CPU) == (("asker", 500), ("a", 500))


def test_the_shadow_forgets_after_so_many() -> None:
    before = tuple((f"model-{number}", 0) for number in range(SHADOW_MODELS))

    after = shadow_after(replace(VIEW, shadow=before), ASK, CPU)

    assert after == (("asker", 500), *before[:-1])


@pytest.mark.parametrize(
    ("asks", "policy"),
    [
        (replace(ASK, only_free=True), "rent"),
        (replace(ASK, vram_mib=1001), "rent"),
        (ASK, "lru"),
    ],
)
def test_the_shadow_ignores_guesses_giants_and_other_policies(asks: Ask, policy: Policy) -> None:
    limits = replace(VIEW.limits, policy=policy)

    assert shadow_after(replace(VIEW, limits=limits, shadow=(("a", 1),)), asks, CPU) == (("a", 1),)


YOUNG = replace(RESIDENT, since_ms=NOW_MS)


@pytest.mark.parametrize(("penalty_ms", "outcome"), [(1499.0, "cpu"), (1500.0, "load")])
def test_a_request_that_pays_for_all_loads_waits_for_nobodys_age(
    penalty_ms: float, outcome: str
) -> None:
    seen = view(ModelStats(demand_ms=9999.0), ModelStats(load_ms=500.0), entries=(YOUNG,))

    found = decide(seen, replace(ASK, penalty_ms=penalty_ms))

    assert found.outcome == outcome
    assert found.reason in {"residents_too_young", "eviction_based_allocation"}


@pytest.mark.parametrize(("penalty_ms", "outcome"), [(1499.0, "cpu"), (1500.0, "load")])
def test_nor_for_the_rate(penalty_ms: float, outcome: str) -> None:
    limits = replace(VIEW.limits, evictions_per_minute=1)
    seen = view(ModelStats(demand_ms=9999.0), limits=limits, evicted_ms=(NOW_MS - 1,))

    found = decide(seen, replace(ASK, penalty_ms=penalty_ms))

    assert found.outcome == outcome
    assert found.reason in {"eviction_rate", "eviction_based_allocation"}
