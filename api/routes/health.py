"""GET /health/live, /health/ready, /api/v1/system/status: what probes and watchers ask."""

from typing import Any

from flask import Blueprint

from api.answers.health import Liveness, Readiness, SystemStatus
from api.endpoint import Endpoint, endpoint
from api.errors import ApiError
from api.principal import Scope
from api.services import services
from api.vitals import status_body

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/live")
@endpoint(Endpoint(is_open=True, bucket="free", tag="system", answers={200: Liveness}))
def live() -> dict[str, str]:
    """Whether the process answers; asks nobody else."""
    return {"status": "ok"}


@blueprint.get("/health")
@blueprint.get("/health/ready")
@blueprint.get("/api/v1/system/health")
@endpoint(
    Endpoint(
        is_open=True,
        bucket="free",
        tag="system",
        answers={200: Readiness},
        problems=("store_unavailable", "draining"),
    )
)
def ready() -> dict[str, Any]:
    """Whether jobs are accepted here, and whether a GPU or only the CPU does them.

    The figures are at most a second old.
    """
    parts = services()
    if parts.drain.announced:
        raise ApiError("draining", "This gateway process is about to end. Ask another one.")
    pulse = parts.vitals.pulse()
    return {
        "status": "degraded" if pulse.is_degraded else "ok",
        "waiting_jobs": sum(pulse.waiting.values()),
        "live_devices": pulse.live_devices,
    }


@blueprint.get("/api/v1/system/status")
@endpoint(
    Endpoint(
        scope=Scope.MONITOR,
        tag="system",
        answers={200: SystemStatus},
        problems=("store_unavailable",),
    )
)
def read_status() -> dict[str, Any]:
    """The gateway process and the fleet in a few figures."""
    parts = services()
    return status_body(parts.vitals, parts.drain)
