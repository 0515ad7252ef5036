"""`?wait=seconds`: hold a request until its job has ended, within limits."""

import math
from collections.abc import Mapping

from api.errors import ApiError
from api.services import Services
from workers.jobs import Job


def wait_seconds(parameters: Mapping[str, str]) -> float:
    """The wait a client asks for by its query; 0 when it does not.

    Raises:
        ApiError: the value is no number of seconds, or another parameter was sent.
    """
    if unknown := set(parameters) - {"wait"}:
        name = min(unknown)
        raise ApiError("unknown_option", f"There is no parameter '{name}'.", field=name)
    try:
        seconds = float(parameters.get("wait", "0"))
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ApiError("validation_error", "wait: expected seconds, 0 or more.", field="wait")
    return seconds


def read_or_wait(parts: Services, job_id: str, seconds: float) -> Job:
    """The job, as soon as it has ended or the time is over.

    Waits are cut to the configured limit. Without a free slot the answer comes at once: clients
    that submit must not wait for clients that wait.
    """
    seconds = min(seconds, parts.settings.max_wait_seconds)
    if not seconds or not parts.wait_slots.acquire(blocking=False):
        return parts.jobs.get(job_id)
    try:
        return parts.watch.wait(job_id, seconds)
    finally:
        parts.wait_slots.release()
