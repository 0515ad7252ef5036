"""One's own jobs: read, listed, waited for, followed, ended, deleted."""

from contextlib import suppress
from typing import Annotated

from flask import Blueprint, Response, json, request, stream_with_context, url_for
from pydantic import BaseModel, ConfigDict, Field

from api.answers.jobs import JobAnswer, JobList
from api.cursors import cursor_of, place_of
from api.endpoint import Endpoint, endpoint, principal
from api.idempotency import replayed
from api.job_view import job_body, job_response
from api.lists import list_response
from api.naming_right import require_naming_right
from api.principal import Scope
from api.query import query_of
from api.services import Services, services
from api.sse import job_events, last_seen
from api.tags import Tag
from api.waiting import WaitQuery, asked_wait, read_or_wait, tell_applied
from workers.contract import JOB_ID, JobState
from workers.errors import BlobStoreFailed, JobExpired, JobNotFound
from workers.jobs.store import Job

blueprint = Blueprint("jobs", __name__)

_UNKNOWN = ("job_not_found", "job_expired")


class ListQuery(BaseModel):
    """Which jobs, and how many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Most jobs of the answer. There may be fewer although more follow.
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    #: The `next_cursor` of the answer before.
    after: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    #: Only jobs in this state.
    state: JobState | None = None
    #: Only jobs with this tag.
    tag: Tag | None = None


@blueprint.get("/api/v1/jobs")
@endpoint(Endpoint(scope=Scope.ANALYZE, tag="jobs", query=ListQuery, answers={200: JobList}))
def list_jobs() -> Response:
    """One's jobs, the latest first, without their results.

    `Link` names the next part. A part may be short or empty and have a next one: with `state` or
    `tag`, a bounded number of jobs is looked at for each answer.
    """
    query = query_of(ListQuery)
    page = services().jobs.list(
        principal().user_id,
        limit=query.limit,
        after=place_of(query.after) if query.after else None,
        state=query.state,
        tag=query.tag,
    )
    cursor = cursor_of(page.after) if page.after else None
    return list_response(
        json.dumps([job_body(job) for job in page.jobs]),
        cursor,
        address=url_for("jobs.list_jobs"),
        given=query.model_dump(mode="json", exclude_none=True),
    )


@blueprint.get("/api/v1/jobs/<job_id>")
@endpoint(
    Endpoint(
        scope=Scope.ANALYZE,
        tag="jobs",
        query=WaitQuery,
        answers={200: JobAnswer, 304: None},
        problems=_UNKNOWN,
    )
)
def read_job(job_id: str) -> Response:
    """A job, whether it waits, runs, succeeded or failed.

    With `?wait=SECONDS` or `Prefer: wait=SECONDS` as soon as it has ended, at the latest after that
    time.
    """
    parts, query = services(), query_of(WaitQuery)
    job = own_job(parts, job_id)
    seconds = asked_wait(query)
    if seconds and not job.state.is_final:
        job = read_or_wait(parts, job_id, seconds)
    response = job_response(job)
    response.make_conditional(request)
    return tell_applied(response, query)


@blueprint.get("/api/v1/jobs/<job_id>/events")
@endpoint(
    Endpoint(
        scope=Scope.ANALYZE,
        tag="jobs",
        answers={200: "text/event-stream", 204: None},
        problems=_UNKNOWN,
    )
)
def follow_job(job_id: str) -> Response:
    """A job's changes as Server-Sent Events, until its end.

    Each event is named `job`, has the job's version as its id and the job as its data. A client
    that comes back with `Last-Event-ID` is told what it has not seen; `204` when that is nothing
    and the job has ended.
    """
    parts, seen = services(), last_seen()
    job = own_job(parts, job_id)
    if job.state.is_final and seen >= job.version:
        return Response(status=204)
    events = stream_with_context(job_events(parts, job_id, seen))
    response = Response(events, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    # nginx would collect the events otherwise.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _as_it_is(location: str) -> Response:
    """The job whose end was asked for before. An answer that is kept would outlive who is in it."""
    del location
    return job_response(own_job(services(), (request.view_args or {})["job_id"]))


@blueprint.post("/api/v1/jobs/<job_id>/cancel")
@replayed(has_secret=True, again=_as_it_is)
@endpoint(
    Endpoint(
        scope=Scope.ANALYZE,
        bucket="write",
        tag="jobs",
        answers={200: JobAnswer, 202: JobAnswer},
        problems=_UNKNOWN,
        idempotent=True,
    )
)
def cancel_job(job_id: str) -> Response:
    """Ask for a job's end.

    `200` with the job when it has ended: it waited and is cancelled now, or had ended before and
    stays what it is. `202` when it runs: its worker stops at its next step.
    """
    parts = services()
    own_job(parts, job_id)
    outcome = parts.jobs.cancel(job_id)
    job = own_job(parts, job_id)
    if outcome == "cancelled":
        _forget_blobs(parts, job.blob_keys)
    return job_response(job, status=202 if outcome == "asked" else 200)


@blueprint.delete("/api/v1/jobs/<job_id>")
@endpoint(
    Endpoint(
        scope=Scope.ANALYZE,
        bucket="write",
        tag="jobs",
        answers={204: None},
        problems=("job_not_found",),
    )
)
def delete_job(job_id: str) -> Response:
    """Delete a job with its photos, its result and its place in every list.

    One that waits or runs is cancelled. From then on it is answered `410`; deleting it again
    changes nothing.
    """
    parts = services()
    # Deleted before, or expired: nothing of it is left.
    with suppress(JobExpired):
        own_job(parts, job_id)
        _forget_blobs(parts, parts.jobs.delete(job_id).blob_keys)
    return Response(status=204)


def own_job(parts: Services, job_id: str) -> Job:
    """A job of the caller's. Anybody else's is answered as if there were none.

    Raises:
        JobNotFound: there is none that the caller may know of.
        JobExpired: it can't be read any more.
        ScopeMissing: it tells who somebody is, which the caller may not know.
    """
    unknown = JobNotFound(f"There is no job '{job_id}'.")
    if not JOB_ID.fullmatch(job_id):
        raise JobNotFound("There is no such job: ids are `job_` and 32 hexadecimal digits.")
    try:
        job = parts.jobs.get(job_id)
    except JobExpired as error:
        if error.owner != principal().user_id:
            raise unknown from None
        raise
    # A batch's chunks are its own affair.
    if job.owner != principal().user_id or job.options.kind == "chunk":
        raise unknown
    require_naming_right(job.options, principal())
    return job


def _forget_blobs(parts: Services, keys: tuple[str, ...]) -> None:
    for key in keys:
        with suppress(BlobStoreFailed):  # the sweep deletes it
            parts.blobs.delete(key)
