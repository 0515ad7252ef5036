"""GET /api/v1/jobs/{id}: a job's state and result, waiting for its end if asked."""

from flask import Blueprint, Response, request

from api.job_view import job_response
from api.services import services
from api.waiting import read_or_wait, wait_seconds

blueprint = Blueprint("jobs", __name__)


@blueprint.get("/api/v1/jobs/<job_id>")
def read_job(job_id: str) -> Response:
    """The job; with `?wait=seconds` as soon as it has ended, at the latest after that time."""
    response = job_response(read_or_wait(services(), job_id, wait_seconds(request.args)))
    response.make_conditional(request)
    return response
