"""Jobs as the scripts in `workers/lua` keep them: hashes of texts, and back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from pydantic import ValidationError

from workers.contract import AnalyzeOptions, JobError, JobRoute, JobState
from workers.errors import JobUnreadable
from workers.jobs import Claim, DueJob, Job


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """Fields of a hash as a script answers it: name, value, name, value."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def rows(flat: Sequence[str], width: int) -> Iterator[Sequence[str]]:
    """Rows of a table that was answered as one list."""
    return (flat[start : start + width] for start in range(0, len(flat), width))


def error_json(error: JobError) -> str:
    """An error as a job keeps it."""
    return json.dumps(asdict(error), ensure_ascii=False)


def job_of(job_id: str, fields: Mapping[str, str]) -> Job:
    """The job of a hash.

    Raises:
        JobUnreadable: its options are none that this version can read.
    """
    error = fields.get("error")
    return Job(
        id=job_id,
        state=JobState(fields["state"]),
        options=_options_of(job_id, fields["options"]),
        route=_route_of(fields),
        blob_key=fields["blob"],
        version=int(fields["version"]),
        attempt=int(fields["attempt"]),
        created_ms=int(fields["created_ms"]),
        started_ms=_number(fields.get("started_ms")),
        finished_ms=_number(fields.get("finished_ms")),
        result_json=fields.get("result"),
        error=JobError(**json.loads(error)) if error else None,
        batch_key=fields.get("batch", ""),
        pixels=int(fields.get("pixels", "0")),
        cancel_asked="cancel" in fields,
    )


def claim_of(job_id: str, fields: Mapping[str, str]) -> Claim:
    """The claim on a job, from its hash as it was when it was claimed.

    Raises:
        JobUnreadable: see `job_of`.
    """
    return Claim(job=job_of(job_id, fields), fence=int(fields["fence"]))


def due_of(job_id: str, fields: Mapping[str, str]) -> DueJob:
    """What the dispatcher needs of a job, from its hash.

    Raises:
        JobUnreadable: see `job_of`.
    """
    options = _options_of(job_id, fields["options"])
    return DueJob(id=job_id, options=options, route=_route_of(fields))


def route_args(route: JobRoute) -> tuple[str | int, ...]:
    """A route as the scripts take it: queue, reason, device, message, expected_ms."""
    expected_ms = "" if route.expected_ms is None else route.expected_ms
    return (route.queue, route.reason, route.device or "", route.message, expected_ms)


def _route_of(fields: Mapping[str, str]) -> JobRoute:
    return JobRoute(
        queue=fields["queue"],
        reason=fields["reason"],
        device=fields["device"] or None,
        message=fields.get("route_message", ""),
        expected_ms=_number(fields.get("expected_ms")),
    )


def _options_of(job_id: str, text: str) -> AnalyzeOptions:
    # Options of a newer version that this one does not know are passed over.
    try:
        return AnalyzeOptions.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        raise JobUnreadable(f"The record of job '{job_id}' can't be read: {error}.") from error


def _number(text: str | None) -> int | None:
    return int(text) if text else None
