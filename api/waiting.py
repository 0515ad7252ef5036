"""`?wait=` and `Prefer: wait=`: hold a request until its job has ended, within limits."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from flask import Response, g, request
from pydantic import BaseModel, ConfigDict, Field

from api.services import Services
from workers.jobs.store import Job

#: The preference of RFC 7240 among others: `respond-async, wait=10`.
_PREFERENCE = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?(?=$|[,;\s])", re.IGNORECASE)


class WaitQuery(BaseModel):
    """How long the client will wait."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    #: Answer as soon as the job has ended, at the latest after so many seconds.
    wait: Annotated[float, Field(ge=0)] | None = None


def asked_wait(query: WaitQuery) -> float:
    """The wait a client asks for, seconds; 0 when it does not. The query wins over the header."""
    if query.wait is not None:
        return query.wait
    preferred = _preferred()
    return float(preferred) if preferred else 0.0


def tell_applied(response: Response, query: WaitQuery) -> Response:
    """Say that the preference was honoured, where it was the header's."""
    preferred = _preferred()
    if preferred and query.wait is None:
        response.headers["Preference-Applied"] = f"wait={preferred}"
    return response


def read_or_wait(parts: Services, job_id: str, seconds: float) -> Job:
    """The job, as soon as it has ended or the time is over.

    Waits are cut to the configured limit. Without a free place, or when this process is about to
    end, the answer comes at once: clients that submit must not wait for clients that wait.
    """
    seconds = min(seconds, parts.settings.max_wait_seconds)
    is_placed = seconds and not parts.drain.stopping and parts.wait_slots.acquire(blocking=False)
    if not is_placed:
        return parts.jobs.get(job_id)
    try:
        with not_counted():
            return parts.watch.wait(job_id, seconds)
    finally:
        parts.wait_slots.release()


@contextmanager
def not_counted() -> Iterator[None]:
    """Leave what passes in here out of how long the request took: the client asked to wait."""
    since = time.perf_counter()
    try:
        yield
    finally:
        g.waited_seconds = g.get("waited_seconds", 0.0) + time.perf_counter() - since


def _preferred() -> str | None:
    found = _PREFERENCE.search(request.headers.get("Prefer", ""))
    return found[1] if found else None
