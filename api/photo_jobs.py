"""From a request with files to the answer about its job: what all analyses have in common."""

from collections.abc import Callable, Sequence

import structlog
from flask import Response, request

from api.answers.jobs import AcceptedJob, JobAnswer
from api.endpoint import Endpoint, principal
from api.idempotency import RequestName, request_name
from api.identities.naming import namer
from api.inputs.body import Limits, Sent, read_body
from api.inputs.files import CheckedFile, checked_files, max_bytes
from api.inputs.forms import Form
from api.inputs.options import Asked, Namer, asked_of
from api.inputs.schemas import bodies_of
from api.job_view import accepted_response, job_response, mark_earlier
from api.limiting import charge
from api.long_bodies import allow_long_body
from api.principal import Scope
from api.query import query_of
from api.services import Services, services
from api.submission import require_room, submit_job
from api.waiting import WaitQuery, asked_wait, read_or_wait, tell_applied
from workers.errors import JobExpired, JobNotFound, StoreUnavailable
from workers.jobs.options import EnrollOptions, VideoOptions
from workers.jobs.store import Submitted

_log = structlog.get_logger()

_FILES = (
    *("missing_field", "unsupported_media_type", "unknown_model", "analysis_disabled"),
    *("option_unsupported", "file_too_large", "url_refused", "url_unreachable"),
    *("queue_full", "blob_store_unavailable", "gateway_busy"),
)
_IMAGES = (
    *("image_empty", "image_too_large", "image_unreadable", "invalid_image_format"),
    "animated_image",
)
_VIDEOS = ("video_empty", "invalid_video_format")
#: Of endpoints that may tell who people are.
NAMING_PROBLEMS = (
    *("collection_not_found", "contract_mismatch", "too_many_collections", "collection_exists"),
    "key_vault_unavailable",
)


def photo_endpoint(
    form: Form,
    name: str,
    *,
    scope: Scope = Scope.ANALYZE,
    tag: str = "analyses",
    more_problems: tuple[str, ...] = (),
) -> Endpoint:
    """The declaration of a route that `serve` serves.

    Args:
        form: What it takes.
        name: Begins the names of its bodies' models.
        scope: The right it takes.
        tag: Its group in the document.
        more_problems: Codes beyond those all have.
    """
    media = _VIDEOS if form.media == "video" else _IMAGES
    naming = NAMING_PROBLEMS if form.naming else ()
    return Endpoint(
        scope=scope,
        bucket="analysis",
        tag=tag,
        query=WaitQuery,
        bodies=bodies_of(form, name),
        answers={200: JobAnswer, 202: AcceptedJob},
        problems=tuple(dict.fromkeys((*_FILES, *media, *naming, *more_problems))),
        idempotent=True,
    )


def serve(form: Form) -> Response:
    """Check the files' headers, keep them, store the job, wake a worker."""
    parts, sent = services(), received(form)
    return submitted(form, sent, asked_by(parts, form, sent))


def received(form: Form) -> Sent:
    """What the current request holds.

    Raises:
        ApiError: it can't be read, or lacks a file.
        QueueFull: too many jobs wait already: nothing was read.
    """
    parts = services()
    # What was asked wrongly is refused before anything is read.
    query_of(WaitQuery)
    request_name()
    if form.media == "video":
        allow_long_body(request.environ)
    # Asked first: with the store away or the queue full nothing is read or kept.
    require_room(parts)
    settings = parts.settings
    limits = Limits(file_bytes=max_bytes(form, settings), json_bytes=settings.max_json_bytes)
    return read_body(request, form, limits)


def submitted(
    form: Form, sent: Sent, asked: Asked, *, ready: Callable[[], None] | None = None
) -> Response:
    """Take the files of a request and answer with their job.

    Args:
        form: What the endpoint takes.
        sent: What the request holds.
        asked: What it asks for.
        ready: Called once everything was checked, before the job is stored; not for a request
            that is sent again.
    """
    parts, name = services(), request_name()
    if further := _images_of(asked, sent) - 1:
        charge(images=further)
    settings = parts.settings
    with checked_files(sent.sources, form, settings=settings, outbound=parts.outbound) as files:
        if fetched_bytes := sum(file.fetched_bytes for file in files):
            charge(upload_bytes=fetched_bytes)
        if ready and not _is_known(parts, name):
            ready()
        made = submit_job(parts, _with_digests(asked, files), files, name)
    return _job_answer(parts, made)


def _is_known(parts: Services, name: RequestName) -> bool:
    """Whether the request has made its job before."""
    try:
        return bool(name.key) and bool(parts.jobs.get(name.id_for("job")))
    except JobExpired:
        return True
    except JobNotFound:
        return False


def submitted_task(asked: Asked, files: Sequence[CheckedFile] = ()) -> Response:
    """Take a job that no photo came with, and answer with it.

    Raises:
        QueueFull: too many jobs wait already.
    """
    parts, name = services(), request_name()
    require_room(parts)
    return _job_answer(parts, submit_job(parts, asked, files, name))


def asked_by(parts: Services, form: Form, sent: Sent, *, own_namer: Namer | None = None) -> Asked:
    """What the members of a request ask for, its webhook accepted.

    Args:
        parts: Of the gateway.
        form: What the endpoint takes.
        sent: What the request holds.
        own_namer: Of an endpoint whose address names the collection.
    """
    asked = asked_of(
        sent.members,
        form,
        catalogue=parts.catalogue,
        disabled_analyses=parts.settings.disabled_analyses,
        namer=own_namer or namer(parts),
    )
    if asked.webhook_url:
        parts.webhooks.accept(principal().user_id, asked.webhook_url)
    return asked


def _images_of(asked: Asked, sent: Sent) -> int:
    """What a request counts as towards the limits: its photos, or the frames to be looked at."""
    options = asked.options
    return options.max_frames if isinstance(options, VideoOptions) else len(sent.sources)


def _with_digests(asked: Asked, files: Sequence[CheckedFile]) -> Asked:
    """Photos that are enrolled are known by what they hold."""
    if not isinstance(asked.options, EnrollOptions):
        return asked
    digests = tuple(file.digest for file in files)
    options = asked.options.model_copy(update={"digests": digests})
    return Asked(options=options, tags=asked.tags, webhook_url=asked.webhook_url)


def _job_answer(parts: Services, made: Submitted) -> Response:
    """The job as it was taken; as it ended, where it ends in the time the client will wait."""
    query = query_of(WaitQuery)
    seconds = asked_wait(query)
    response = accepted_response(made)
    if seconds and not made.job.state.is_final:
        ended = _ended(parts, made.job.id, seconds)
        response = mark_earlier(ended, made) if ended else response
    return tell_applied(response, query)


def _ended(parts: Services, job_id: str, seconds: float) -> Response | None:
    """The job once it has ended; None when it has not, or the store does not answer any more."""
    try:
        job = read_or_wait(parts, job_id, seconds)
        return job_response(job) if job.state.is_final else None
    except StoreUnavailable as error:
        _log.warning("analyze.wait_ended", job_id=job_id, error=str(error))
        return None
