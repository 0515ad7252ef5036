"""What a device answers to a request: each outcome and reason, and who has to leave."""

from typing import Any

import pytest

from tests.unit.vram.cards import NOW_MS, ask, entry, gens, view
from vram.policy import READ_AGAIN_MS, SOON_MS, decide
from vram.records import Limits, ModelStats, Priority, State


def test_a_ready_model_serves() -> None:
    found = decide(view(entry(7, 100, model="asker")), ask(100))

    assert (found.outcome, found.reason, found.gen) == ("gpu", "access_existing", 7)


@pytest.mark.parametrize("state", [State.RESERVED, State.LOADING])
def test_a_model_that_comes_is_joined(state: State) -> None:
    coming = entry(7, 100, model="asker", state=state, since_ms=NOW_MS - 400)

    found = decide(view(coming), ask(100))

    assert (found.outcome, found.reason, found.gen) == ("join", "loading", 7)
    assert found.retry_ms == (1000 if state is State.RESERVED else 600)


def test_a_load_that_takes_longer_than_it_should_is_asked_after_soon() -> None:
    coming = entry(7, 100, model="asker", state=State.LOADING, since_ms=0)

    assert decide(view(coming), ask(100)).retry_ms == SOON_MS


@pytest.mark.parametrize("state", [State.DRAINING, State.UNLOADING, State.LOST])
@pytest.mark.parametrize(("has_fallback", "outcome"), [(True, "cpu"), (False, "wait")])
def test_a_model_that_goes_serves_nobody(state: State, has_fallback: bool, outcome: str) -> None:
    going = entry(7, 100, model="asker", state=state)

    found = decide(view(going), ask(100, has_fallback=has_fallback))

    assert (found.outcome, found.reason, found.retry_ms) == (outcome, "draining", SOON_MS)


def test_free_room_is_taken() -> None:
    found = decide(view(entry(1, 900)), ask(100))

    assert (found.outcome, found.reason, found.loan) == ("load", "direct_allocation", False)


def test_what_is_draining_counts_as_gone() -> None:
    found = decide(view(entry(1, 900, state=State.DRAINING)), ask(1000))

    assert found.reason == "direct_allocation"


def test_what_is_lost_counts_as_there() -> None:
    found = decide(view(entry(1, 900, state=State.LOST)), ask(200))

    assert (found.outcome, found.reason) == ("cpu", "no_eviction_candidates")
    assert found.short_mib == 100


def test_the_least_recently_used_leaves() -> None:
    found = decide(view(entry(1, 500, used_ms=9), entry(2, 500, used_ms=3)), ask(100))

    assert (found.outcome, found.reason) == ("load", "eviction_based_allocation")
    assert gens(found) == [2]


def test_whoever_can_be_spared_stays() -> None:
    small, large = entry(1, 100, used_ms=1), entry(2, 900, used_ms=2)

    # In order 1 would leave, but 2 has to leave anyway and is enough.
    assert gens(decide(view(small, large), ask(500))) == [2]


def test_the_most_valuable_of_those_who_can_be_spared_stays() -> None:
    first, second, third = (entry(gen, 300) for gen in (1, 2, 3))

    assert gens(decide(view(first, second, third, entry(4, 100)), ask(500))) == [1, 2]


def test_ties_leave_in_the_order_they_came() -> None:
    assert gens(decide(view(entry(2, 500, used_ms=0), entry(1, 500, used_ms=0)), ask(300))) == [1]


def test_loans_leave_before_anybody_of_a_lower_class() -> None:
    loan = entry(1, 500, loan=True, priority="high", used_ms=NOW_MS)
    limits = Limits(policy="lru", critical_share=0, high_share=1, flexible_share=1)

    found = decide(
        view(loan, entry(2, 500, priority="low"), limits=limits), ask(500, priority="high")
    )

    assert gens(found) == [1]


def test_lower_classes_leave_first() -> None:
    medium, low = entry(1, 500, used_ms=1), entry(2, 500, used_ms=2, priority="low")

    assert gens(decide(view(medium, low), ask(500))) == [2]


def test_nobody_of_a_higher_class_leaves() -> None:
    limits = Limits(policy="lru", critical_share=0, high_share=0, flexible_share=1)

    found = decide(view(entry(1, 1000), limits=limits), ask(500, priority="low"))

    assert (found.outcome, found.reason, found.short_mib) == ("cpu", "no_eviction_candidates", 500)


@pytest.mark.parametrize("priority", ["critical", "high", "medium", "low"])
def test_critical_models_never_leave(priority: Priority) -> None:
    found = decide(
        view(entry(1, 1000, priority="critical")), ask(500, priority=priority, has_fallback=False)
    )

    assert (found.outcome, found.reason) == ("refuse", "no_eviction_candidates")


def test_what_an_operator_pinned_never_leaves() -> None:
    found = decide(view(entry(1, 1000, keep=True)), ask(500, priority="critical"))

    assert found.reason == "no_eviction_candidates"


def test_a_model_in_use_stays_where_the_asker_can_be_served_elsewhere() -> None:
    found = decide(view(entry(1, 1000, pins={"other": NOW_MS + 1})), ask(500))

    assert (found.outcome, found.reason) == ("cpu", "no_eviction_candidates")


@pytest.mark.parametrize("changes", [{"has_fallback": False}, {"priority": "critical"}])
def test_a_model_in_use_is_drained_for_who_can_not(changes: dict[str, Any]) -> None:
    limits = Limits(policy="lru", critical_share=1, high_share=0, flexible_share=1)
    busy = entry(1, 500, pins={"other": NOW_MS + 1})
    ours = entry(2, 500, priority="critical", keep=True)

    found = decide(view(busy, ours, limits=limits), ask(500, **changes))

    assert gens(found) == [1]


def test_nobody_is_drained_when_it_would_not_be_enough() -> None:
    found = decide(view(entry(1, 600, keep=True), entry(2, 400)), ask(500))

    assert (found.outcome, found.reason, found.short_mib) == ("cpu", "eviction_insufficient", 100)
    assert gens(found) == []


def test_who_has_no_fallback_waits_for_a_load_that_may_then_be_drained() -> None:
    loading = entry(1, 1000, state=State.LOADING)

    found = decide(view(loading), ask(500, has_fallback=False))

    assert (found.outcome, found.reason) == ("wait", "no_eviction_candidates")


def test_what_is_larger_than_the_device_is_refused() -> None:
    found = decide(view(), ask(1200, has_fallback=False))

    assert (found.outcome, found.reason, found.short_mib) == ("refuse", "insufficient_vram", 200)


def test_what_others_take_may_come_back() -> None:
    found = decide(view(usable_mib=300), ask(500, has_fallback=False))

    assert (found.outcome, found.reason) == ("wait", "insufficient_vram")
    assert (found.short_mib, found.retry_ms) == (200, READ_AGAIN_MS)


def test_a_guess_evicts_nobody() -> None:
    found = decide(view(entry(1, 900)), ask(300, only_free=True))

    assert (found.outcome, found.reason, found.short_mib) == ("cpu", "no_free_room", 200)


def test_a_failed_model_is_left_alone_for_a_while() -> None:
    stats = {"asker": ModelStats(failures=1, not_before_ms=NOW_MS + 700)}

    found = decide(view(stats=stats), ask(100))

    assert (found.outcome, found.reason, found.retry_ms) == ("cpu", "load_backoff", 700)


@pytest.mark.parametrize(("left_ms", "outcome"), [(60_000, "wait"), (60_001, "refuse")])
def test_only_a_short_back_off_is_waited_for(left_ms: int, outcome: str) -> None:
    stats = {"asker": ModelStats(failures=1, not_before_ms=NOW_MS + left_ms)}

    assert decide(view(stats=stats), ask(100, has_fallback=False)).outcome == outcome


def test_a_model_that_keeps_failing_is_in_quarantine_until_asked_for_by_name() -> None:
    stats = {"asker": ModelStats(failures=5, not_before_ms=NOW_MS + 700)}

    assert decide(view(stats=stats), ask(100)).reason == "quarantined"
    assert decide(view(stats=stats), ask(100, has_fallback=False)).outcome == "refuse"
    assert decide(view(stats=stats), ask(100, by_name=True)).outcome == "load"
