"""POST /api/v1/face/analyze: one photo in, a job out."""

from contextlib import suppress
from functools import partial

import structlog
import uuid_utils
from flask import Blueprint, Response, request

from api.images import check_image
from api.job_view import accepted_response, job_response
from api.services import Services, services
from api.uploads import Upload, read_upload
from api.waiting import read_or_wait, wait_seconds
from workers.errors import BlobStoreFailed, QueueFull, StoreRefused, StoreUnavailable
from workers.jobs import Job, NewJob, Submitted

blueprint = Blueprint("analyses", __name__)

_log = structlog.get_logger()


@blueprint.post("/api/v1/face/analyze")
def analyze() -> Response:
    """Check the image's header, keep it, store the job, wake a worker; answer 202.

    With `?wait=seconds` the answer is 200 with the ended job, if it ends in that time.
    """
    parts = services()
    seconds = wait_seconds(request.args)
    # Asked first: with the store away or the queue full nothing is read or kept.
    waiting = parts.jobs.waiting()
    if waiting >= parts.settings.max_waiting_jobs:
        raise QueueFull(waiting=waiting, limit=parts.settings.max_waiting_jobs)
    upload = read_upload(
        request,
        max_bytes=parts.settings.max_image_bytes,
        catalogue=parts.catalogue,
        disabled_analyses=parts.settings.disabled_analyses,
    )
    header = check_image(
        upload.content,
        max_bytes=parts.settings.max_image_bytes,
        max_pixels=parts.settings.max_image_pixels,
    )
    submitted = _submit(parts, upload, pixels=header.width * header.height)
    if seconds:
        job = _wait(parts, submitted.job.id, seconds)
        if job and job.state.is_final:
            return job_response(job)
    return accepted_response(submitted)


def _submit(parts: Services, upload: Upload, *, pixels: int) -> Submitted:
    job_id = f"job_{uuid_utils.uuid7().hex}"
    route = parts.router.route(upload.options)
    # The image first: a job always finds it. Should this process die in between, the sweep
    # deletes the orphan.
    parts.blobs.put(job_id, upload.content)
    try:
        submitted = parts.jobs.submit(
            NewJob(id=job_id, options=upload.options, route=route, blob_key=job_id, pixels=pixels),
            # The worker starts while the store still waits for its disk.
            on_stored=partial(_wake_worker, parts, job_id, route.queue),
        )
    except StoreRefused:
        # Certainly no job: its image would fill the disk until the sweep comes.
        with suppress(BlobStoreFailed):
            parts.blobs.delete(job_id)
        raise
    _log.info("analyze.accepted", job_id=job_id, queue=route.queue, reason=route.reason)
    return submitted


def _wake_worker(parts: Services, job_id: str, queue: str) -> None:
    """Send the wake-up. From here on the job is stored: no failure may deny that."""
    try:
        parts.queue.publish(job_id, queue)
    except StoreUnavailable as error:
        _log.warning("analyze.wake_up_not_sent", job_id=job_id, error=str(error))
        # The dispatcher sends it: at once if it can be told, else after the resend time.
        with suppress(StoreUnavailable):
            parts.jobs.expedite(job_id)


def _wait(parts: Services, job_id: str, seconds: float) -> Job | None:
    """The job after the wait; None when the store does not answer any more."""
    try:
        return read_or_wait(parts, job_id, seconds)
    except StoreUnavailable as error:
        _log.warning("analyze.wait_ended", job_id=job_id, error=str(error))
        return None
