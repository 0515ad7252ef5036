"""Whether the ledger's scripts answer a request as `vram.policy` defines it, on any device."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from vram.answers import Ask, Reservation
from vram.decision import Decision
from vram.gate import remembered, shadow_after
from vram.ledger_codec import device_text
from vram.policy import decide
from vram.records import Device, Entry, Limits, ModelStats, State
from vram.redis_ledger import RedisLedger, device_keys
from vram.room import View

NOW_MS = 1_790_000_000_000
DEVICE_ID = "box/sim:any"
NAMES = [f"m{number}" for number in range(9)]
NAME_LISTS = st.lists(st.sampled_from(["new", *NAMES]), unique=True, max_size=5)
PRIORITIES = st.sampled_from(["low", "medium", "high", "critical"])
#: Sizes that meet the limits of each other's sums as often as not.
SIZES = st.integers(1, 30).map(lambda tens: tens * 10)
AGES_MS = st.sampled_from([30_000, 0, 10, 900, 1_500, 1_501, 61_000, 299_000, 3_000_000])

LIMITS = st.builds(
    Limits,
    policy=st.sampled_from(["rent", "rent", "residency", "gdsf", "lru", "weighted"]),
    # Levels that hold nearly all, as often as those of the requirements.
    flexible_share=st.sampled_from([1536, 100_000]),
    high_models=st.sampled_from([0, 0, 1, 3]),
    flexible_models=st.sampled_from([0, 0, 1, 4]),
    floor_loads=st.sampled_from([0.0, 3.0]),
    evictions_per_minute=st.sampled_from([2, 0, 30]),
    half_life_seconds=st.sampled_from([1.0, 600.0]),
    quarantine_failures=st.sampled_from([2, 5]),
)
STATS = st.builds(
    ModelStats,
    frequency=st.floats(0, 500),
    rent_ms=st.floats(0, 9_000),
    demand_ms=st.floats(0, 9_000),
    lru_loads=st.floats(0, 4),
    aged_ms=AGES_MS.map(lambda ago: NOW_MS - ago),
    load_ms=st.sampled_from([0.0, 20.0, 500.0, 1234.5]),
    failures=st.sampled_from([0] * 9 + [1, 2, 5]),
    not_before_ms=st.sampled_from([0] * 9 + [NOW_MS, NOW_MS + 50, NOW_MS + 100_000]),
)
ASKS = st.builds(
    Ask,
    model=st.sampled_from(["new"] * 20 + NAMES),
    vram_mib=SIZES,
    priority=st.sampled_from(["high", "high", "medium", "low", "critical"]),
    token=st.just("asker"),
    has_fallback=st.sampled_from([True, True, False]),
    penalty_ms=st.sampled_from([0.0, 7.5, 60.0, 5_000.0]),
    load_ms=st.sampled_from([100.0, 500.0]),
    only_free=st.sampled_from([False] * 6 + [True]),
    by_name=st.sampled_from([False, False, False, True]),
)


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    """What a device may hold: each model once, in any state."""
    found = []
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=8))
    for gen, model in enumerate(names, start=1):
        state = draw(st.sampled_from([State.READY] * 15 + list(State)))
        pinned = state in {State.READY, State.DRAINING} and draw(st.integers(0, 3)) == 0
        # What drains and is in use by the asker is his as it was: no decision, but an answer again.
        users = ["user", "asker"] if state is State.READY else ["user"]
        found.append(
            Entry(
                gen=gen,
                model=model,
                state=state,
                priority=draw(PRIORITIES),  # type: ignore[arg-type]  # one of the four
                vram_mib=draw(SIZES),
                loan=draw(st.integers(0, 3)) == 0,
                keep=draw(st.integers(0, 9)) == 0,
                incarnation=1,
                since_ms=NOW_MS - draw(AGES_MS),
                used_ms=NOW_MS - draw(AGES_MS),
                lease_ms=NOW_MS + 10_000,
                deadline_ms=NOW_MS + 60_000,
                pins={draw(st.sampled_from(users)): NOW_MS + 5_000} if pinned else {},
                inflation=draw(st.sampled_from([0.0, 1.5, 40.0])),
            )
        )
    return found


@st.composite
def views(draw: st.DrawFn) -> View:
    """A device at one moment."""
    held = draw(entries())
    taken_mib = sum(e.vram_mib for e in held)
    # Any; or nearly full, so that somebody has to leave.
    full_mib = st.integers(0, 40).map(taken_mib.__add__)
    base_mib = max(10, draw(st.one_of(full_mib, full_mib, full_mib, st.integers(10, 2000))))
    ages = draw(st.lists(st.sampled_from([0, 500, 59_000, 61_000]), min_size=2, max_size=4))
    evicted_ms = sorted(NOW_MS - age for age in ages)
    return View(
        entries=held,
        stats=draw(st.dictionaries(st.sampled_from(["new", *NAMES]), STATS)),
        limits=draw(LIMITS),
        base_mib=base_mib,
        usable_mib=draw(st.sampled_from([base_mib] * 5 + [base_mib * 4 // 5, 0])),
        pressure=draw(st.integers(0, 2)) == 0,
        now_ms=NOW_MS,
        evicted_ms=draw(st.sampled_from([evicted_ms, ()])),
        shadow=[(name, draw(SIZES)) for name in draw(NAME_LISTS)],
    )


def agree(client: redis.Redis, *, lua: Path, budget: settings) -> None:
    """Compare many answers.

    Raises:
        AssertionError: an answer, or what is remembered after it, differs.
    """
    ledger = RedisLedger(client, silent_seconds=15.0, clock_ms=lambda: NOW_MS, lua=lua)

    @budget
    @given(view=views(), ask=ASKS)
    def compare(view: View, ask: Ask) -> None:
        store(client, view)

        answer = ledger.reserve(DEVICE_ID, 1, ask)

        decision = decide(view, ask)
        assert told(answer) == expected(view, ask, decision)
        state = ledger.state(DEVICE_ID)
        stats = state.stats[ask.model]
        wanted = remembered(view, ask, decision)
        for name in ("frequency", "rent_ms", "demand_ms", "lru_loads", "aged_ms"):
            assert getattr(stats, name) == pytest.approx(getattr(wanted, name), rel=1e-12), name
        assert state.shadow == shadow_after(view, ask, decision)

    compare()


def told(answer: Reservation) -> tuple[object, ...]:
    """All that is answered, but the number of a new entry."""
    return (
        (answer.outcome, answer.reason, answer.gen if answer.outcome != "load" else None),
        (answer.vram_mib, answer.loan, answer.victims, answer.short_mib, answer.retry_ms),
        (pytest.approx(answer.rent_ms, rel=1e-12), pytest.approx(answer.rent_needed_ms)),
    )


def expected(view: View, ask: Ask, decision: Decision) -> tuple[object, ...]:
    """The answer that a decision is told as."""
    vram_mib, loan = 0, False
    if decision.outcome == "load":
        vram_mib, loan = ask.vram_mib, decision.loan
    elif decision.outcome == "gpu":
        entry = next(e for e in view.entries if e.gen == decision.gen)
        vram_mib, loan = entry.vram_mib, entry.loan and not decision.promote
    return (
        (decision.outcome, decision.reason, decision.gen),
        (vram_mib, loan, decision.victims, decision.short_mib, decision.retry_ms),
        (decision.rent_ms, decision.rent_needed_ms),
    )


def store(client: redis.Redis, view: View) -> None:
    """Write a device as the scripts keep it."""
    device = Device(
        id=DEVICE_ID,
        kind="simulated",
        name="any",
        host="box",
        total_mib=view.base_mib,
        reserved_mib=0,
        context_mib=0,
        headroom_mib=0,
        verified=True,
        incarnation=1,
        limits=view.limits,
    )
    keys = dict(zip(("device", "entries", "models"), device_keys(DEVICE_ID), strict=False))
    client.flushdb()
    fields: dict[Any, Any] = {
        "layout": "1",
        "device": device_text(device),
        "gen": 100,
        "version": 1,
        "foreign": view.base_mib - view.usable_mib,
        "pressure": int(view.pressure),
        "inflation": 0,
        "seen_ms": NOW_MS,
        "wishes": 0,
        "evicted": json.dumps(view.evicted_ms),
        "shadow": json.dumps(view.shadow),
    }
    client.hset(keys["device"], mapping=fields)
    _store_all(client, keys["entries"], [(str(e.gen), _entry(e)) for e in view.entries])
    _store_all(client, keys["models"], [(name, _stats(s)) for name, s in view.stats.items()])


def _store_all(client: redis.Redis, key: str, pairs: Sequence[tuple[str, str]]) -> None:
    if pairs:
        client.hset(key, mapping=dict(pairs))


def _entry(entry: Entry) -> str:
    return json.dumps(dataclasses.asdict(entry))


def _stats(stats: ModelStats) -> str:
    return json.dumps({**dataclasses.asdict(stats), "keep": False, "last": ""})
