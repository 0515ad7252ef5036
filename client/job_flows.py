"""Photos and jobs: what is asked of the gateway, step by step."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from client.calls import Call, Flow, Pause, body_of, idempotency_key, perform
from client.errors import JobFailed, NotInTime
from client.photos import Photo, Progress
from client.records import Job, Page
from client.retries import Retries

#: One long poll; the gateway may answer sooner.
POLL_SECONDS = 20.0
#: Pause between polls that a gateway without waiting places answers at once.
_QUICK_SECONDS = 0.5

#: Members of a request: texts, numbers, truths, or several of them.
Options = Mapping[str, Any]


class JobFlows:
    """Photos and jobs.

    Args:
        retries: How patient they are.
    """

    def __init__(self, retries: Retries) -> None:
        self._retries = retries

    def submit(
        self,
        path: str,
        photos: Sequence[tuple[str, Photo]],
        options: Options,
        *,
        wait_seconds: float,
        key: str | None,
        progress: Progress | None,
    ) -> Flow[Job]:
        """Send photos and what is asked of them; the job, ended if it ended within the wait."""
        call = Call(
            method="POST",
            path=path,
            query={"wait": wait_seconds} if wait_seconds else {},
            headers={"Idempotency-Key": key or idempotency_key()},
            form=_members(options),
            photos=tuple(photos),
            progress=progress,
            extra_seconds=wait_seconds,
        )
        return Job.model_validate(body_of((yield from perform(call, self._retries))))

    def get(self, job_id: str, *, wait_seconds: float = 0) -> Flow[Job]:
        """A job; with a wait, as soon as it has ended or the time is over."""
        call = Call(
            method="GET",
            path=f"/api/v1/jobs/{job_id}",
            query={"wait": wait_seconds} if wait_seconds else {},
            extra_seconds=wait_seconds,
        )
        return Job.model_validate(body_of((yield from perform(call, self._retries))))

    def wait(self, job: Job, *, timeout_seconds: float) -> Flow[Job]:
        """The job, succeeded.

        Raises:
            JobFailed: it failed or was cancelled.
            NotInTime: it has not ended; it goes on.
        """
        deadline = time.monotonic() + timeout_seconds
        while not job.has_ended:
            asked_at = time.monotonic()
            if asked_at >= deadline:
                raise NotInTime(f"The job {job.id} is {job.state} after {timeout_seconds:g} s.")
            seconds = min(POLL_SECONDS, deadline - asked_at)
            job = yield from self.get(job.id, wait_seconds=seconds)
            if not job.has_ended and time.monotonic() - asked_at < min(seconds, _QUICK_SECONDS):
                yield Pause(seconds=_QUICK_SECONDS)
        return _succeeded(job)

    def listed(
        self, *, state: str | None, tag: str | None, after: str | None, limit: int
    ) -> Flow[Page[Job]]:
        """A part of one's jobs, newest first."""
        given = {"state": state, "tag": tag, "after": after, "limit": limit}
        query = {name: value for name, value in given.items() if value is not None}
        call = Call(method="GET", path="/api/v1/jobs", query=query)
        return Page[Job].model_validate(body_of((yield from perform(call, self._retries))))

    def cancel(self, job_id: str) -> Flow[Job]:
        """Ask for a job's end."""
        call = Call(method="POST", path=f"/api/v1/jobs/{job_id}/cancel")
        return Job.model_validate(body_of((yield from perform(call, self._retries))))

    def delete(self, job_id: str) -> Flow[None]:
        """Delete a job, its result and all traces of it."""
        yield from perform(Call(method="DELETE", path=f"/api/v1/jobs/{job_id}"), self._retries)


def _members(options: Options) -> dict[str, Any]:
    """Options as form fields: lists by commas, mappings as JSON, nothing for None."""
    members: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, bool):
            members[name] = "true" if value else "false"
        elif isinstance(value, list | tuple):
            members[name] = ",".join(map(str, value))
        elif isinstance(value, Mapping):
            members[name] = json.dumps(value)
        elif value is not None:
            members[name] = str(value)
    return members


def _succeeded(job: Job) -> Job:
    if job.state == "succeeded":
        return job
    if job.error is None:
        raise JobFailed(job.id, code=job.state, message=f"It was {job.state}.", retryable=True)
    error = job.error
    raise JobFailed(job.id, code=error.code, message=error.message, retryable=error.retryable)
