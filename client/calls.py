"""What the client wants done, as plain records: one description for blocking and async callers.

A flow is a generator: it yields a `Call` and is sent the answer, or yields a `Pause`. Whoever
drives it (`client.sync`, `client.aio`) does the sending and the sleeping.
"""

import time
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from client.errors import BadAnswer, GatewayAway, Problem, problem_of
from client.photos import Photo, Progress
from client.retries import Retries, retry_after_seconds

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """Bytes made anew for each try, never whole in memory."""

    media_type: str
    #: Length, if known before; sent as `Content-Length`.
    size_bytes: int | None
    make: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str | int | float] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    #: Form fields; with `photos`, sent as multipart.
    form: Mapping[str, Any] = field(default_factory=dict)
    #: File fields with what they hold.
    photos: tuple[tuple[str, Photo], ...] = ()
    body: Body | None = None
    progress: Progress | None = None
    #: Whether it may be sent again when nobody knows what became of it.
    is_repeatable: bool = True
    #: The answer takes this long at least, e.g. because the gateway waits for a job.
    extra_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """Do nothing for a while."""

    seconds: float


Flow = Generator[Call | Pause, httpx.Response | None, T]


def idempotency_key() -> str:
    """A key of its own for a POST that makes something; the same for all its tries."""
    return uuid.uuid4().hex


def perform(call: Call, retries: Retries) -> Flow[httpx.Response]:
    """Send a call until it is answered, or it can't be.

    Returns:
        An answer below 400.

    Raises:
        Problem: the gateway refused.
        GatewayAway: it did not answer.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            response = yield call
            assert response is not None  # noqa: S101 - a call is sent its answer
            if not response.is_error:
                return response
            error: Problem | GatewayAway = _problem(response)
        except GatewayAway as away:
            error = away
        pause = retries.pause_seconds(error, attempt=attempt) if call.is_repeatable else None
        if pause is None:
            raise error
        yield Pause(seconds=pause)


def body_of(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    """The JSON of an answer.

    Raises:
        BadAnswer: it is none.
    """
    try:
        return response.json()
    except ValueError:
        url = response.request.url
        raise BadAnswer(f"{url} answered no JSON. Is it a FaceSocial gateway?") from None


def _problem(response: httpx.Response) -> Problem:
    try:
        body = response.json()
    except ValueError:
        body = {}
    told = retry_after_seconds(response.headers.get("Retry-After"), now_seconds=time.time())
    return problem_of(
        response.status_code, body if isinstance(body, dict) else {}, retry_after_seconds=told
    )


def parts_of(body: Body, progress: Progress | None) -> Iterator[bytes]:
    """A body's bytes, told to `progress` as they go."""
    sent = 0
    for part in body.make():
        yield part
        sent += len(part)
        if progress:
            progress(sent, body.size_bytes or 0)


async def awaited(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The same for asyncio. Reading a local file takes less time than handing it to a thread."""
    for part in parts:
        yield part
