"""Jobs as the scripts in `workers/jobs/lua` keep them: hashes of texts, and back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import get_args

from pydantic import ValidationError

from workers.contract import JobError, JobRoute, JobState
from workers.errors import JobUnreadable
from workers.jobs.options import JobOptions
from workers.jobs.records import NOBODY, Claim, DueJob, Ended, Job, NewJob

#: Kind -> what its options are.
_OPTIONS: dict[str, type[JobOptions]] = {
    model.model_fields["kind"].default: model for model in get_args(JobOptions)
}


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
        blob_keys=_blobs_of(fields),
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
        owner=fields.get("owner", NOBODY),
        tags=tuple(json.loads(fields.get("tags", "[]"))),
        fingerprint=fields.get("fingerprint", ""),
        cache_key=fields.get("cache", ""),
        is_listed=fields.get("listed", "1") == "1",
        expires_ms=_number(fields.get("expires_ms")),
        webhook_url=fields.get("webhook", ""),
    )


def new_fields(job: NewJob, batch: str) -> list[str | int]:
    """Name and value of each field of a new job that scripts only keep."""
    fields: dict[str, str | int] = {
        "options": job.options.model_dump_json(),
        "kind": job.options.kind,
        "blobs": json.dumps(job.blob_keys),
        "batch": batch,
        "pixels": job.pixels,
        "tags": json.dumps(job.tags),
    }
    if job.cache_key:
        fields["cache"] = job.cache_key
    if job.webhook_url:
        fields["webhook"] = job.webhook_url
    if job.ttl_seconds is not None:
        fields["ttl"] = job.ttl_seconds
    return [part for field in fields.items() for part in field]


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


def _options_of(job_id: str, text: str) -> JobOptions:
    # Options of a newer version that this one does not know are passed over.
    try:
        kind = json.loads(text).get("kind", "analyze")
        return _OPTIONS[kind].model_validate_json(text, extra="ignore")
    except (ValidationError, ValueError, KeyError, AttributeError) as error:
        raise JobUnreadable(f"The record of job '{job_id}' can't be read: {error}.") from error


def _blobs_of(fields: Mapping[str, str]) -> tuple[str, ...]:
    # Records of the first layout have one, under "blob".
    return tuple(json.loads(fields["blobs"])) if "blobs" in fields else (fields["blob"],)


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def ended_of(counts: Mapping[str, str]) -> dict[Ended, int]:
    """How many jobs ended so, from the hash of that name."""
    found: dict[Ended, int] = {}
    for name, number in counts.items():
        kind, state, code = name.split(" ")
        found[Ended(kind=kind, state=JobState(state), code=code)] = int(number)
    return found
