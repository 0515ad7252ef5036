"""Server-Sent Events of a job: its state now, every change, and its end."""

import re
from collections.abc import Iterator

from flask import request

from api.following import BEAT_SECONDS, followed
from api.job_view import job_text
from api.services import Services
from api.told_results import told_job
from workers.jobs.store import Job

#: Longest stream, seconds; the client comes back by itself and says what it has seen.
STREAM_SECONDS = 600.0
#: When a client comes back after a stream that ended early, milliseconds.
RETRY_MS = 2000

_LINE_END = re.compile(r"\r\n|\r|\n")
_VERSION = re.compile(r"\d{1,15}")


def last_seen() -> int:
    """The version of the job that the client has seen already: `Last-Event-ID`."""
    given = request.headers.get("Last-Event-ID", "")
    return int(given) if _VERSION.fullmatch(given) else 0


def job_events(
    parts: Services,
    job_id: str,
    seen: int,
    *,
    beat_seconds: float = BEAT_SECONDS,
    stream_seconds: float = STREAM_SECONDS,
) -> Iterator[str]:
    """The stream: it ends with the job, when its time is over, or when the process ends.

    Without a free place among those who wait it tells how the job is and ends; the client comes
    back.

    Args:
        parts: Of the gateway.
        job_id: Of a job of the caller's.
        seen: Version of the job that the client knows.
        beat_seconds: Longest silence.
        stream_seconds: Longest stream.
    """
    yield f"retry: {RETRY_MS}\n\n"
    is_placed = not parts.drain.stopping and parts.wait_slots.acquire(blocking=False)
    try:
        seconds = stream_seconds if is_placed else 0.0
        looks = followed(
            parts,
            job_id,
            lambda id_: told_job(parts, parts.jobs.get(id_)),
            seen=seen,
            seconds=seconds,
            beat_seconds=beat_seconds,
        )
        for said in looks:
            yield event_text(said) if isinstance(said, Job) else f": {said}\n\n"
    finally:
        if is_placed:
            parts.wait_slots.release()


def event_text(job: Job) -> str:
    """An event that carries a job; its id is the job's version."""
    # A line end would end the field; other separators of lines are none here.
    data = "".join(f"data: {line}\n" for line in _LINE_END.split(job_text(job)))
    return f"event: job\nid: {job.version}\n{data}\n"
