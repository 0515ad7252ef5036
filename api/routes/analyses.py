"""Analyses: files in, a job out. Every endpoint is one form of the same thing."""

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Blueprint, Response, request

from api.answers.jobs import AcceptedJob, JobAnswer
from api.endpoint import Endpoint, endpoint, principal
from api.idempotency import request_name
from api.inputs.analyses import (
    ANALYZE,
    ANTI_SPOOF,
    COMPARE,
    DEEPFAKE,
    DEMOGRAPHICS,
    DETECT,
    LIVENESS,
    RECOGNIZE,
    VIDEO,
)
from api.inputs.body import Limits, Sent, read_body
from api.inputs.files import checked_files, max_bytes
from api.inputs.forms import Form
from api.inputs.options import Asked, asked_of
from api.inputs.schemas import bodies_of
from api.job_view import accepted_response, job_response, mark_earlier
from api.limiting import charge
from api.long_bodies import allow_long_body
from api.principal import Scope
from api.query import query_of
from api.services import Services, services
from api.submission import require_room, submit_job
from api.waiting import WaitQuery, asked_wait, read_or_wait, tell_applied
from workers.errors import StoreUnavailable
from workers.job_options import VideoOptions
from workers.jobs import Job, Submitted

blueprint = Blueprint("analyses", __name__)

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


def _endpoint(form: Form, name: str, *, more_problems: tuple[str, ...] = ()) -> Endpoint:
    media = _VIDEOS if form.media == "video" else _IMAGES
    return Endpoint(
        scope=Scope.ANALYZE,
        bucket="analysis",
        tag="analyses",
        query=WaitQuery,
        bodies=bodies_of(form, name),
        answers={200: JobAnswer, 202: AcceptedJob},
        problems=(*_FILES, *media, *more_problems),
        idempotent=True,
    )


@blueprint.post("/api/v1/face/analyze")
@endpoint(_endpoint(ANALYZE, "Analyze", more_problems=("unknown_analysis",)))
def analyze() -> Response:
    """Analyse a photo: any of five analyses of every face.

    Answered 202 with a job; with `?wait=` or `Prefer: wait=` 200 with the ended job, if it ends in
    that time.
    """
    return _serve(ANALYZE)


@blueprint.post("/api/v1/face/detect")
@blueprint.post("/api/v1/face-detection/detect")
@endpoint(_endpoint(DETECT, "Detect"))
def detect() -> Response:
    """Find the faces of a photo, with landmarks and quality."""
    return _serve(DETECT)


@blueprint.post("/api/v1/face/recognize")
@blueprint.post("/api/v1/face-recognition/extract-embedding")
@endpoint(_endpoint(RECOGNIZE, "Recognize"))
def recognize() -> Response:
    """Describe the faces of a photo by embeddings, which tell people apart.

    There is no database of known people: `matches` is null and `matches_missing` says why.
    """
    return _serve(RECOGNIZE)


@blueprint.post("/api/v1/face/verify")
@endpoint(_endpoint(COMPARE, "Verify"))
def verify() -> Response:
    """Tell whether the largest faces of two photos are one person's."""
    return _serve(COMPARE)


@blueprint.post("/api/v1/face/anti-spoof")
@blueprint.post("/api/v1/face/antispoof")
@blueprint.post("/api/v1/anti-spoofing/detect-liveness")
@endpoint(_endpoint(ANTI_SPOOF, "AntiSpoof"))
def anti_spoof() -> Response:
    """Tell of each face of a photo whether it is a person or a picture of one."""
    return _serve(ANTI_SPOOF)


@blueprint.post("/api/v1/face/liveness")
@blueprint.post("/api/v1/anti-spoofing/detect-liveness-sequence")
@endpoint(_endpoint(LIVENESS, "Liveness"))
def liveness() -> Response:
    """Tell from two to five photos of one face, oldest first, whether it is live."""
    return _serve(LIVENESS)


@blueprint.post("/api/v1/face/deepfake")
@blueprint.post("/api/v1/deepfake-detection/detect-deepfake")
@endpoint(_endpoint(DEEPFAKE, "Deepfake"))
def deepfake() -> Response:
    """Tell of each face of a photo, and of the photo, whether it was manipulated."""
    return _serve(DEEPFAKE)


@blueprint.post("/api/v1/face/demographics")
@blueprint.post("/api/v1/gender-age/detect")
@endpoint(_endpoint(DEMOGRAPHICS, "Demographics"))
def demographics() -> Response:
    """Estimate how old each face of a photo looks, and which gender it reads as."""
    return _serve(DEMOGRAPHICS)


@blueprint.post("/api/v1/face/analyze-video")
@blueprint.post("/api/v1/video/deepfake")
@endpoint(_endpoint(VIDEO, "AnalyzeVideo"))
def analyze_video() -> Response:
    """Follow the people in a video and tell whether any of them was manipulated."""
    return _serve(VIDEO)


def _serve(form: Form) -> Response:
    """Check the files' headers, keep them, store the job, wake a worker."""
    parts, query, name = services(), query_of(WaitQuery), request_name()
    if form.media == "video":
        allow_long_body(request.environ)
    seconds = asked_wait(query)
    # Asked first: with the store away or the queue full nothing is read or kept.
    require_room(parts)
    settings = parts.settings
    limits = Limits(file_bytes=max_bytes(form, settings), json_bytes=settings.max_json_bytes)
    sent = read_body(request, form, limits)
    asked = _asked(parts, form, sent.members)
    if further := _images_of(asked, sent) - 1:
        charge(images=further)
    with checked_files(sent.sources, form, settings=settings, outbound=parts.outbound) as files:
        if fetched_bytes := sum(file.fetched_bytes for file in files):
            charge(upload_bytes=fetched_bytes)
        submitted = submit_job(parts, asked, files, name)
    return tell_applied(_answer(parts, submitted, seconds), query)


def _images_of(asked: Asked, sent: Sent) -> int:
    """What a request counts as towards the limits: its photos, or the frames to be looked at."""
    options = asked.options
    return options.max_frames if isinstance(options, VideoOptions) else len(sent.sources)


def _asked(parts: Services, form: Form, members: Mapping[str, Any]) -> Asked:
    asked = asked_of(
        members,
        form,
        catalogue=parts.catalogue,
        disabled_analyses=parts.settings.disabled_analyses,
    )
    if asked.webhook_url:
        parts.webhooks.accept(principal().user_id, asked.webhook_url)
    return asked


def _answer(parts: Services, submitted: Submitted, seconds: float) -> Response:
    if seconds and not submitted.job.state.is_final:
        job = _wait(parts, submitted.job.id, seconds)
        if job and job.state.is_final:
            return mark_earlier(job_response(job), submitted)
    return accepted_response(submitted)


def _wait(parts: Services, job_id: str, seconds: float) -> Job | None:
    """The job after the wait; None when the store does not answer any more."""
    try:
        return read_or_wait(parts, job_id, seconds)
    except StoreUnavailable as error:
        _log.warning("analyze.wait_ended", job_id=job_id, error=str(error))
        return None
