"""From files and options to a stored job whose worker was woken."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import structlog

from api.endpoint import principal
from api.idempotency import RequestName
from api.inputs.files import CheckedFile
from api.inputs.options import Asked
from api.result_cache import cache_key, wants_new_result
from api.services import Services
from workers.contract import JobState
from workers.errors import (
    BlobStoreFailed,
    IdempotencyConflict,
    JobExpired,
    QueueFull,
    StoreRefused,
    StoreUnavailable,
)
from workers.jobs.records import blob_keys
from workers.jobs.store import NewJob, Submitted

_log = structlog.get_logger()


def require_room(parts: Services) -> None:
    """Refuse further jobs while too many wait.

    Raises:
        QueueFull: too many do.
        StoreUnavailable: the job store does not answer.
    """
    waiting = parts.jobs.waiting()
    if waiting >= parts.settings.max_waiting_jobs:
        raise QueueFull(waiting=waiting, limit=parts.settings.max_waiting_jobs)


def submit_job(
    parts: Services, asked: Asked, files: Sequence[CheckedFile], name: RequestName
) -> Submitted:
    """Store a job and wake a worker, unless the client or the cache has it already.

    Args:
        parts: Of the gateway.
        asked: What is asked of the files.
        files: In the order the job's kind wants.
        name: What the client calls the request.

    Raises:
        IdempotencyConflict: the name was given to another request.
        BlobStoreFailed: a file could not be stored; there is no job.
        StoreUnavailable: the job store does not answer.
    """
    digests = [file.digest for file in files]
    job_id = name.id_for("job")
    options_json = asked.options.model_dump_json()
    fingerprint = name.fingerprint(options_json, *asked.tags, asked.webhook_url, *digests)
    key = cache_key(parts, asked.options, digests)
    known = parts.jobs.recall(
        job_id, fingerprint=fingerprint, cache_key="" if wants_new_result() else key
    )
    if known is not None:
        return known
    new = NewJob(
        id=job_id,
        options=asked.options,
        route=parts.router.route(asked.options),
        blob_keys=_keys(job_id, len(files), name),
        pixels=sum(file.pixels for file in files),
        owner=principal().user_id,
        tags=asked.tags,
        fingerprint=fingerprint,
        cache_key=key,
        webhook_url=asked.webhook_url,
    )
    return _store(parts, new, files)


def _keys(job_id: str, count: int, name: RequestName) -> tuple[str, ...]:
    """Where a job's files are kept; some jobs have none."""
    return blob_keys(job_id, count, nonce=secrets.token_hex(8) if name.key else "")[:count]


def _store(parts: Services, new: NewJob, files: Sequence[CheckedFile]) -> Submitted:
    """Keep the files, then store the job.

    The files first: a job always finds them. Should this process die in between, the sweep
    deletes the orphans.
    """
    try:
        for key, file in zip(new.blob_keys, files, strict=True):
            parts.blobs.put(key, file.content)
        submitted = parts.jobs.submit(
            new,
            # The worker starts while the store still waits for its disk.
            on_stored=partial(wake_worker, parts, new.id, new.route.queue),
        )
    except (StoreRefused, BlobStoreFailed, IdempotencyConflict, JobExpired):
        # Certainly no job reads these: they would fill the disk until the sweep comes.
        _forget(parts, new.blob_keys)
        raise
    if not submitted.is_new:
        _settle_known(parts, submitted, new)
        return submitted
    _log.info(
        "analyze.accepted",
        job_id=new.id,
        kind=new.options.kind,
        queue=new.route.queue,
        reason=new.route.reason,
    )
    return submitted


def _settle_known(parts: Services, submitted: Submitted, new: NewJob) -> None:
    """Delete files of a job that another request has made meanwhile; wake a worker for our own.

    Ours is known where the store was asked twice because its first answer was lost.
    """
    job = submitted.job
    if job.state.is_final or job.blob_keys != new.blob_keys:
        _forget(parts, new.blob_keys)
    elif job.state is JobState.QUEUED:
        wake_worker(parts, job.id, job.route.queue)


def _forget(parts: Services, keys: Sequence[str]) -> None:
    for key in keys:
        with suppress(BlobStoreFailed):
            parts.blobs.delete(key)


def wake_worker(parts: Services, job_id: str, queue: str) -> None:
    """Send the wake-up. From here on the job is stored: no failure may deny that."""
    try:
        parts.queue.publish(job_id, queue)
    except StoreUnavailable as error:
        _log.warning("analyze.wake_up_not_sent", job_id=job_id, error=str(error))
        # The dispatcher sends it: at once if it can be told, else after the resend time.
        with suppress(StoreUnavailable):
            parts.jobs.expedite(job_id)
