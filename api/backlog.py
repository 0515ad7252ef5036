"""How long those wait who come now: told to whom the queue has no room for."""

import math
from typing import Final

from flask import Flask, Response

from api.errors import respond
from api.problems import DOMAIN_PROBLEMS
from api.services import Services, services
from vram.errors import LedgerUnavailable
from vram.fleet import Outlook, Where
from workers.choices import expected_models
from workers.contract import AnalyzeOptions
from workers.errors import QueueFull

#: Room comes back with every job that ends, so that nobody has to wait for all of them.
_SHARE: Final = 10
_LEAST_SECONDS, _MOST_SECONDS = 1, 60


def register_backlog(app: Flask) -> None:
    """Have `queue_full` tell the expected wait."""
    app.register_error_handler(QueueFull, _on_queue_full)


def expected_wait_seconds(parts: Services, waiting: int) -> float | None:
    """Until so many jobs have been done: their number by the measured time of a usual one.

    None: nothing was measured, or nobody works.
    """
    models = expected_models(AnalyzeOptions(), parts.catalogue)
    try:
        outlook = parts.fleet.outlook(models, limit=0)
    except LedgerUnavailable:
        return None
    gpu, cpu = (_jobs_per_second(outlook, models, where) for where in ("gpu", "cpu"))
    together = outlook.live_devices * gpu + outlook.cpu_processes * cpu
    return waiting / together if together else None


def _jobs_per_second(outlook: Outlook, models: tuple[str, ...], where: Where) -> float:
    """Of one device or process; 0: no model was measured there."""
    known = [
        outlook.service_ms[where, model] for model in models if (where, model) in outlook.service_ms
    ]
    return 1000 / sum(known) if sum(known) else 0.0


def _on_queue_full(error: QueueFull) -> Response:
    problem = DOMAIN_PROBLEMS[QueueFull]
    told: dict[str, object] = {"waiting_jobs": error.waiting}
    wait_seconds = expected_wait_seconds(services(), error.waiting)
    if wait_seconds is not None:
        again = min(_MOST_SECONDS, max(_LEAST_SECONDS, math.ceil(wait_seconds / _SHARE)))
        told |= {"expected_wait_seconds": round(wait_seconds, 1), "retry_after_seconds": again}
    return respond(problem, str(error), **told)
