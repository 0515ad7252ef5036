"""A job as clients see it."""

import math
import time
from typing import Any

from flask import Response, json, url_for

from api.idempotency import REPLAYED_HEADER
from api.options_view import options_view
from api.result_cache import CACHE_HEADER
from api.services import services
from api.timestamps import timestamp
from api.told_results import result_tag, told_job
from workers.contract import JobState
from workers.jobs.store import Job, Submitted

#: Longest time a client is told to stay away, seconds: what is expected may come sooner.
LONGEST_AWAY_SECONDS = 30


def job_body(job: Job) -> dict[str, Any]:
    """The job as a JSON object, without its result."""
    return {
        "id": job.id,
        "kind": job.options.kind,
        "state": job.state,
        "attempt": job.attempt,
        "cancel_asked": job.cancel_asked,
        "tags": job.tags,
        "options": options_view(job.options),
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
        "expires_at": timestamp(job.expires_ms),
        "waited_ms": None if job.started_ms is None else job.started_ms - job.created_ms,
        "error": job.error
        and {
            "code": job.error.code,
            "message": job.error.message,
            "retryable": job.error.retryable,
        },
        "links": {
            "self": url_for("jobs.read_job", job_id=job.id),
            "events": url_for("jobs.follow_job", job_id=job.id),
            "cancel": url_for("jobs.cancel_job", job_id=job.id),
        },
    }


def job_text(job: Job) -> str:
    """The job as JSON; the result is passed through as it is.

    Args:
        job: As `api.told_results` tells it.
    """
    result = "null" if job.result_json is None else job.result_json
    return f'{json.dumps(job_body(job))[:-1]}, "result": {result}}}'


def job_response(job: Job, status: int = 200) -> Response:
    """The job, with a tag that changes when it does, or when somebody in it is forgotten.

    Raises:
        StoreUnavailable: the result names people, and who was deleted can't be read.
    """
    told = told_job(services(), job)
    response = Response(job_text(told), status=status, mimetype="application/json")
    response.set_etag(f"v{job.version}" if told is job else f"v{job.version}-{result_tag(told)}")
    response.headers["Cache-Control"] = "private, no-cache"
    if not job.state.is_final:
        response.headers["Retry-After"] = str(retry_after_seconds(job, time.time() * 1000))
    return response


def accepted_response(submitted: Submitted) -> Response:
    """202 with where to look; 200 with the job itself where an earlier one has ended."""
    job = submitted.job
    if job.state.is_final:
        response = job_response(job)
    else:
        body = {**job_body(job), "durability": submitted.durability, "result": None}
        response = Response(json.dumps(body), status=202, mimetype="application/json")
        retry_seconds = retry_after_seconds(job, time.time() * 1000)
        response.headers["Retry-After"] = str(retry_seconds)
        response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = url_for("jobs.read_job", job_id=job.id)
    return mark_earlier(response, submitted)


def mark_earlier(response: Response, submitted: Submitted) -> Response:
    """Say where an answer is not this request's own."""
    if submitted.is_cached:
        response.headers[CACHE_HEADER] = "hit"
    elif not submitted.is_new:
        response.headers[REPLAYED_HEADER] = "true"
    return response


def retry_after_seconds(job: Job, now_ms: float) -> int:
    """When a job that has not ended should be asked for again: at its expected end.

    Args:
        job: Waits or runs.
        now_ms: Milliseconds since 1970.

    Returns:
        1 to LONGEST_AWAY_SECONDS; 1 where nothing was measured or the time is over.
    """
    expected_ms = job.route.expected_ms
    if expected_ms is None:
        return 1
    since_ms = job.created_ms if job.state is JobState.QUEUED else job.started_ms or job.created_ms
    left_seconds = math.ceil((since_ms + expected_ms - now_ms) / 1000)
    return min(max(1, left_seconds), LONGEST_AWAY_SECONDS)
