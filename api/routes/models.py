"""GET /api/v1/system/models, POST .../load, unload, pin, unpin and /api/v1/system/optimize.

A wish is left with the ledger and carried out by the worker that holds the device, at its next sign
of life; the device's events tell how it ended.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog
import uuid_utils
from flask import Blueprint, Response, json, url_for

from api.answers.catalogue import CatalogueModels, CommandsLeft, WantedDevice
from api.device_view import entry_body, is_loaded
from api.endpoint import Endpoint, endpoint
from api.errors import ApiError
from api.json_body import read_json
from api.principal import Scope
from api.services import Services, services
from models.errors import UnknownModel
from models.memory import expected_mib
from models.spec import ModelSpec
from vram.records import Command, CommandAction, DeviceState
from vram.room import ZONE

blueprint = Blueprint("models", __name__)

_log = structlog.get_logger()

#: What the four wishes that name a model, and the one that doesn't, have in common.
_WISH = Endpoint(
    scope=Scope.SYSTEM,
    bucket="write",
    tag="system",
    bodies={"application/json": WantedDevice},
    body_optional=True,
    answers={202: CommandsLeft},
    problems=("ledger_unavailable", "device_not_found", "no_gpu_device"),
)
_MODEL_WISH = replace(_WISH, problems=(*_WISH.problems, "model_not_found"))


@blueprint.get("/api/v1/system/models")
@endpoint(
    Endpoint(
        scope=Scope.MONITOR,
        tag="system",
        answers={200: CatalogueModels},
        problems=("ledger_unavailable",),
    )
)
def read_models() -> dict[str, Any]:
    """Every model of the catalogue: what it takes, where it is, what it costs."""
    parts = services()
    states = parts.ledger.devices()
    specs = [spec for spec in parts.catalogue.models.values() if spec.task != "part"]
    outlook = parts.fleet.outlook([spec.id for spec in specs], limit=0)
    return {
        "models": [
            {
                "id": spec.id,
                "task": spec.task,
                "priority": spec.priority,
                "zone": ZONE[spec.priority],
                **_size(parts, spec, outlook.vram_mib.get(spec.id)),
                "gpu_ms": outlook.service_ms.get(("gpu", spec.id)),
                "cpu_ms": outlook.service_ms.get(("cpu", spec.id)),
                "load_ms": outlook.load_ms.get(spec.id),
                "loaded": any(
                    is_loaded(entry)
                    for state in states
                    for entry in state.entries
                    if state.alive and entry.model == spec.id
                ),
                "devices": [_on_device(state, spec) for state in states if _knows(state, spec)],
            }
            for spec in specs
        ]
    }


@blueprint.post("/api/v1/system/models/<model_id>/load")
@endpoint(_MODEL_WISH)
def load(model_id: str) -> Response:
    """Load a model onto a device, pushing others out if it must."""
    return _ask("load", model_id)


@blueprint.post("/api/v1/system/models/<model_id>/unload")
@endpoint(replace(_MODEL_WISH, problems=(*_MODEL_WISH.problems, "model_not_loaded")))
def unload(model_id: str) -> Response:
    """Unload a model as soon as nobody uses it."""
    return _ask("unload", model_id)


@blueprint.post("/api/v1/system/models/<model_id>/pin")
@endpoint(_MODEL_WISH)
def pin(model_id: str) -> Response:
    """Let nothing push a model out."""
    return _ask("pin", model_id)


@blueprint.post("/api/v1/system/models/<model_id>/unpin")
@endpoint(_MODEL_WISH)
def unpin(model_id: str) -> Response:
    """Take that back."""
    return _ask("unpin", model_id)


@blueprint.post("/api/v1/system/optimize")
@endpoint(_WISH)
def optimize() -> Response:
    """Unload what is idle, and give unused memory of the others back to the device."""
    parts = services()
    wanted = _wanted_device()
    return _leave(parts, "optimize", None, _alive(parts, wanted))


def _ask(action: CommandAction, name: str) -> Response:
    parts = services()
    try:
        model_id = parts.catalogue.model(name).id
    except UnknownModel as error:
        raise ApiError("model_not_found", str(error)) from None
    wanted = _wanted_device()
    devices = _alive(parts, wanted)
    if wanted is None:
        devices = _fitting(parts, action, model_id, devices)
    return _leave(parts, action, model_id, devices)


def _fitting(
    parts: Services, action: CommandAction, model_id: str, devices: Sequence[DeviceState]
) -> Sequence[DeviceState]:
    """The devices a wish that names none is for."""
    holding = [one for one in devices if any(e.model == model_id for e in one.entries)]
    if action == "unpin":
        return devices
    if action == "unload" and not holding:
        raise ApiError("model_not_loaded", f"No device that is alive holds '{model_id}'.")
    if action == "load" or not holding:
        found = parts.fleet.outlook([model_id], limit=1).candidates
        best = found[0].id if found else devices[0].device.id
        return [one for one in devices if one.device.id == best] or devices[:1]
    return holding


def _alive(parts: Services, wanted: str | None) -> Sequence[DeviceState]:
    """The device that was named, or all; none of them silent."""
    states = parts.ledger.devices() if wanted is None else (parts.ledger.state(wanted),)
    alive = [state for state in states if state.alive]
    if not alive:
        what = "No GPU worker is" if wanted is None else f"The worker of {wanted} is not"
        raise ApiError("no_gpu_device", f"{what} alive, so nobody can do that. Start one.")
    return alive


def _leave(
    parts: Services, action: CommandAction, model_id: str | None, devices: Sequence[DeviceState]
) -> Response:
    """Leave the wish with each device; 202 with where its end will be told."""
    commands = []
    for state in devices:
        device_id = state.device.id
        command = Command(id=f"cmd_{uuid_utils.uuid7().hex}", action=action, model=model_id)
        parts.ledger.command(device_id, command)
        _log.info(
            "system.command", command=command.id, action=action, model=model_id, device=device_id
        )
        link = url_for("system.read_events", device=device_id, after=f"{state.now_ms}-0")
        commands.append(
            {
                "id": command.id,
                "action": action,
                "model": model_id,
                "device": device_id,
                "links": {"events": link},
            }
        )
    body = json.dumps({"commands": commands})
    return Response(body, status=202, mimetype="application/json")


def _wanted_device() -> str | None:
    """The device a request names in its JSON body; None: it names none."""
    return read_json(WantedDevice).device


def _size(parts: Services, spec: ModelSpec, measured_mib: int | None) -> dict[str, Any]:
    if measured_mib is not None:
        return {"vram_mb": measured_mib, "vram_basis": "measured_on_device"}
    bucket = parts.settings.batch_max_jobs
    expected = expected_mib(spec, bucket, catalogue=parts.catalogue)
    return {"vram_mb": expected.mib, "vram_basis": expected.basis}


def _knows(state: DeviceState, spec: ModelSpec) -> bool:
    return spec.id in state.stats or any(entry.model == spec.id for entry in state.entries)


def _on_device(state: DeviceState, spec: ModelSpec) -> dict[str, Any]:
    stats = state.stats.get(spec.id)
    entries = [one for one in state.entries if one.model == spec.id]
    remembered = stats and {
        "frequency": round(stats.frequency, 2),
        "rent_ms": round(stats.rent_ms),
        "load_ms": round(stats.load_ms),
        "loads": stats.loads,
        "evictions": stats.evictions,
        "failures": stats.failures,
        "retry_ms": max(0, stats.not_before_ms - state.now_ms),
    }
    return {
        "device": state.device.id,
        "alive": state.alive,
        "entries": [entry_body(entry, state.now_ms) for entry in entries],
        "history": remembered,
    }
