"""Where a job goes: a pure choice from what is known of devices, queues and times.

A job may go to a device or to the CPU workers. For each the expected time to its end is added up,
as `vram.route_costs` says, and then:

- A place has to be clearly better than home: faster by `GAIN` and by `GAIN_MS`. Home is where the
  job waits already, or else the best device. Small changes move nothing.
- An interactive job goes to the best device that can have all its models there, however busy: the
  CPU takes it only when no device can. A bulk job goes to the CPU when that is clearly better.
- A model that may not run on the CPU keeps the job on the devices, as long as one can have it.
- Among devices the same comparison sends jobs to where their models are, until waiting there costs
  clearly more than loading them elsewhere. Data that workers hold in memory, such as the index of a
  collection, counts like a model that takes no time to run. Of CPU workers nobody knows which
  process will take a job, so there it counts nothing.
- A device whose breaker is open gets nothing.

What was never measured is taken from `vram.route_costs.Priors`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from vram.fleet import Outlook
from vram.route_costs import PRIORS, Need, Place, Priors, Times, cpu_place, device_place

#: Why a job goes where it goes. On a device: resident · loading · direct_allocation ·
#: eviction_based_allocation · partial_fit. On the CPU: all others.
RouteReason = Literal[
    "resident",
    "loading",
    "direct_allocation",
    "eviction_based_allocation",
    "partial_fit",
    "cpu_faster",
    "insufficient_vram",
    "cpu_only_models",
    "breaker_open",
    "no_gpu_device",
    "ledger_unavailable",
]
ROUTE_REASONS: tuple[RouteReason, ...] = get_args(RouteReason)
Lane = Literal["interactive", "bulk"]
#: A place is clearly better than home when home takes this many times as long, and so much longer.
GAIN = 1.25
GAIN_MS = 50.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where a job goes, and why."""

    #: None: to the CPU workers.
    device: str | None
    reason: RouteReason
    #: To the job's end, its loads included; None: nothing was measured of any of its models.
    expected_ms: int | None = None
    #: Figures that explain the reason, see `vram.reasons`.
    detail: Mapping[str, str | int] = field(default_factory=dict)


def choose_route(
    outlook: Outlook,
    ahead: Mapping[str | None, int],
    needs: Sequence[Need],
    *,
    lane: Lane,
    held: str | Literal[False] | None = False,
    priors: Priors = PRIORS,
) -> Route:
    """The route of a job.

    Args:
        outlook: The fleet's answer for the models of `needs`.
        ahead: Jobs that will be served before this one, by device; None: by the CPU workers.
        needs: The models it uses, and data.
        lane: "interactive" or "bulk".
        held: Where it waits already: a device, or None for the CPU; False: it is new.
        priors: Times until they are measured.
    """
    times = Times(outlook, priors)
    cpu = cpu_place(outlook, ahead.get(None, 0), needs, times)
    if not outlook.live_devices or not outlook.candidates:
        return _route(cpu, "no_gpu_device", times, needs)
    serving = [one for one in outlook.candidates if one.breaker != "open"]
    if not serving:
        return _route(cpu, "breaker_open", times, needs, devices=len(outlook.candidates))
    networks = [need for need in needs if not need.is_data]
    if networks and not any(need.vram_mib for need in networks):
        return _route(cpu, "cpu_only_models", times, needs)
    places = [device_place(one, ahead.get(one.id, 0), needs, times) for one in serving]
    # A device that can have none of the models serves all the same where there is no CPU worker.
    offers = [one for one in places if not (one.is_empty and outlook.cpu_processes)]
    place = _choose(offers, cpu, needs, lane, held)
    if place.device is not None:
        return _device_route(place, times, needs)
    return _cpu_route(cpu, places, times, needs)


def _choose(
    devices: Sequence[Place],
    cpu: Place,
    needs: Sequence[Need],
    lane: Lane,
    held: str | Literal[False] | None,
) -> Place:
    """The place, by the rules on top of this module."""
    bound = [need.model for need in needs if not need.cpu_allowed]
    able = [one for one in devices if all(one.access.get(m) != "cpu" for m in bound)]
    full = [one for one in able if one.is_full]
    if lane == "interactive" and full:
        options = full
    elif bound and able:
        options = able
    else:
        options = [*devices, cpu]
    best = min(options, key=lambda place: place.cost_ms)
    home = next((one for one in options if one.device == held), None) or min(
        options, key=lambda place: (place.device is None, place.cost_ms)
    )
    return best if home.cost_ms > best.cost_ms * GAIN + GAIN_MS else home


def _device_route(place: Place, times: Times, needs: Sequence[Need]) -> Route:
    worst = place.worst
    missing = [model for model, how in place.access.items() if how == worst]
    figures: dict[str, str | int] = {"device": str(place.device), "ahead": place.ahead}
    if worst == "cpu":
        return _route(
            place,
            "partial_fit",
            times,
            needs,
            **figures,
            models=", ".join(missing),
            short_mib=place.short_mib,
        )
    if worst != "resident":
        sizes = [times.size_mib(need) for need in needs if need.model in missing]
        figures |= {"models": ", ".join(missing), "needed_mib": sum(sizes)}
    return _route(place, worst, times, needs, **figures)


def _cpu_route(cpu: Place, places: Sequence[Place], times: Times, needs: Sequence[Need]) -> Route:
    best = min(places, key=lambda place: place.cost_ms)
    figures: dict[str, str | int] = {"device": str(best.device), "ahead": best.ahead}
    if any(place.is_full for place in places):
        figures |= {"device_ms": round(best.cost_ms), "cpu_ms": round(cpu.cost_ms)}
        return _route(cpu, "cpu_faster", times, needs, **figures)
    least = min(places, key=lambda place: place.short_mib)
    figures |= {"device": str(least.device), "short_mib": least.short_mib}
    return _route(cpu, "insufficient_vram", times, needs, **figures)


def _route(
    place: Place,
    reason: RouteReason,
    times: Times,
    needs: Sequence[Need],
    **detail: str | int,
) -> Route:
    expected_ms = round(place.expected_ms) if times.known(needs) else None
    return Route(device=place.device, reason=reason, expected_ms=expected_ms, detail=detail)
