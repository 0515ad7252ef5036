"""What holds of every route, whatever the fleet: asked of thousands of made-up ones."""

from dataclasses import replace
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from vram.fleet import DeviceSummary, Outlook, Where
from vram.records import Priority
from vram.route_costs import Need
from vram.routing import ROUTE_REASONS, Lane, Route, choose_route

MODELS = ("yunet", "sface", "cydral_age", "faceplugin_liveness")
Ahead = dict[str | None, int]
Held = str | Literal[False] | None
Times = dict[tuple[Where, str], float]
#: Best first.
ORDER = (
    "resident",
    "loading",
    "direct_allocation",
    "eviction_based_allocation",
    "partial_fit",
    "cpu_faster",
    "insufficient_vram",
)


def routed(
    outlook: Outlook,
    ahead: Ahead,
    *,
    needs: tuple[Need, ...],
    lane: Lane,
    held: Held = False,
) -> Route:
    return choose_route(outlook, ahead, needs, lane=lane, held=held)


models = st.sampled_from(MODELS)
classes: st.SearchStrategy[Priority] = st.sampled_from(["critical", "high", "medium", "low"])
lanes: st.SearchStrategy[Lane] = st.sampled_from(["interactive", "bulk"])
needs_of_jobs = st.lists(
    st.builds(
        Need,
        model=models,
        priority=classes,
        vram_mib=st.integers(1, 900),
        cpu_allowed=st.booleans(),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda need: need.model,
).map(tuple)
times: st.SearchStrategy[Times] = st.dictionaries(
    st.tuples(st.sampled_from(["gpu", "cpu"]), models), st.floats(0.1, 500), max_size=8
)


@st.composite
def devices(draw: st.DrawFn, name: str) -> DeviceSummary:
    resident = draw(st.sets(models))
    coming = draw(st.sets(models)) - resident
    return DeviceSummary(
        id=f"{name}/cuda:0",
        kind="gpu",
        incarnation=1,
        version=1,
        usable_mib=5000,
        resident=tuple(sorted(resident)),
        coming=tuple(sorted(coming)),
        free_mib=draw(st.integers(0, 2000)),
        evictable_mib=draw(st.dictionaries(classes, st.integers(0, 2000))),
        pressure=draw(st.booleans()),
        breaker=draw(st.sampled_from(["closed", "closed", "half_open", "open"])),
    )


@st.composite
def outlooks(draw: st.DrawFn) -> Outlook:
    found = [draw(devices(name)) for name in "abc"[: draw(st.integers(1, 3))]]
    return fleet(tuple(found), draw(times), draw(st.integers(0, 8)))


def fleet(found: tuple[DeviceSummary, ...], known: Times, processes: int) -> Outlook:
    return Outlook(
        candidates=found,
        live_devices=len(found),
        cpu_processes=processes,
        service_ms=known,
        load_ms={"sface": 300.0},
        vram_mib={"yunet": 18},
    )


backlogs = st.fixed_dictionaries(
    {place: st.integers(0, 500) for place in ("a/cuda:0", "b/cuda:0", "c/cuda:0", None)}
)
holds = st.sampled_from([False, None, "a/cuda:0", "b/cuda:0"])


@given(outlook=outlooks(), ahead=backlogs, needs=needs_of_jobs, lane=lanes, held=holds)
def test_a_route_is_to_the_cpu_or_to_a_device_that_serves(
    outlook: Outlook, ahead: Ahead, needs: tuple[Need, ...], lane: Lane, held: Held
) -> None:
    route = routed(outlook, ahead, needs=needs, lane=lane, held=held)

    serving = {one.id for one in outlook.candidates if one.breaker != "open"}
    assert route.device is None or route.device in serving
    on_device = ROUTE_REASONS[: ROUTE_REASONS.index("partial_fit") + 1]
    assert (route.device is not None) == (route.reason in on_device)
    assert route.expected_ms is None or route.expected_ms >= 0


@given(
    outlook=outlooks(), ahead=backlogs, needs=needs_of_jobs, lane=lanes, held=holds, data=st.data()
)
def test_more_jobs_ahead_never_attract(
    outlook: Outlook,
    ahead: Ahead,
    needs: tuple[Need, ...],
    lane: Lane,
    held: Held,
    data: st.DataObject,
) -> None:
    before = routed(outlook, ahead, needs=needs, lane=lane, held=held).device
    fuller = data.draw(st.sampled_from([place for place in ahead if place != before]))

    ahead = {**ahead, fuller: ahead[fuller] + data.draw(st.integers(1, 1000))}

    assert routed(outlook, ahead, needs=needs, lane=lane, held=held).device != fuller


@given(
    card=devices("a"),
    processes=st.integers(0, 8),
    known=times,
    ahead=backlogs,
    needs=needs_of_jobs,
    lane=lanes,
    more=st.integers(1, 3000),
)
def test_a_larger_card_never_gives_a_worse_route(
    card: DeviceSummary,
    processes: int,
    known: Times,
    ahead: Ahead,
    needs: tuple[Need, ...],
    lane: Lane,
    more: int,
) -> None:
    def rank(one: DeviceSummary) -> int:
        reason = routed(fleet((one,), known, processes), ahead, needs=needs, lane=lane).reason
        return ORDER.index(reason) if reason in ORDER else 0

    larger = replace(card, free_mib=card.free_mib + more, usable_mib=card.usable_mib + more)

    assert rank(larger) <= rank(card)


@given(outlook=outlooks(), ahead=backlogs, needs=needs_of_jobs, lane=lanes, held=holds)
def test_asking_again_from_where_it_was_sent_changes_nothing(
    outlook: Outlook, ahead: Ahead, needs: tuple[Need, ...], lane: Lane, held: Held
) -> None:
    first = routed(outlook, ahead, needs=needs, lane=lane, held=held)

    again = routed(outlook, ahead, needs=needs, lane=lane, held=first.device)

    assert again == first
