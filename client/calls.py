"""What the client wants done, as plain records: one description for blocking and async callers.

A flow is a generator: it yields a `Call` and is sent the answer, or yields a `Pause`. Whoever
drives it (`client.sync`, `client.aio`) does the sending and the sleeping.
"""

import time
import uuid
from collections.abc import (
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from client.errors import BadAnswer, GatewayAway, Problem, problem_of
from client.photos import Photo, Progress
from client.retries import Retries, retry_after_seconds

T = TypeVar("T")
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """Bytes made anew for each try, never whole in memory."""

    media_type: str
    #: Length, if known before; sent as `Content-Length`.
    size_bytes: int | None
    make: Callable[[], Iterator[bytes]]


class Sink(Protocol):
    """Where an answer's bytes go as they come, instead of memory."""

    def begin(self) -> None:
        """Start, or start anew after a broken connection."""
        ...

    def write(self, part: bytes) -> None:
        """Take what came next."""
        ...


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
    #: Where a good answer's bytes go; a refusal is read whole.
    sink: Sink | None = None
    #: Whether it may be sent again when nobody knows what became of it.
    is_repeatable: bool = True
    #: The answer takes this long at least, e.g. because the gateway waits for a job.
    extra_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """Do nothing for a while."""

    seconds: float


Flow = Generator[Call | Pause, httpx.Response | None, T]


class Driver(Protocol):
    """Does what flows want; the blocking client."""

    @property
    def retries(self) -> Retries:
        """How patient it is."""
        ...

    def run(self, flow: Flow[T]) -> T:
        """Do what a flow wants, until it has its answer."""
        ...


class AsyncDriver(Protocol):
    """The same for asyncio."""

    @property
    def retries(self) -> Retries:
        """How patient it is."""
        ...

    async def run(self, flow: Flow[T]) -> T:
        """Do what a flow wants, until it has its answer."""
        ...


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


def read(kind: type[R], call: Call, retries: Retries) -> Flow[R]:
    """The record that a call is answered with.

    Raises:
        BadAnswer: it is answered with something else.
    """
    body = body_of((yield from perform(call, retries)))
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadAnswer(
            f"{call.path} was answered in another form than this client knows, at "
            f"'{where}': {first['msg']}. Are client and gateway of one version?"
        ) from None


def posted(path: str, body: Mapping[str, Any], *, wait_seconds: float = 0) -> Call:
    """A POST of JSON with a key of its own, so that it may be sent twice."""
    return Call(
        method="POST",
        path=path,
        query={"wait": wait_seconds} if wait_seconds else {},
        headers={"Idempotency-Key": idempotency_key()},
        json=dict(body),
        extra_seconds=wait_seconds,
    )


def query_of(options: Mapping[str, Any]) -> dict[str, str | int | float]:
    """Options as parameters of an address: lists by commas, nothing for None."""
    query: dict[str, str | int | float] = {}
    for name, value in options.items():
        if isinstance(value, bool):
            query[name] = "true" if value else "false"
        elif isinstance(value, Sequence) and not isinstance(value, str):
            query[name] = ",".join(map(str, value))
        elif value is not None:
            query[name] = value
    return query


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
