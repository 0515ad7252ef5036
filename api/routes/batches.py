"""Batches: many photos submitted together, watched, added to, ended."""

from contextlib import suppress
from http import HTTPStatus
from typing import Annotated

from flask import Blueprint, Response, json, request, stream_with_context, url_for
from pydantic import BaseModel, ConfigDict, Field

from api.answers.batches import BatchAnswer, BatchList, RetriedBatch, TakenBatch
from api.batches.own import own_batch
from api.batches.sources import MANIFEST, TAR, TAR_GZIP, ZIP
from api.batches.submission import add, submit, taken_response
from api.batches.view import batch_body, batch_response
from api.batches.waiting import batch_events, read_or_wait
from api.batches.wishes import AddBody, AddForm, RetryBody, SubmitBody, SubmitForm, SubmitQuery
from api.cursors import cursor_of, place_of
from api.endpoint import Endpoint, endpoint, principal
from api.idempotency import replayed
from api.json_body import read_json
from api.lists import list_response
from api.photo_jobs import NAMING_PROBLEMS
from api.principal import Scope
from api.query import query_of
from api.services import services
from api.sse import last_seen
from api.tags import Tag
from api.waiting import WaitQuery, asked_wait, tell_applied
from workers.batches.records import BatchPlace, BatchState
from workers.errors import BatchExpired
from workers.jobs.records import Place

blueprint = Blueprint("batches", __name__)

UNKNOWN = ("batch_not_found", "batch_expired")
_ARCHIVES = {kind: None for kinds in (ZIP, TAR, TAR_GZIP, MANIFEST) for kind in sorted(kinds)}
_INTAKE = (
    *("unsupported_media_type", "batch_empty", "batch_too_large", "batch_closed"),
    *("archive_damaged", "archive_truncated", "archive_too_large", "archive_bomb"),
    *("unknown_upload", "upload_unfinished", "upload_incomplete"),
    *("queue_full", "blob_store_unavailable", "url_refused"),
)


class ListQuery(BaseModel):
    """Which batches, and how many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Most batches of the answer. There may be fewer although more follow.
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    #: The `next_cursor` of the answer before.
    after: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    #: Only batches in this state.
    state: BatchState | None = None
    #: Only batches with this tag.
    tag: Tag | None = None


@blueprint.post("/api/v1/batch/submit")
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="batch",
        tag="batches",
        query=SubmitQuery,
        bodies={
            "multipart/form-data": SubmitForm,
            "application/json": SubmitBody,
            **_ARCHIVES,
        },
        answers={202: TakenBatch},
        problems=(
            *_INTAKE,
            *("unknown_analysis", "unknown_model", "analysis_disabled", "option_unsupported"),
            *NAMING_PROBLEMS,
        ),
        idempotent=True,
    )
)
def submit_batch() -> Response:
    """Submit many photos at once: files of a form, a ZIP or TAR archive, a list, an upload.

    What can't be analysed becomes a failed item with its reason. With an `Idempotency-Key` the
    request may be sent again after a broken connection: what had arrived is not taken twice.
    """
    parts = services()
    return taken_response(parts, submit(parts))


@blueprint.get("/api/v1/batch/list")
@endpoint(Endpoint(scope=Scope.BATCH, tag="batches", query=ListQuery, answers={200: BatchList}))
def list_batches() -> Response:
    """One's batches, the latest first.

    `Link` names the next part. A part may be short or empty and have a next one: with `state` or
    `tag`, a bounded number of batches is looked at for each answer.
    """
    query = query_of(ListQuery)
    place = place_of(query.after) if query.after else None
    page = services().batches.list(
        principal().user_id,
        limit=query.limit,
        after=BatchPlace(created_ms=place.created_ms, id=place.id) if place else None,
        state=query.state,
        tag=query.tag,
    )
    following = page.after
    cursor = (
        cursor_of(Place(created_ms=following.created_ms, id=following.id)) if following else None
    )
    return list_response(
        json.dumps([batch_body(batch) for batch in page.batches]),
        cursor,
        address=url_for("batches.list_batches"),
        given=query.model_dump(mode="json", exclude_none=True),
    )


@blueprint.get("/api/v1/batch/<string(length=38):batch_id>")
@blueprint.get("/api/v1/batch/status/<batch_id>")
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        tag="batches",
        query=WaitQuery,
        answers={200: BatchAnswer, 304: None},
        problems=UNKNOWN,
    )
)
def read_batch(batch_id: str) -> Response:
    """A batch with its counts.

    With `?wait=SECONDS` or `Prefer: wait=SECONDS` as soon as it has ended, at the latest after that
    time.
    """
    parts, query = services(), query_of(WaitQuery)
    batch = read_or_wait(parts, own_batch(parts, batch_id), asked_wait(query))
    response = batch_response(batch)
    response.make_conditional(request)
    return tell_applied(response, query)


@blueprint.get("/api/v1/batch/<batch_id>/events")
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        tag="batches",
        answers={200: "text/event-stream", 204: None},
        problems=UNKNOWN,
    )
)
def follow_batch(batch_id: str) -> Response:
    """A batch's progress as Server-Sent Events, until its end.

    Each event is named `batch`, has the batch's version as its id and the batch as its data; there
    is at most one a second. A client that comes back with `Last-Event-ID` is told what it has not
    seen; `204` when that is nothing and the batch has ended.
    """
    parts, seen = services(), last_seen()
    batch = own_batch(parts, batch_id)
    if batch.state.is_final and seen >= batch.version:
        return Response(status=HTTPStatus.NO_CONTENT)
    events = stream_with_context(batch_events(parts, batch_id, seen))
    response = Response(events, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    # nginx would collect the events otherwise.
    response.headers["X-Accel-Buffering"] = "no"
    return response


@blueprint.post("/api/v1/batch/<batch_id>/items")
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="write",
        tag="batches",
        bodies={"multipart/form-data": AddForm, "application/json": AddBody, **_ARCHIVES},
        answers={202: TakenBatch},
        problems=(*UNKNOWN, *_INTAKE),
    )
)
def add_items(batch_id: str) -> Response:
    """Add photos to an open batch, as forms, archives and lists like those of a new one.

    An item whose id is there with the same photo is passed over, so the same request may be sent
    again; one with another photo is named in `receipt.conflicts`, and nothing is changed.
    """
    parts = services()
    return taken_response(parts, add(parts, own_batch(parts, batch_id)))


@blueprint.post("/api/v1/batch/<batch_id>/close")
@replayed
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="write",
        tag="batches",
        answers={200: BatchAnswer},
        problems=UNKNOWN,
        idempotent=True,
    )
)
def close_batch(batch_id: str) -> Response:
    """Take no more items: the batch ends when all it has have ended."""
    parts = services()
    own_batch(parts, batch_id)
    return batch_response(parts.batches.close(batch_id))


@blueprint.delete("/api/v1/batch/cancel/<batch_id>")
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="write",
        tag="batches",
        answers={200: BatchAnswer, 202: BatchAnswer},
        problems=UNKNOWN,
    )
)
def cancel_batch(batch_id: str) -> Response:
    """Ask for a batch's end: what waits ends now, what runs as soon as its worker looks.

    `200` when the batch has ended, now or before; `202` when items still run. What was done stays
    readable.
    """
    parts = services()
    own_batch(parts, batch_id)
    outcome = parts.batches.cancel(batch_id)
    status = HTTPStatus.ACCEPTED if outcome == "asked" else HTTPStatus.OK
    return batch_response(own_batch(parts, batch_id), status=status)


@blueprint.post("/api/v1/batch/<batch_id>/cancel")
@replayed
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="write",
        tag="batches",
        answers={200: BatchAnswer, 202: BatchAnswer},
        problems=UNKNOWN,
        idempotent=True,
    )
)
def cancel_batch_by_post(batch_id: str) -> Response:
    """The same as `DELETE /api/v1/batch/cancel/{batch_id}`."""
    return cancel_batch(batch_id)


@blueprint.post("/api/v1/batch/<batch_id>/retry")
@replayed
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="write",
        tag="batches",
        bodies={"application/json": RetryBody},
        body_optional=True,
        answers={202: RetriedBatch},
        problems=(*UNKNOWN, "batch_cancelled", "batch_retry_over"),
        idempotent=True,
    )
)
def retry_batch(batch_id: str) -> Response:
    """Try failed items again whose photo is still stored; a batch that has ended goes on."""
    parts, body = services(), read_json(RetryBody)
    own_batch(parts, batch_id)
    retried = parts.batches.retry_failed(batch_id, only_retryable=body.only_retryable)
    parts.chunks.feed(batch_id)
    batch = own_batch(parts, batch_id)
    return batch_response(batch, {**batch_body(batch), "retried": retried}, HTTPStatus.ACCEPTED)


@blueprint.delete("/api/v1/batch/<string(length=38):batch_id>")
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="write",
        tag="batches",
        answers={204: None},
        problems=("batch_not_found", "batch_not_ended"),
    )
)
def delete_batch(batch_id: str) -> Response:
    """Delete a batch that has ended, with its results; the next sweep takes its photos.

    From then on it is answered `410`; deleting it again changes nothing.
    """
    parts = services()
    with suppress(BatchExpired):
        own_batch(parts, batch_id)
        parts.batches.delete(batch_id)
    return Response(status=HTTPStatus.NO_CONTENT)
