"""GET /api/v1/system/vram, devices and events, and /metrics: what operators read."""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.answers.devices import DeviceEvents, Devices, Vram
from api.device_view import device_body, event_body
from api.endpoint import Endpoint, endpoint
from api.errors import ApiError
from api.metrics import CONTENT_TYPE, FleetCollector, render
from api.principal import Scope
from api.query import query_of
from api.services import Services, services
from vram.records import DeviceState, Event
from workers.contract import LANES, queue_of

blueprint = Blueprint("system", __name__)

#: Most events of one answer, and how many there are unless asked otherwise.
MOST_EVENTS = 1000
USUAL_EVENTS = 100
EVENT_ID = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")


def _event_id(text: str) -> str:
    """One number or two, as streams count their entries; far beyond any clock none is taken."""
    found = EVENT_ID.fullmatch(text)
    if found is None or any(int(part or 0) >= 2**63 for part in found.groups()):
        raise PydanticCustomError("event_id", "expected an event's id")
    return text


class EventsQuery(BaseModel):
    """Which events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Of one device.
    device: str | None = None
    #: Of a model, and of those that leave for it.
    model: str | None = None
    #: An event's id: those after it, of one device. Without it, the latest.
    after: Annotated[str, AfterValidator(_event_id)] | None = Field(
        default=None, json_schema_extra={"pattern": "^[0-9]{1,18}(-[0-9]{1,18})?$"}
    )
    #: At most so many.
    limit: Annotated[int, Field(ge=1, le=MOST_EVENTS)] = USUAL_EVENTS


#: Of whatever asks the ledger.
_LEDGER = ("ledger_unavailable",)


@blueprint.get("/api/v1/system/vram")
@endpoint(Endpoint(scope=Scope.MONITOR, tag="system", answers={200: Vram}, problems=_LEDGER))
def read_vram() -> dict[str, Any]:
    """What every device's memory holds, as the ledger knows it."""
    return {"devices": [device_body(state) for state in services().ledger.devices()]}


@blueprint.get("/api/v1/system/devices")
@endpoint(Endpoint(scope=Scope.MONITOR, tag="system", answers={200: Devices}, problems=_LEDGER))
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
@endpoint(
    Endpoint(
        scope=Scope.MONITOR,
        tag="system",
        query=EventsQuery,
        answers={200: DeviceEvents},
        problems=(*_LEDGER, "device_not_found"),
    )
)
def read_events() -> dict[str, Any]:
    """Decisions and transitions with their why, oldest first."""
    parts = services()
    wanted = query_of(EventsQuery)
    ids = _ids(parts) if wanted.device is None else [_known_device(parts, wanted.device)]
    model, after, limit = wanted.model, wanted.after, wanted.limit
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
@blueprint.get("/api/v1/system/metrics")
@blueprint.get("/api/v1/metrics")
@endpoint(
    Endpoint(scope=Scope.MONITOR, tag="system", answers={200: "text/plain"}, problems=_LEDGER)
)
def read_metrics() -> Response:
    """The fleet's figures for Prometheus."""
    return Response(render(FleetCollector(services())), content_type=CONTENT_TYPE)


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
