"""What a fault, of an image, of ours or of our surroundings, is called towards the user."""

import structlog

from models.errors import ModelsError, ThresholdsMissing, VideoRejected, WeightsMissing
from workers.contract import JobError
from workers.errors import BlobMissing, BlobStoreFailed, ImageRejected, NoFace
from workers.identity_job_errors import identity_job_error
from workers.stages.stage import AnalysisUnavailable

#: Codes that tell operators to look at something.
_SURROUNDINGS = frozenset({"store_unavailable", "key_vault_unavailable"})

_log = structlog.get_logger()


def job_error(error: Exception, *, time_limit_error: type[Exception]) -> JobError:
    """The error a job fails with.

    Args:
        error: What was raised for it.
        time_limit_error: What is raised in a task that ran out of time.
    """
    told = _of_input(error) or identity_job_error(error)
    if told is None or told.code in _SURROUNDINGS:
        _log.error("job.fault", exc_info=error)
    return told or _of_fault(error, time_limit_error)


def _of_fault(error: Exception, time_limit_error: type[Exception]) -> JobError:
    """What is wrong with us, or with our surroundings."""
    if isinstance(error, (BlobMissing, BlobStoreFailed)):
        return _of_blob(error)
    if isinstance(error, WeightsMissing):
        return JobError(code="model_not_installed", message=str(error))
    if isinstance(error, ModelsError):
        message = "A model could not be run on this image; it has been logged. Try again."
        return JobError(code="inference_failed", message=message, retryable=True)
    if isinstance(error, time_limit_error):
        message = "The analysis took too long and was stopped."
        return JobError(code="timed_out", message=message)
    message = "The analysis failed through a fault of ours; it has been logged."
    return JobError(code="internal_error", message=message)


def _of_input(error: Exception) -> JobError | None:
    """What is wrong with what was sent or asked for; None: nothing is."""
    if isinstance(error, (ImageRejected, VideoRejected)):
        return JobError(code=error.code, message=str(error))
    if isinstance(error, NoFace):
        return JobError(code="no_face_detected", message=str(error))
    if isinstance(error, ThresholdsMissing):
        return JobError(code="threshold_not_measured", message=str(error))
    if isinstance(error, AnalysisUnavailable):
        # A device may have room for it later.
        retryable = error.code != "analysis_disabled"
        return JobError(code=error.code, message=str(error), retryable=retryable)
    return None


def _of_blob(error: BlobMissing | BlobStoreFailed) -> JobError:
    if isinstance(error, BlobMissing):
        return JobError(code="image_lost", message=f"{error} Send it again.", retryable=True)
    message = "The image could not be read from the blob store. Try again."
    return JobError(code="blob_store_unavailable", message=message, retryable=True)
