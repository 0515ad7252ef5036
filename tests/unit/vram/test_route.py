"""Where a job goes, from what is known of devices, queues and times."""

from dataclasses import replace
from typing import Any

import pytest

from vram.fleet import DeviceSummary, Outlook
from vram.route_costs import Need, Priors
from vram.routing import Lane, Route, choose_route

DETECT = Need(model="yunet", priority="critical", vram_mib=20)
EMBED = Need(model="sface", priority="high", vram_mib=200)
AGE = Need(model="cydral_age", priority="medium", vram_mib=40)
LIVE = Need(model="faceplugin_liveness", priority="critical", vram_mib=10, cpu_allowed=False)
NEEDS = (DETECT, EMBED, AGE)
TIMES = {
    (where, need.model): ms
    for need in (*NEEDS, LIVE)
    for where, ms in (("gpu", 10.0), ("cpu", 40.0))
}
Ahead = dict[str | None, int]


def device(name: str = "a", **changes: Any) -> DeviceSummary:  # noqa: ANN401 - by name
    summary = DeviceSummary(
        id=f"{name}/cuda:0",
        kind="gpu",
        incarnation=1,
        version=1,
        resident=tuple(need.model for need in NEEDS),
        coming=(),
        free_mib=0,
        evictable_mib={},
        usable_mib=5000,
        pressure=False,
    )
    return replace(summary, **changes)


def fleet(*devices: DeviceSummary, **changes: Any) -> Outlook:  # noqa: ANN401 - by name
    outlook = Outlook(
        candidates=devices,
        live_devices=len(devices),
        cpu_processes=2,
        service_ms=TIMES,  # type: ignore[arg-type]  # of literals
        load_ms={need.model: 300.0 for need in NEEDS},
        vram_mib={},
    )
    return replace(outlook, **changes)


def routed(
    outlook: Outlook,
    ahead: Ahead | None = None,
    *,
    needs: tuple[Need, ...] = NEEDS,
    lane: Lane = "interactive",
    **more: Any,  # noqa: ANN401 - by name
) -> Route:
    return choose_route(outlook, ahead or {}, needs, lane=lane, **more)


def test_a_device_that_holds_everything_takes_the_job() -> None:
    route = routed(fleet(device()))

    assert (route.device, route.reason, route.expected_ms) == ("a/cuda:0", "resident", 30)


@pytest.mark.parametrize(
    ("changes", "reason", "expected_ms"),
    [
        ({"resident": ("yunet", "sface"), "coming": ("cydral_age",)}, "loading", 180),
        ({"resident": ("yunet",), "free_mib": 240}, "direct_allocation", 630),
        (
            {"resident": ("yunet",), "free_mib": 40, "evictable_mib": {"high": 200}},
            "eviction_based_allocation",
            630,
        ),
        ({"resident": ("yunet",), "free_mib": 239}, "partial_fit", 360),
        ({"resident": ("yunet", "sface"), "free_mib": 39}, "partial_fit", 60),
    ],
)
def test_the_reason_says_how_the_models_come_to_run_there(
    changes: dict[str, Any], reason: str, expected_ms: int
) -> None:
    route = routed(fleet(device(**changes)))

    assert (route.device, route.reason, route.expected_ms) == ("a/cuda:0", reason, expected_ms)


def test_under_pressure_nobody_is_thought_to_leave() -> None:
    crowded = device(resident=("yunet",), free_mib=40, evictable_mib={"high": 200}, pressure=True)

    route = routed(fleet(crowded))

    assert (route.reason, route.detail["models"]) == ("partial_fit", "sface")


@pytest.mark.parametrize(
    ("outlook", "reason", "detail"),
    [
        (fleet(), "no_gpu_device", {}),
        (
            fleet(device(breaker="open"), device("b", breaker="open")),
            "breaker_open",
            {"devices": 2},
        ),
        (
            fleet(device(resident=(), free_mib=19)),
            "insufficient_vram",
            {"device": "a/cuda:0", "ahead": 0, "short_mib": 241},
        ),
    ],
)
def test_without_a_device_that_can_the_cpu_takes_it(
    outlook: Outlook, reason: str, detail: dict[str, str | int]
) -> None:
    route = routed(outlook)

    assert (route.device, route.reason, route.detail) == (None, reason, detail)
    assert route.expected_ms == 120


def test_a_breaker_that_is_half_open_lets_the_job_through() -> None:
    assert routed(fleet(device(breaker="half_open"))).reason == "resident"


def test_models_that_never_run_on_a_device_are_the_cpu_s() -> None:
    needs = (Need(model="blazeface", priority="low", vram_mib=0),)

    assert routed(fleet(device()), needs=needs).reason == "cpu_only_models"
    assert routed(fleet(device()), needs=(*needs, DETECT)).reason == "resident"


def test_an_interactive_job_waits_for_the_device_and_a_bulk_job_does_not() -> None:
    busy: Ahead = {"a/cuda:0": 100}

    assert routed(fleet(device()), busy).device == "a/cuda:0"
    bulk = routed(fleet(device()), busy, lane="bulk")

    assert (bulk.device, bulk.reason) == (None, "cpu_faster")
    assert bulk.detail == {"device": "a/cuda:0", "ahead": 100, "device_ms": 3030, "cpu_ms": 120}


def test_bulk_work_spills_over_only_as_far_as_it_pays() -> None:
    def shares(jobs: int) -> tuple[int, int]:
        ahead: Ahead = {"a/cuda:0": 0, None: 0}
        for _ in range(jobs):
            ahead[routed(fleet(device()), ahead, lane="bulk").device] += 1
        return ahead["a/cuda:0"], ahead[None]

    assert shares(5) == (5, 0)
    on_device, on_cpu = shares(300)
    # Two CPU processes at a quarter of the speed do half of what the device does, less the margin.
    assert 0.35 < on_cpu / on_device < 0.5


def test_without_cpu_workers_nothing_is_sent_to_them_while_a_device_can() -> None:
    route = routed(fleet(device(), cpu_processes=0), {"a/cuda:0": 10_000}, lane="bulk")

    assert route.device == "a/cuda:0"


def test_without_cpu_workers_a_device_takes_even_what_none_of_whose_models_fit_there() -> None:
    full = device(resident=(), free_mib=0)

    assert routed(fleet(full)).reason == "insufficient_vram"
    route = routed(fleet(full, cpu_processes=0))
    assert (route.device, route.reason) == ("a/cuda:0", "partial_fit")


def test_a_hot_model_is_replicated_when_waiting_costs_more_than_loading() -> None:
    outlook = fleet(device(), device("b", resident=(), free_mib=1000))

    assert routed(outlook, {"a/cuda:0": 2}).device == "a/cuda:0"
    assert routed(outlook, {"a/cuda:0": 30}).device == "b/cuda:0"


def test_a_job_goes_to_where_its_models_are_and_among_equals_to_the_idler_one() -> None:
    cold = device("b", resident=(), free_mib=5000)

    assert routed(fleet(cold, device())).device == "a/cuda:0"
    assert routed(fleet(device(), device("b")), {"a/cuda:0": 5, "b/cuda:0": 0}).device == "b/cuda:0"


def test_a_job_that_waits_stays_until_another_place_is_clearly_better() -> None:
    outlook = fleet(device(), device("b"))

    def stays(ahead: int) -> bool:
        return routed(outlook, {"a/cuda:0": ahead}, held="a/cuda:0").device == "a/cuda:0"

    assert [stays(ahead) for ahead in (0, 1, 20)] == [True, True, False]
    assert routed(outlook, {"a/cuda:0": 1}).device == "b/cuda:0"


def test_a_job_that_waits_for_the_cpu_moves_when_a_device_comes() -> None:
    assert routed(fleet(device()), held=None).device == "a/cuda:0"
    assert routed(fleet(device()), {None: 0}, held=None, lane="bulk").device == "a/cuda:0"
    gone = routed(fleet(device("b")), held="a/cuda:0")
    assert gone.device == "b/cuda:0"


def test_a_model_that_may_not_run_on_the_cpu_stays_on_a_device_that_can_have_it() -> None:
    needs = (*NEEDS, LIVE)
    first = device(free_mib=9)
    second = device("b", resident=(), free_mib=10)

    assert routed(fleet(first, second), needs=needs).device == "b/cuda:0"
    busy: Ahead = {"b/cuda:0": 1000}
    assert routed(fleet(first, second), busy, needs=needs, lane="bulk").device == "b/cuda:0"


def test_what_was_never_measured_is_taken_from_priors_and_no_time_is_promised() -> None:
    unknown = fleet(device(), service_ms={}, load_ms={})

    assert routed(unknown).expected_ms is None
    bulk = routed(unknown, {"a/cuda:0": 10}, lane="bulk", priors=Priors(gpu_ms=10, cpu_ratio=0.1))
    assert bulk.device == "a/cuda:0"
    bulk = routed(unknown, {"a/cuda:0": 10}, lane="bulk", priors=Priors(gpu_ms=10, cpu_ratio=0.5))
    assert (bulk.device, bulk.detail["cpu_ms"]) == (None, 60)


INDEX = Need(model="index:people", priority="low", vram_mib=0, is_data=True)


def test_of_devices_alike_the_one_that_has_the_data_takes_the_job() -> None:
    holder = device("b", resident=(*(need.model for need in NEEDS), INDEX.model))

    route = routed(fleet(device("a"), holder), needs=(*NEEDS, INDEX))

    assert (route.device, route.reason) == (holder.id, "resident")
    # Elsewhere it would take so much longer (30 ms of models) as an unknown load does.
    alone = routed(fleet(device("a")), needs=(*NEEDS, INDEX))
    assert (route.expected_ms, alone.expected_ms) == (30, 530)


def test_a_device_that_has_to_read_the_data_takes_the_job_when_the_other_is_far_behind() -> None:
    holder = device("b", resident=(*(need.model for need in NEEDS), INDEX.model))
    outlook = fleet(device("a"), holder)

    assert routed(outlook, {holder.id: 10}, needs=(*NEEDS, INDEX)).device == holder.id
    assert routed(outlook, {holder.id: 40}, needs=(*NEEDS, INDEX)).device == "a/cuda:0"


def test_data_nobody_has_changes_nothing() -> None:
    outlook = fleet(device("a"), device("b"))

    for ahead in ({}, {"a/cuda:0": 3}, {"a/cuda:0": 30, "b/cuda:0": 1}):
        with_data = routed(outlook, ahead, needs=(*NEEDS, INDEX))  # type: ignore[arg-type]
        without = routed(outlook, ahead, needs=NEEDS)  # type: ignore[arg-type]
        assert (with_data.device, with_data.reason) == (without.device, without.reason)


def test_a_job_that_only_needs_data_may_go_to_the_device_that_has_it() -> None:
    holder = device("b", resident=(INDEX.model,))

    assert routed(fleet(device("a"), holder), needs=(INDEX,)).device == holder.id


def test_data_costs_the_cpu_workers_nothing() -> None:
    times = fleet(cpu_processes=2)

    assert routed(times, needs=(*NEEDS, INDEX)) == routed(times, needs=NEEDS)
