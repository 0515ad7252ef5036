"""One wake-up, from claim to end: at least once delivered, at most once written."""

import time
import uuid
from collections.abc import Callable
from typing import Literal, Protocol

import structlog

from models.errors import ModelsError, WeightsMissing
from workers.answer import AnalysisAnswer
from workers.blobs import BlobStore
from workers.contract import AnalyzeOptions, JobError, JobState
from workers.errors import (
    BlobMissing,
    BlobStoreFailed,
    ImageRejected,
    LeaseLost,
    StoreUnavailable,
)
from workers.jobs import Claim, JobStore, NotClaimed
from workers.lease_keeper import LeaseKeeper

#: Pause between tries to write an end while the store is away.
RETRY_SECONDS = 0.5

Outcome = NotClaimed | Literal["succeeded", "failed", "lease_lost"]

_log = structlog.get_logger()


class Pipeline(Protocol):
    """Analyses an encoded image."""

    def analyze(self, content: bytes, options: AnalyzeOptions) -> AnalysisAnswer:
        """See workers.pipeline.FacePipeline."""
        ...


class JobRunner:
    """Runs jobs in this process.

    Args:
        jobs: The authority.
        blobs: Where the images are.
        pipeline: What is done to an image.
        lease_seconds: The store's lease; renewed three times as often.
        time_limit_error: What is raised in a task that ran out of time.
    """

    def __init__(
        self,
        *,
        jobs: JobStore,
        blobs: BlobStore,
        pipeline: Pipeline,
        lease_seconds: float,
        time_limit_error: type[Exception] = TimeoutError,
    ) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._pipeline = pipeline
        self._lease_seconds = lease_seconds
        self._time_limit_error = time_limit_error

    def run(self, job_id: str) -> Outcome:
        """Do what this wake-up asks, if there is still something to do.

        Raises:
            StoreUnavailable: the job could not be claimed, or its end could not be written
                while its lease held; it will be claimed again.
        """
        claim = self._jobs.claim(job_id, claim_id=uuid.uuid4().hex)
        if not isinstance(claim, Claim):
            _log.info("job.nothing_to_do", job_id=job_id, why=claim)
            if claim == "poisoned":
                self._forget_image(self._jobs.get(job_id).blob_key)
            return claim
        with (
            structlog.contextvars.bound_contextvars(job_id=job_id, attempt=claim.job.attempt),
            LeaseKeeper(self._jobs, claim, every_seconds=self._lease_seconds / 3) as lease,
        ):
            outcome = self._work(claim)
            if lease.lost:
                return "lease_lost"
            lease.expect_end()
            try:
                state = self._write_end(claim, outcome)
            except LeaseLost:
                _log.warning("job.write_refused", fence=claim.fence)
                return "lease_lost"
            self._forget_image(claim.job.blob_key)
            return "succeeded" if state is JobState.SUCCEEDED else "failed"

    def _work(self, claim: Claim) -> AnalysisAnswer | JobError:
        job = claim.job
        try:
            content = self._blobs.get(job.blob_key)
            return self._pipeline.analyze(content, job.options)
        except ImageRejected as error:
            return JobError(code=error.code, message=str(error))
        except Exception as error:  # noqa: BLE001 - the job's boundary: a fault ends it, not us
            _log.exception("job.fault")
            return self._fault(error)

    def _fault(self, error: Exception) -> JobError:
        """What a fault of ours or of our surroundings is called towards the user."""
        if isinstance(error, BlobMissing):
            return JobError(code="image_lost", message=f"{error} Send it again.", retryable=True)
        if isinstance(error, BlobStoreFailed):
            message = "The image could not be read from the blob store. Try again."
            return JobError(code="blob_store_unavailable", message=message, retryable=True)
        if isinstance(error, WeightsMissing):
            return JobError(code="model_not_installed", message=str(error))
        if isinstance(error, ModelsError):
            message = "A model could not be run on this image; it has been logged. Try again."
            return JobError(code="inference_failed", message=message, retryable=True)
        if isinstance(error, self._time_limit_error):
            message = "The analysis took too long and was stopped."
            return JobError(code="timed_out", message=message)
        message = "The analysis failed through a fault of ours; it has been logged."
        return JobError(code="internal_error", message=message)

    def _write_end(self, claim: Claim, outcome: AnalysisAnswer | JobError) -> JobState:
        if isinstance(outcome, JobError):
            error = outcome
            self._persist(lambda: self._jobs.fail(claim, error))
            _log.info("job.failed", code=error.code)
            return JobState.FAILED
        result_json = outcome.model_dump_json(exclude_unset=True)
        self._persist(lambda: self._jobs.succeed(claim, result_json))
        _log.info("job.succeeded", faces=len(outcome.faces), total_ms=outcome.timings_ms["total"])
        return JobState.SUCCEEDED

    def _persist(self, write: Callable[[], None]) -> None:
        """Write while the lease may hold, through a short absence of the store."""
        deadline = time.monotonic() + self._lease_seconds
        while True:
            try:
                return write()
            except StoreUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_SECONDS)

    def _forget_image(self, blob_key: str) -> None:
        try:
            self._blobs.delete(blob_key)
        except BlobStoreFailed as error:
            _log.warning("job.image_not_deleted", error=str(error))  # the sweep deletes it
