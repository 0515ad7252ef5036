"""`/ws/face-analysis`: frames in, results out, in order."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from api.errors import ApiError
from api.live.background import start
from api.live.connection import Channel
from api.live.frame_line import FrameLine, Started
from api.live.messages import (
    Frame,
    FrameId,
    Ping,
    Start,
    Stop,
    Stream,
    image_of,
    read_message,
)
from api.options_view import options_view
from workers.contract import AnalyzeOptions

#: What the requirements' names of streams ask for.
STREAMS: Mapping[str, tuple[str, ...]] = {
    "face_detection_stream": ("detection",),
    "face_recognition_stream": ("detection", "recognition"),
    "antispoof_stream": ("detection", "anti_spoofing"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveFrame:
    """A frame and what is to be done with it."""

    #: What the client calls it.
    id: FrameId | None
    #: The image file; None: the text was no base64.
    content: bytes | None
    options: AnalyzeOptions


class FrameDesk(Protocol):
    """Has frames analysed."""

    def options(self, members: Mapping[str, Any], analyses: Sequence[str] | None) -> AnalyzeOptions:
        """What a client asks for.

        Raises:
            ApiError: an option is wrong.
        """
        ...

    def analyse(self, frame: LiveFrame) -> Mapping[str, Any]:
        """The answer to a frame, a `result` or an `error`; as soon as there is one."""
        ...

    def follow(self, frame: LiveFrame, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer with what earlier frames say of its faces; called in the frames' order."""
        ...

    def leave(self) -> None:
        """End what is under way, now and later: nobody is there to be told."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamLimits:
    """How much one stream may ask for."""

    #: Frames being analysed at a time.
    most_in_flight: int
    #: How often a frame is started, whatever the client asks for.
    most_fps: float
    #: Told to the client.
    most_message_bytes: int


class AnalysisSession:
    """A stream of frames; see FrameLine for which of them are analysed.

    Args:
        desk: Of this connection alone.
        limits: Of this server.
        connection_id: Told to the client, and in logs.
    """

    def __init__(self, desk: FrameDesk, limits: StreamLimits, *, connection_id: str) -> None:
        self._desk = desk
        self._limits = limits
        self._connection_id = connection_id
        self._options: AnalyzeOptions | None = None
        self._line: FrameLine[LiveFrame, Mapping[str, Any]] = FrameLine(
            most_in_flight=limits.most_in_flight, frames_per_second=limits.most_fps
        )
        #: Of the line and of answering: answers are sent in its order.
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._is_stopping = False
        self._connection: Channel

    @property
    def summary(self) -> Mapping[str, int]:
        """What became of the frames so far, for the log."""
        counts = self._line.counts
        return {
            "frames": counts.received,
            "answered": counts.answered,
            "dropped": counts.dropped,
        }

    def opened(self, connection: Channel) -> None:
        """See Session."""
        self._connection = connection
        connection.send(
            {
                "type": "ready",
                "connection_id": self._connection_id,
                "max_message_bytes": self._limits.most_message_bytes,
                "max_in_flight": self._limits.most_in_flight,
                "max_fps": self._limits.most_fps,
            }
        )

    def binary(self, message: bytes) -> None:
        """See Session."""
        try:
            options = self._options or self._desk.options({}, None)
        except ApiError as error:
            self._refuse(error, None)
            return
        self._arrived(LiveFrame(id=None, content=message, options=options))

    def text(self, message: str) -> None:
        """See Session."""
        match read_message(message):
            case Start() as asked:
                self._configure(asked)
            case Frame() as sent:
                self._take(sent.id, sent.image, {}, None)
            case Stream() as sent:
                self._take(sent.request_id, sent.data, sent.options, STREAMS[sent.type])
            case Ping() as ping:
                self._connection.send({"type": "pong", "id": ping.id})
            case Stop():
                with self._lock:
                    self._is_stopping = True
                    self._tell_if_stopped()

    def closed(self) -> None:
        """See Session."""
        self._over.set()
        self._desk.leave()

    def _configure(self, asked: Start) -> None:
        try:
            options = self._desk.options(asked.options, asked.analyses)
        except ApiError as error:
            self._refuse(error, None)
            return
        self._options = options
        with self._lock:
            self._line.set_pace(min(asked.max_fps or self._limits.most_fps, self._limits.most_fps))
        told = {name: one for name, one in options_view(options).items() if name != "kind"}
        self._connection.send({"type": "started", "options": told})

    def _take(
        self,
        frame_id: FrameId | None,
        text: str,
        members: Mapping[str, Any],
        analyses: Sequence[str] | None,
    ) -> None:
        is_own = analyses is not None or bool(members)
        try:
            options = self._desk.options(members, analyses) if is_own else self._options
            options = options or self._desk.options({}, None)
        except ApiError as error:
            self._refuse(error, frame_id)
            return
        self._arrived(LiveFrame(id=frame_id, content=image_of(text), options=options))

    def _refuse(self, error: ApiError, frame_id: FrameId | None) -> None:
        """Say what is wrong with a message that brings no frame into the line."""
        body = {"type": "error", "frame_id": frame_id, "sequence": None, "dropped": 0}
        self._connection.send({**body, **error_body(error)})

    def _arrived(self, frame: LiveFrame) -> None:
        with self._lock:
            is_carrier_wanted = self._line.arrived(frame)
        if is_carrier_wanted:
            start(self._carry, name="live-frame")

    def _carry(self) -> None:
        """Take frames from the line until there is none; the thread's body."""
        while (started := self._next()) is not None:
            answer = self._desk.analyse(started.frame)
            with self._lock:
                for one, body in self._line.finished(started, answer):
                    if not self._over.is_set():
                        followed = self._desk.follow(one.frame, body)
                        self._connection.send(_addressed(one, followed))
                self._tell_if_stopped()

    def _next(self) -> Started[LiveFrame] | None:
        """The newest frame, once it is time for it."""
        while not self._over.is_set():
            with self._lock:
                pause_seconds = self._line.pause_seconds(time.monotonic())
                if not pause_seconds:
                    return self._line.start(time.monotonic())
            self._over.wait(pause_seconds)
        return None

    def _tell_if_stopped(self) -> None:
        """Tell what became of all frames, once after a stop; with the lock held."""
        if self._is_stopping and self._line.is_empty:
            self._is_stopping = False
            counts = self._line.counts
            self._connection.send(
                {
                    "type": "stopped",
                    "received": counts.received,
                    "answered": counts.answered,
                    "dropped": counts.dropped,
                }
            )


def error_body(error: ApiError) -> dict[str, Any]:
    """What a client is told of a frame or message that can't be served."""
    return {
        "code": error.code,
        "message": str(error),
        "field": error.field,
        "retryable": error.extra.get("retryable", False),
    }


def _addressed(started: Started[LiveFrame], body: Mapping[str, Any]) -> dict[str, Any]:
    """An answer with the frame it is to."""
    return {
        "type": body["type"],
        "sequence": started.sequence,
        "frame_id": started.frame.id,
        "dropped": started.dropped,
        **{name: value for name, value in body.items() if name != "type"},
    }
