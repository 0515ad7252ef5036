"""Frames of live streams as jobs: unlisted, soon forgotten, cancelled when the client leaves."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
import uuid_utils

from api.accounts.errors import AccountsError
from api.errors import ApiError, problem_of
from api.identities.naming import namer
from api.images import check_image
from api.inputs.analyses import ANALYZE
from api.inputs.options import asked_of
from api.live.analysis import LiveFrame
from api.live.tracks import Tracks
from api.principal import Principal
from api.problems import INTERNAL, INTERNAL_DETAIL
from api.services import Services
from api.submission import wake_worker
from api.told_results import told_job
from workers.contract import AnalyzeOptions, IdentifyOptions, JobState
from workers.errors import BlobStoreFailed, QueueFull, StoreUnavailable, WorkersError
from workers.jobs.changes import Watch
from workers.jobs.store import Job, NewJob

#: A frame's answer is read at once; what is left is swept soon.
RESULT_SECONDS = 60
#: A job whose change was not told is looked at so often.
LOOK_SECONDS = 5.0

_log = structlog.get_logger()


class JobDesk:
    """Has the frames of one connection analysed by the fleet.

    Args:
        parts: Of the gateway.
        owner: Whose frames they are.
    """

    def __init__(self, parts: Services, owner: Principal) -> None:
        self._parts = parts
        self._owner = owner
        self._left = threading.Event()
        #: Jobs whose end nobody knows yet.
        self._open: set[str] = set()
        #: The people seen so far, and how they are named; None until frames are to be named.
        self._people: tuple[IdentifyOptions, Tracks] | None = None

    def options(self, members: Mapping[str, Any], analyses: Sequence[str] | None) -> AnalyzeOptions:
        """See FrameDesk. Frames are always interactive work."""
        for name in ("tags", "webhook_url", "options"):
            if name in members:
                raise ApiError("unknown_option", f"Frames have no '{name}'.", field=name)
        given = dict(members) if analyses is None else {**members, "analyses": list(analyses)}
        settings = self._parts.settings
        try:
            asked = asked_of(
                given,
                ANALYZE,
                catalogue=self._parts.catalogue,
                disabled_analyses=settings.disabled_analyses,
                namer=namer(self._parts, self._owner),
            )
        except (AccountsError, WorkersError) as error:
            problem = problem_of(error)
            raise ApiError(problem.code, str(error), retryable=problem.retryable) from None
        if not isinstance(asked.options, AnalyzeOptions):  # the form's kind says so
            raise TypeError(asked.options)
        return asked.options.model_copy(update={"priority": "interactive"})

    def analyse(self, frame: LiveFrame) -> Mapping[str, Any]:
        """See FrameDesk."""
        try:
            return self._answer(frame)
        except Exception as error:  # noqa: BLE001 - answers of later frames wait for this one
            return _failure(error)

    def follow(self, frame: LiveFrame, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """See FrameDesk. Where persons can't be looked up, the frame is answered with that."""
        identify = frame.options.identify
        if identify is None or answer["type"] != "result":
            return answer
        try:
            return self._with_tracks(identify, answer)
        except Exception as error:  # noqa: BLE001 - answers of later frames wait for this one
            return _failure(error)

    def _with_tracks(
        self, identify: IdentifyOptions, answer: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if self._people is None or self._people[0] != identify:
            resolve = partial(self._parts.identities.persons.resolve, identify.collection)
            self._people = (identify, Tracks(resolve))
        result = answer["result"]
        told = self._people[1].follow(result["faces"])
        faces = [
            {**face, "track": track} for face, track in zip(result["faces"], told, strict=True)
        ]
        return {**answer, "result": {**result, "faces": faces}}

    def leave(self) -> None:
        """See FrameDesk."""
        self._left.set()
        for job_id in tuple(self._open):
            self._cancel(job_id)

    def _answer(self, frame: LiveFrame) -> Mapping[str, Any]:
        began = time.monotonic()
        if frame.content is None:
            raise ApiError("invalid_request", "'image' is not valid base64.", field="image")
        settings = self._parts.settings
        header = check_image(
            frame.content,
            max_bytes=settings.max_image_bytes,
            max_pixels=settings.max_image_pixels,
        )
        self._charge(len(frame.content))
        job_id = f"job_{uuid_utils.uuid7().hex}"
        self._open.add(job_id)
        try:
            with self._parts.changes.watch(ids=(job_id,)) as watch:
                self._submit(job_id, frame.content, frame.options, header.width * header.height)
                job = self._wait(job_id, watch)
        finally:
            self._open.discard(job_id)
        return _told(told_job(self._parts, job), total_ms=round(1000 * (time.monotonic() - began)))

    def _charge(self, size_bytes: int) -> None:
        """Take the frame out of its owner's quota.

        Raises:
            ApiError: there were too many.
            QueueFull: the fleet has too much to do.
        """
        settings = self._parts.settings
        waiting = sum(self._parts.vitals.pulse().waiting.values())
        if waiting >= settings.max_waiting_jobs:
            raise QueueFull(waiting=waiting, limit=settings.max_waiting_jobs)
        costs = self._parts.limit_rules.of_work(self._owner, images=1, upload_bytes=size_bytes)
        if costs and self._parts.limiter.take(costs).refused:
            raise ApiError("rate_limit_exceeded", "Your quota of photos is used up for now.")

    def _submit(self, job_id: str, content: bytes, options: AnalyzeOptions, pixels: int) -> None:
        parts = self._parts
        route = parts.router.route(options)
        new = NewJob(
            id=job_id,
            options=options,
            route=route,
            blob_keys=(job_id,),
            pixels=pixels,
            owner=self._owner.user_id,
            is_listed=False,
            ttl_seconds=RESULT_SECONDS,
        )
        parts.blobs.put(job_id, content)
        try:
            parts.jobs.submit(
                new, durable=False, on_stored=partial(wake_worker, parts, job_id, route.queue)
            )
        except StoreUnavailable:
            with suppress(BlobStoreFailed):
                parts.blobs.delete(job_id)
            raise
        if self._left.is_set():
            self._cancel(job_id)

    def _wait(self, job_id: str, watch: Watch) -> Job:
        """The job when it has ended, or as it is when its time is over."""
        deadline = time.monotonic() + self._parts.settings.live_frame_seconds
        while True:
            left_seconds = deadline - time.monotonic()
            changes = watch.wait(max(0.0, min(left_seconds, LOOK_SECONDS)))
            if changes and not any(JobState(one.state).is_final for one in changes):
                continue
            job = self._parts.jobs.get(job_id)
            if job.state.is_final:
                return job
            if time.monotonic() >= deadline or watch.is_over or self._left.is_set():
                self._cancel(job_id)
                return job

    def _cancel(self, job_id: str) -> None:
        try:
            outcome = self._parts.jobs.cancel(job_id)
        except StoreUnavailable as error:
            _log.warning("live.frame_not_cancelled", job_id=job_id, error=str(error))
            return
        if outcome == "cancelled":
            # It waited: no worker will come to delete its photo.
            with suppress(BlobStoreFailed):
                self._parts.blobs.delete(job_id)


def _told(job: Job, *, total_ms: int) -> Mapping[str, Any]:
    """A job's end as an answer to a frame."""
    if job.state is JobState.SUCCEEDED and job.result_json is not None:
        started_ms = job.started_ms or job.created_ms
        return {
            "type": "result",
            "result": json.loads(job.result_json),
            "timings_ms": {
                "queued": started_ms - job.created_ms,
                "run": (job.finished_ms or started_ms) - started_ms,
                "total": total_ms,
            },
        }
    if job.error is not None:
        error = job.error
        return _error(error.code, error.message, retryable=error.retryable)
    return _error(
        "frame_expired", "The frame was not analysed in time, and was given up.", retryable=True
    )


def _failure(error: Exception) -> Mapping[str, Any]:
    """Why a frame has no job, in the words of the HTTP interface."""
    problem = problem_of(error)
    if problem is INTERNAL:
        _log.error("live.frame_fault", exc_info=error)
        return _error(problem.code, INTERNAL_DETAIL, retryable=problem.retryable)
    return _error(problem.code, problem.detail or str(error), retryable=problem.retryable)


def _error(code: str, message: str, *, retryable: bool) -> Mapping[str, Any]:
    return {"type": "error", "code": code, "message": message, "retryable": retryable}
