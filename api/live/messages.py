"""What clients of `/ws/face-analysis` send; see docs/reference/websocket.md."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.live.connection import MessageRefused

#: What a client calls a frame; told again with its answer.
FrameId = Annotated[str, Field(max_length=64)] | int
#: Longest part of a message that is told in a reason.
_MOST_DETAIL = 80
#: Members and elements of a message: small things take up to fifty times their text in memory.
_MOST_VALUES = 2000


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Start(_Message):
    """What is to be done with the frames that follow."""

    type: Literal["start"]
    #: As in POST /api/v1/face/analyze; the default when not given.
    analyses: tuple[str, ...] | None = None
    #: The other options of POST /api/v1/face/analyze.
    options: Mapping[str, Any] = Field(default_factory=dict)
    #: How often a frame is analysed at most; the server's own limit holds too.
    max_fps: Annotated[float, Field(ge=0.1, le=120)] | None = None


class Frame(_Message):
    """A frame as text; a binary message holds one without anything around it."""

    type: Literal["frame"]
    id: FrameId | None = None
    #: Base64, with or without `data:image/jpeg;base64,` before it.
    image: str


class Stream(_Message):
    """A frame that brings what is to be done with it, by one of three names."""

    type: Literal["face_detection_stream", "face_recognition_stream", "antispoof_stream"]
    #: Base64.
    data: str
    options: Mapping[str, Any] = Field(default_factory=dict)
    request_id: FrameId | None = None


class Ping(_Message):
    """A question for a sign of life."""

    type: Literal["ping"]
    id: FrameId | None = None


class Stop(_Message):
    """No more frames: tell what became of them when the last is answered."""

    type: Literal["stop"]


Message = Start | Frame | Stream | Ping | Stop

_MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])
_PING: TypeAdapter[Ping] = TypeAdapter(Ping)

M = TypeVar("M")


def read_message(text: str) -> Message:
    """A message of a client that sends frames.

    Raises:
        MessageRefused: it is no JSON object of a known type.
    """
    return _read(_MESSAGE, text)


def read_ping(text: str) -> Ping:
    """A message of a client that only listens.

    Raises:
        MessageRefused: it is no ping.
    """
    return _read(_PING, text)


def image_of(text: str) -> bytes | None:
    """The bytes of a base64 text; None when it is none."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _read(adapter: TypeAdapter[M], text: str) -> M:
    if sum(map(text.count, ",[{")) > _MOST_VALUES:
        raise MessageRefused("The message has too many members and elements.")
    try:
        return adapter.validate_json(text)
    except (ValidationError, RecursionError) as error:
        raise MessageRefused(_reason(error)) from None


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "The message is nested too deeply."
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}"[:_MOST_DETAIL]
