"""GET /api/v1/jobs/{id}: a job's state and result, waiting for its end if asked."""

import math

from flask import Blueprint, Response, request

from api.errors import ApiError
from api.job_view import job_response
from api.services import services

blueprint = Blueprint("jobs", __name__)


@blueprint.get("/api/v1/jobs/<job_id>")
def read_job(job_id: str) -> Response:
    """The job; with `?wait=seconds` as soon as it has ended, at the latest after that time."""
    parts = services()
    wait_seconds = min(_wait_seconds(), parts.settings.max_wait_seconds)
    if wait_seconds and parts.wait_slots.acquire(blocking=False):
        try:
            job = parts.watch.wait(job_id, wait_seconds)
        finally:
            parts.wait_slots.release()
    else:
        # Without a free slot the answer comes at once: submitting must not wait for waiters.
        job = parts.jobs.get(job_id)
    response = job_response(job)
    response.make_conditional(request)
    return response


def _wait_seconds() -> float:
    if unknown := set(request.args) - {"wait"}:
        name = min(unknown)
        raise ApiError("unknown_option", f"There is no parameter '{name}'.", field=name)
    text = request.args.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ApiError("validation_error", "wait: expected seconds, 0 or more.", field="wait")
    return seconds
