"""What goes over a live connection, both ways; the same for blocking and async callers."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus

from client.errors import BadAnswer, ClientError, LiveEnded, problem_of
from client.records import JobProblem, Record
from client.retries import retry_after_seconds

PATH = "/ws/face-analysis"
#: Agreed on with the gateway, so that neither misunderstands another version.
SUBPROTOCOL = "facesocial.v1"
#: Time for the connection and its handshake.
OPEN_SECONDS = 10.0
#: A result with embeddings of a hundred faces is this large at most.
MOST_MESSAGE_BYTES = 8 * 1024 * 1024


class LiveAnswer(Record):
    """What came of a frame. Answers come in the order of the frames."""

    #: Counts the frames that were analysed, from 1; None: the frame or message was refused.
    sequence: int | None
    #: As it was sent; None for frames sent without.
    frame_id: int | str | None = None
    #: Frames that were passed over for this one, since it was newer.
    dropped: int = 0
    #: As of POST /api/v1/face/analyze; None when there is an error.
    result: dict[str, Any] | None = None
    error: JobProblem | None = None


class LiveCounts(Record):
    """What became of all frames of a stream."""

    received: int
    answered: int
    dropped: int


def live_url(http_url: str) -> str:
    """Where frames go, for a gateway at a URL."""
    return "ws" + http_url.rstrip("/").removeprefix("http") + PATH


def headers_for(key: str | None) -> dict[str, str]:
    """What proves who asks."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def start_message(analyses: tuple[str, ...] | None, max_fps: float | None, **options: Any) -> str:  # noqa: ANN401 - as the gateway takes them
    """What is to be done with the frames."""
    told = {"analyses": analyses, "max_fps": max_fps, "options": options}
    given = {name: value for name, value in told.items() if value is not None}
    return json.dumps({"type": "start", **given})


def frame_message(content: bytes, frame_id: int | str | None) -> bytes | str:
    """A frame: as it is, or with a name of its own as base64 in JSON."""
    if frame_id is None:
        return content
    image = base64.b64encode(content).decode()
    return json.dumps({"type": "frame", "id": frame_id, "image": image})


def answer_of(message: str | bytes) -> LiveAnswer | LiveCounts | None:
    """A message of the gateway; None for those that only say that all is well.

    Raises:
        BadAnswer: it is none this client knows.
    """
    try:
        told: dict[str, Any] = json.loads(message)
        kind = told["type"]
    except (ValueError, KeyError, TypeError):
        raise BadAnswer("A live message could not be read.") from None
    if kind == "result":
        return LiveAnswer.model_validate(told)
    if kind == "error":
        return LiveAnswer.model_validate({**_addressed(told), "error": told})
    if kind == "stopped":
        return LiveCounts.model_validate(told)
    return None


def refusal(error: InvalidStatus) -> ClientError:
    """Why a connection was not taken."""
    response = error.response
    told = retry_after_seconds(response.headers.get("Retry-After"), now_seconds=time.time())
    try:
        body = json.loads(response.body or b"{}")
    except ValueError:
        body = {}
    known: Mapping[str, Any] = body if isinstance(body, dict) else {}
    return problem_of(response.status_code, known, retry_after_seconds=told)


def ended_by(error: ConnectionClosed) -> LiveEnded:
    """Why a connection has ended."""
    closing = error.rcvd
    code, reason = (closing.code, closing.reason) if closing else (1006, "connection lost")
    return LiveEnded(code, reason)


def counts_of(told: LiveAnswer | LiveCounts) -> LiveCounts:
    """The last message of a stream that was stopped."""
    assert isinstance(told, LiveCounts)  # noqa: S101 - it ends what is read until then
    return told


def _addressed(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told.get(name) for name in ("sequence", "frame_id")} | {
        "dropped": told.get("dropped", 0)
    }
