"""A job as clients see it."""

from typing import Any

from flask import Response, json, url_for

from api.timestamps import timestamp
from workers.jobs import Job, Submitted


def job_body(job: Job) -> dict[str, Any]:
    """The job as a JSON object, without its result's text."""
    return {
        "id": job.id,
        "state": job.state,
        "attempt": job.attempt,
        "cancel_asked": job.cancel_asked,
        "options": job.options.model_dump(mode="json"),
        "route": {
            "queue": job.route.queue,
            "reason": job.route.reason,
            "device": job.route.device,
            "message": job.route.message,
            "expected_ms": job.route.expected_ms,
        },
        "created_at": timestamp(job.created_ms),
        "started_at": timestamp(job.started_ms),
        "finished_at": timestamp(job.finished_ms),
        "waited_ms": None if job.started_ms is None else job.started_ms - job.created_ms,
        "error": job.error
        and {
            "code": job.error.code,
            "message": job.error.message,
            "retryable": job.error.retryable,
        },
        "links": {"self": url_for("jobs.read_job", job_id=job.id)},
    }


def job_response(job: Job) -> Response:
    """200 with the job; the result is passed through as the worker wrote it."""
    body = json.dumps(job_body(job))
    if job.result_json is not None:
        body = f'{body[:-1]}, "result": {job.result_json}}}'
    else:
        body = f'{body[:-1]}, "result": null}}'
    response = Response(body, mimetype="application/json")
    response.set_etag(f"v{job.version}")
    response.headers["Cache-Control"] = "private, no-cache"
    if not job.state.is_final:
        response.headers["Retry-After"] = "1"
    return response


def accepted_response(submitted: Submitted) -> Response:
    """202 with where to look."""
    job = submitted.job
    body = {**job_body(job), "durability": submitted.durability, "result": None}
    response = Response(json.dumps(body), status=202, mimetype="application/json")
    response.headers["Location"] = url_for("jobs.read_job", job_id=job.id)
    response.headers["Retry-After"] = "1"
    response.headers["Cache-Control"] = "no-store"
    return response
