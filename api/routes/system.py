"""GET /api/v1/system/vram, devices and events, /health/live, /health/ready: what operators read."""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from flask import Blueprint, Response, request

from api.device_view import device_body, event_body
from api.errors import ApiError
from api.metrics import CONTENT_TYPE, FleetCollector, render
from api.services import Services, services
from vram.errors import LedgerUnavailable
from vram.records import DeviceState, Event
from workers.contract import LANES, queue_of

blueprint = Blueprint("system", __name__)

#: Most events of one answer, and how many there are unless asked otherwise.
MOST_EVENTS = 1000
USUAL_EVENTS = 100
EVENT_ID = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")


@blueprint.get("/api/v1/system/vram")
def read_vram() -> dict[str, Any]:
    """What every device's memory holds, as the ledger knows it."""
    return {"devices": [device_body(state) for state in services().ledger.devices()]}


@blueprint.get("/api/v1/system/devices")
def read_devices() -> dict[str, Any]:
    """Every device as the router sees it: alive, its breaker, how long its queues are."""
    parts = services()
    states = parts.ledger.devices()
    ids = [state.device.id for state in states]
    breakers = parts.fleet.breakers(ids)
    outlook = parts.fleet.outlook([], limit=0)
    places = [None, *ids]
    waiting = parts.jobs.backlog([queue_of(lane, device=one) for one in places for lane in LANES])
    return {
        "devices": [
            {
                **_device(state),
                "breaker": breakers[state.device.id],
                "waiting_jobs": _waiting(waiting, state.device.id),
            }
            for state in states
        ],
        "cpu": {"processes": outlook.cpu_processes, "waiting_jobs": _waiting(waiting, None)},
    }


@blueprint.get("/api/v1/system/events")
def read_events() -> dict[str, Any]:
    """Decisions and transitions with their why; see docs/reference/http.md for the parameters."""
    parts = services()
    wanted = _parameters(request.args)
    limit = _limit(wanted.get("limit"))
    ids = [_known_device(parts, wanted["device"])] if "device" in wanted else _ids(parts)
    model, after = wanted.get("model"), wanted.get("after")
    if after is not None and len(ids) != 1:
        raise ApiError("validation_error", "after: name one device with it.", field="after")
    found = [
        (device_id, event)
        for device_id in ids
        for event in _events(parts, device_id, model, after, limit)
    ]
    # Streams count in milliseconds of one clock, so their ids can be merged.
    found.sort(key=lambda pair: tuple(map(int, pair[1].id.split("-"))))
    told = found[-limit:] if after is None else found
    return {"events": [event_body(device_id, event) for device_id, event in told]}


@blueprint.get("/metrics")
def read_metrics() -> Response:
    """The fleet's figures for Prometheus."""
    parts = services()
    collector = FleetCollector(parts.ledger, parts.fleet, parts.jobs, parts.catalogue)
    return Response(render(collector), content_type=CONTENT_TYPE)


@blueprint.get("/health/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/health/ready")
@blueprint.get("/api/v1/system/health")
def ready() -> dict[str, Any]:
    """The job store answers, so jobs are accepted; whether a GPU or only the CPU serves them."""
    parts = services()
    waiting = parts.jobs.waiting()
    try:
        devices = parts.fleet.outlook([], limit=0).live_devices
    except LedgerUnavailable:
        return {"status": "degraded", "waiting_jobs": waiting, "live_devices": None}
    return {"status": "ok", "waiting_jobs": waiting, "live_devices": devices}


def _device(state: DeviceState) -> dict[str, Any]:
    device = state.device
    return {
        "id": device.id,
        "kind": device.kind,
        "simulated": device.kind == "simulated",
        "name": device.name,
        "host": device.host,
        "alive": state.alive,
        "silent_seconds": round(state.silent_seconds, 1),
        "incarnation": device.incarnation,
        "verified": device.verified,
        "total_mb": device.total_mib,
        "available_mb": state.free_mib,
        "pressure": state.pressure,
    }


def _waiting(waiting: Mapping[str, int], device: str | None) -> dict[str, int]:
    return {lane: waiting[queue_of(lane, device=device)] for lane in LANES}


def _parameters(given: Mapping[str, str]) -> dict[str, str]:
    if unknown := set(given) - {"device", "model", "after", "limit"}:
        name = min(unknown)
        raise ApiError("unknown_option", f"There is no parameter '{name}'.", field=name)
    if not _is_event_id(given.get("after", "0")):
        raise ApiError("validation_error", "after: expected an event's id.", field="after")
    return dict(given)


def _is_event_id(text: str) -> bool:
    """One number or two, as streams count their entries; far beyond any clock none is taken."""
    found = EVENT_ID.fullmatch(text)
    return found is not None and all(int(part or 0) < 2**63 for part in found.groups())


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL_EVENTS
    if not text.isdecimal() or not 1 <= int(text) <= MOST_EVENTS:
        message = f"limit: expected a number from 1 to {MOST_EVENTS}."
        raise ApiError("validation_error", message, field="limit")
    return int(text)


def _known_device(parts: Services, device_id: str) -> str:
    return parts.ledger.state(device_id).device.id


def _ids(parts: Services) -> list[str]:
    return [state.device.id for state in parts.ledger.devices()]


def _events(
    parts: Services, device_id: str, model: str | None, after: str | None, limit: int
) -> Iterable[Event]:
    """The first events after an id, or the latest ones."""
    stream = _after(parts, device_id, after) if after else parts.ledger.follow(device_id)
    fitting = (event for event in stream if model is None or _concerns(event, model))
    return islice(fitting, limit) if after else deque(fitting, maxlen=limit)


def _after(parts: Services, device_id: str, after: str) -> Iterable[Event]:
    while page := parts.ledger.events(device_id, after=after):
        yield from page
        after = page[-1].id


def _concerns(event: Event, model: str) -> bool:
    """Whether a model is the event's own, or the one for which another leaves."""
    return model in {event.model, event.detail.get("asker")}
