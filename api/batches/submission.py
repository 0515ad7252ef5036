"""One request with photos, taken into a batch."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from flask import Response, json, request, url_for

from api.batches.intake import Intake, Named
from api.batches.small import SMALL, open_small
from api.batches.sources import Source, forget_upload, open_source
from api.batches.view import batch_body, batch_response, taken_body
from api.batches.wishes import AskedBatch, BatchWishes, asked_batch
from api.endpoint import principal
from api.errors import ApiError
from api.idempotency import REPLAYED_HEADER, request_name
from api.long_bodies import allow_long_body
from api.options_view import options_view
from api.services import Services
from api.submission import require_room
from workers.batches.records import Batch
from workers.jobs.options import EnrollOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A request that was taken."""

    batch: Batch
    intake: Intake


def submit(parts: Services) -> Submission:
    """Make a batch of the current request's photos; the same again where it was made before.

    Raises:
        ApiError: what was sent can't be read. The problem's `batch` is what there is of it.
        QueueFull: too many jobs wait already.
        IdempotencyConflict: the request's name was given to another one.
    """
    # Asked first: with the store away or the queue full nothing is read or kept.
    require_room(parts)
    with allowed(open_source(parts, request, principal().user_id)) as source:
        return _made(parts, source, asked_batch(parts, source.members))


def submit_small(parts: Services) -> Submission:
    """Make a batch of the few photos of the current request.

    Raises:
        ApiError: as `submit` does.
    """
    require_room(parts)
    with allowed(open_small(parts, request)) as source:
        if unknown := {"open", "incomplete"} & set(source.members):
            option = min(unknown)
            raise ApiError("unknown_option", f"There is no option '{option}' here.", field=option)
        # A request that breaks off leaves nothing that waits for more.
        members = {**source.members, "incomplete": "close"}
        asked = asked_batch(parts, members, SMALL)
        return _made(parts, source, asked, charged_images=1)


def add(parts: Services, batch: Batch) -> Submission:
    """Add the current request's photos to a batch that is open.

    Raises:
        ApiError: as `submit` does; or the request has options, which are the batch's.
    """
    require_room(parts)
    if isinstance(batch.options, EnrollOptions):
        detail = "An enrolment takes only what its own request brings. Send another request."
        raise ApiError("batch_closed", detail)
    with allowed(open_source(parts, request, batch.owner)) as source:
        if source.members:
            option = min(source.members)
            detail = f"'{option}': options are the batch's and can't be changed."
            raise ApiError("unknown_option", detail, field=option)
        if request.mimetype == "application/json" and not source.names:
            raise ApiError("missing_field", "Name an upload.", field="upload")
        asked = AskedBatch(
            options=batch.options, wishes=BatchWishes(open=True), tags=(), webhook_url=""
        )
        named = Named(id=batch.id, owner=batch.owner, existing=batch)
        return taken(parts, Intake(parts, named, asked), source)


def taken_response(parts: Services, submission: Submission) -> Response:
    """202 with the batch and what was taken."""
    batch, intake = submission.batch, submission.intake
    body = taken_body(batch, intake.taken, parts.batches.confirm())
    response = batch_response(batch, body, status=202)
    response.headers["Location"] = url_for("batches.read_batch", batch_id=batch.id)
    return mark_earlier(response, submission)


def mark_earlier(response: Response, submission: Submission) -> Response:
    """Say where the batch is an earlier request's."""
    if submission.intake.is_replay:
        response.headers[REPLAYED_HEADER] = "true"
    return response


@contextmanager
def allowed(source: Source) -> Iterator[Source]:
    """The photos of the current request, however long they take to arrive."""
    allow_long_body(request.environ)
    with closing(source.sent):
        yield source


def _made(
    parts: Services, source: Source, asked: AskedBatch, *, charged_images: int = 0
) -> Submission:
    named = replace(named_by(parts, asked, source.names), charged_images=charged_images)
    return taken(parts, Intake(parts, named, asked), source)


def named_by(parts: Services, asked: AskedBatch, *names: str) -> Named:
    """The batch of the current request, by the name its client gave it.

    Args:
        parts: Of the gateway.
        asked: What is asked of it.
        names: What else tells the request from others.

    Raises:
        WebhookError: the address that is to be told can't be taken.
    """
    name, owner = request_name(), principal().user_id
    if asked.webhook_url:
        parts.webhooks.accept(owner, asked.webhook_url)
    fingerprint = name.fingerprint(
        json.dumps(options_view(asked.options)),
        asked.wishes.model_dump_json(),
        *asked.tags,
        asked.webhook_url,
        *names,
    )
    return Named(id=name.id_for("batch"), owner=owner, fingerprint=fingerprint)


def taken(parts: Services, intake: Intake, source: Source) -> Submission:
    """Take everything that was sent.

    Raises:
        ApiError: as `submit` does.
    """
    if intake.is_replay and source.names and intake.batch is not None:
        # What it names may be gone; its name is part of the fingerprint.
        return Submission(batch=intake.batch, intake=intake)
    try:
        batch = intake.take(source.sent)
    except ApiError as error:
        if intake.batch is not None:
            error.extra["batch"] = batch_body(intake.batch)
        raise
    if source.upload is not None:
        forget_upload(parts, source.upload)
    return Submission(batch=batch, intake=intake)
