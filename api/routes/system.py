"""GET /api/v1/system/vram, /health/live, /health/ready: what an operator looks at."""

from typing import Any

from flask import Blueprint

from api.services import services
from vram.ledger import DeviceState

blueprint = Blueprint("system", __name__)


@blueprint.get("/api/v1/system/vram")
def read_vram() -> dict[str, Any]:
    """What every device holds, as the ledger knows it."""
    return {"devices": [_device_body(state) for state in services().ledger.devices()]}


@blueprint.get("/health/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/health/ready")
@blueprint.get("/api/v1/system/health")
def ready() -> dict[str, Any]:
    """The job store answers, so jobs are accepted."""
    return {"status": "ok", "waiting_jobs": services().jobs.waiting()}


def _device_body(state: DeviceState) -> dict[str, Any]:
    device = state.device
    return {
        "id": device.id,
        "kind": device.kind,
        "name": device.name,
        "host": device.host,
        "alive": state.alive,
        "silent_seconds": round(state.silent_seconds, 1),
        "total_bytes": device.total_bytes,
        "reserved_bytes": device.reserved_bytes,
        "usable_bytes": device.usable_bytes,
        "used_bytes": state.used_bytes,
        "free_bytes": state.free_bytes,
        "residents": [
            {"model": r.model, "vram_bytes": r.vram_bytes, "basis": r.basis}
            for r in state.residents
        ],
    }
