"""What a resident is worth, by policy."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vram.answers import Ask
from vram.policy import decide
from vram.records import Entry, Limits, ModelStats, Policy, Priority, State
from vram.room import RANK, View, fits
from vram.scores import faded, order, worth

NOW_MS = 100_000
ENTRY = Entry(
    gen=1,
    model="model",
    state=State.READY,
    priority="medium",
    vram_mib=200,
    loan=False,
    keep=False,
    incarnation=1,
    since_ms=0,
    used_ms=91_000,
    lease_ms=0,
    deadline_ms=0,
    pins={},
    inflation=1.5,
)


def view(policy: Policy, **stats: Any) -> View:  # noqa: ANN401 - fields of the record
    return View(
        entries=(),
        stats={"model": ModelStats(**stats)},
        limits=Limits(policy=policy, half_life_seconds=50.0),
        base_mib=1000,
        usable_mib=1000,
        pressure=False,
        now_ms=NOW_MS,
    )


def test_lru_is_the_time_of_the_last_use() -> None:
    assert worth(view("lru"), ENTRY) == 91_000.0


def test_gdsf_is_inflation_and_frequency_times_cost_over_size() -> None:
    found = worth(view("gdsf", frequency=3.0, load_ms=400.0, aged_ms=0), ENTRY)

    assert found == 1.5 + 3.0 * 400.0 / 200.0


@pytest.mark.parametrize("policy", ["rent", "residency"])
def test_ours_lets_the_frequency_fade(policy: Policy) -> None:
    found = worth(view(policy, frequency=3.0, load_ms=400.0, aged_ms=50_000), ENTRY)

    assert found == 1.5 + 1.5 * 400.0 / 200.0


@pytest.mark.parametrize(("priority", "weight"), [("high", 1000), ("medium", 100), ("low", 10)])
def test_weighted_is_the_documented_formula(priority: Priority, weight: int) -> None:
    found = worth(view("weighted", frequency=3.0, load_ms=400.0), replace(ENTRY, priority=priority))

    assert found == weight * 4 / 10 * (1000 / 200) * (100 / 400)


def test_an_unmeasured_load_counts_as_half_a_second() -> None:
    assert worth(view("gdsf", frequency=1.0), ENTRY) == 1.5 + 500.0 / 200.0


def test_only_weighted_leaves_the_class_to_its_formula() -> None:
    low = replace(ENTRY, priority="low")

    assert order(view("gdsf"), low)[1] < order(view("gdsf"), ENTRY)[1]
    assert order(view("weighted"), low)[1] == order(view("weighted"), ENTRY)[1]


def test_fading_is_exponential() -> None:
    assert faded(8.0, 0, 150_000, 50.0) == 1.0
    assert faded(8.0, 0, 0, 50.0) == 8.0
    assert faded(8.0, 0, 150_000, 0.0) == 8.0


PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")
ENTRIES = st.lists(
    st.builds(
        lambda **changes: replace(ENTRY, **changes),
        vram_mib=st.integers(1, 400),
        priority=st.sampled_from(PRIORITIES),
        state=st.sampled_from([*State, State.READY, State.READY]),
        loan=st.booleans(),
        keep=st.sampled_from([False, False, True]),
        since_ms=st.integers(0, NOW_MS),
        used_ms=st.integers(0, NOW_MS),
        pins=st.sampled_from([{}, {}, {"job": NOW_MS + 1}]),
        inflation=st.floats(0, 100),
    ),
    max_size=8,
).map(lambda found: [replace(e, gen=i, model=f"m{i}") for i, e in enumerate(found, start=1)])
ASKS = st.builds(
    Ask,
    model=st.just("asker"),
    vram_mib=st.integers(1, 600),
    priority=st.sampled_from(PRIORITIES),
    token=st.just("job"),
    has_fallback=st.booleans(),
    penalty_ms=st.floats(0, 3000),
    only_free=st.booleans(),
    by_name=st.booleans(),
)
POLICIES: tuple[Policy, ...] = ("lru", "gdsf", "weighted", "rent", "residency")


@given(ENTRIES, ASKS, st.sampled_from(POLICIES), st.integers(0, 1200), st.booleans())
def test_whatever_is_asked_the_answer_keeps_the_rules(
    entries: list[Entry], ask: Ask, policy: Policy, usable_mib: int, pressure: bool
) -> None:
    seen = replace(view(policy), entries=entries, usable_mib=usable_mib, pressure=pressure)
    found = decide(seen, ask)
    gone = {victim.gen for victim in found.victims}
    victims = [entry for entry in entries if entry.gen in gone]

    for victim in victims:
        assert victim.state is State.READY
        assert victim.priority != "critical"
        assert not victim.keep
        assert RANK[victim.priority] <= RANK[ask.priority]
        assert not fits(seen, ask, gone - {victim.gen}), "could have been spared"
        assert not victim.pins or not ask.has_fallback or ask.priority == "critical"
    if found.outcome == "load":
        assert found.loan or fits(seen, ask, gone)
        assert not (found.loan and (victims or pressure))
    if victims:
        assert not ask.only_free
    assert not (ask.has_fallback and found.outcome in {"wait", "refuse"})
    assert not (not ask.has_fallback and found.outcome == "cpu")


@given(ENTRIES, ASKS, st.sampled_from(POLICIES), st.integers(1, 600))
def test_a_larger_card_never_serves_worse(
    entries: list[Entry], ask: Ask, policy: Policy, usable_mib: int
) -> None:
    small = replace(view(policy), entries=entries, usable_mib=usable_mib)
    large = replace(small, usable_mib=1000)

    if decide(small, ask).outcome == "load" and not decide(small, ask).victims:
        assert decide(large, ask).outcome == "load"
        assert not decide(large, ask).victims
