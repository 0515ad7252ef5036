"""What a client of `/ws/face-analysis` sends and is told, with a desk instead of a fleet."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import ApiError
from api.live.analysis import AnalysisSession, LiveFrame, StreamLimits
from api.live.connection import MessageRefused
from workers.contract import AnalyzeOptions

LIMITS = StreamLimits(most_in_flight=2, most_fps=1000.0, most_message_bytes=1000)
SECONDS = 10.0


class Ear:
    """Takes what is sent to the client."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, Any]] = []
        self._more = threading.Condition()

    def send(self, message: Mapping[str, Any]) -> bool:
        with self._more:
            self.told.append(json.loads(json.dumps(message)))
            self._more.notify_all()
        return True

    def end(self, code: int, reason: str = "") -> None:
        self.told.append({"type": "end", "code": code, "reason": reason})

    def wait_for(self, kind: str, count: int = 1) -> list[Mapping[str, Any]]:
        def found() -> list[Mapping[str, Any]]:
            return [one for one in self.told if one["type"] == kind]

        with self._more:
            assert self._more.wait_for(lambda: len(found()) >= count, SECONDS), self.told
            return found()


class Desk:
    """Analyses each frame when it is told to, or at once."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.frames: list[LiveFrame] = []
        self.left = threading.Event()
        self._tickets = threading.Semaphore(0)
        self._is_open = is_open
        self.fault: Exception | None = None
        #: In the order they are told.
        self.followed: list[tuple[LiveFrame, Mapping[str, Any]]] = []

    def options(self, members: Mapping[str, Any], analyses: Sequence[str] | None) -> AnalyzeOptions:
        if "wrong" in members:
            raise ApiError("unknown_option", "There is no option 'wrong'.", field="wrong")
        return AnalyzeOptions.model_validate(
            {**members, **({"analyses": analyses} if analyses else {})}
        )

    def analyse(self, frame: LiveFrame) -> Mapping[str, Any]:
        self.frames.append(frame)
        if not self._is_open:
            assert self._tickets.acquire(timeout=SECONDS)
        return {"type": "result", "result": {"bytes": len(frame.content or b"")}}

    def follow(self, frame: LiveFrame, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        self.followed.append((frame, answer))
        return answer

    def finish(self, count: int = 1) -> None:
        self._tickets.release(count)

    def leave(self) -> None:
        self.left.set()
        self._tickets.release(100)


@contextmanager
def stream(desk: Desk, limits: StreamLimits = LIMITS) -> Iterator[tuple[AnalysisSession, Ear]]:
    session, ear = AnalysisSession(desk, limits, connection_id="live_1"), Ear()
    session.opened(ear)
    try:
        yield session, ear
    finally:
        session.closed()


def test_a_client_is_told_the_limits_first() -> None:
    with stream(Desk()) as (_, ear):
        assert ear.told == [
            {
                "type": "ready",
                "connection_id": "live_1",
                "max_message_bytes": 1000,
                "max_in_flight": 2,
                "max_fps": 1000.0,
            }
        ]


def test_a_binary_frame_and_one_in_base64_are_the_same() -> None:
    desk = Desk()
    with stream(desk) as (session, ear):
        session.binary(b"abc")
        ear.wait_for("result")
        session.text('{"type": "frame", "id": "x", "image": "YWJj"}')
        ear.wait_for("result", 2)
        session.text('{"type": "frame", "id": 9, "image": "data:image/jpeg;base64,YWJj"}')

        first, *others = ear.wait_for("result", 3)

        assert (first["frame_id"], first["sequence"], first["dropped"]) == (None, 1, 0)
        assert [one["frame_id"] for one in others] == ["x", 9]
        assert [frame.content for frame in desk.frames] == [b"abc"] * 3


def test_what_is_asked_for_at_the_start_holds_for_later_frames() -> None:
    desk = Desk()
    with stream(desk) as (session, ear):
        session.text('{"type": "start", "analyses": ["recognition"], "options": {"max_faces": 3}}')
        session.binary(b"a")
        ear.wait_for("result")

        [started] = ear.wait_for("started")

        assert started["options"]["max_faces"] == 3
        assert desk.frames[0].options.analyses == ("recognition",)


@pytest.mark.parametrize(
    ("kind", "analyses"),
    [
        ("face_detection_stream", ("detection",)),
        ("face_recognition_stream", ("detection", "recognition")),
        ("antispoof_stream", ("detection", "anti_spoofing")),
    ],
)
def test_the_streams_of_the_requirements_say_what_to_do_by_their_name(
    kind: str, analyses: tuple[str, ...]
) -> None:
    desk = Desk()
    with stream(desk) as (session, ear):
        session.text(json.dumps({"type": kind, "data": "YWJj", "request_id": "r"}))

        [result] = ear.wait_for("result")

        assert result["frame_id"] == "r"
        assert desk.frames[0].options.analyses == analyses


def test_wrong_options_are_told_and_the_connection_goes_on() -> None:
    with stream(Desk()) as (session, ear):
        session.text('{"type": "start", "options": {"wrong": 1}}')
        session.binary(b"a")

        [error] = ear.wait_for("error")

        assert (error["code"], error["sequence"], error["field"]) == (
            "unknown_option",
            None,
            "wrong",
        )
        ear.wait_for("result")


@pytest.mark.parametrize(
    "message",
    [
        *("", "null", "[]", '{"type": "dance"}', '{"type": "frame"}', '{"type": "ping", "x": 1}'),
        *("[" * 100_000, '{"type": "start", "max_fps": NaN}', '{"type": "start", "max_fps": 0}'),
    ],
)
def test_a_message_without_sense_is_refused(message: str) -> None:
    with stream(Desk()) as (session, _), pytest.raises(MessageRefused):
        session.text(message)


def test_pings_are_answered_while_frames_are_under_way() -> None:
    desk = Desk(is_open=False)
    with stream(desk) as (session, ear):
        session.binary(b"a")
        session.text('{"type": "ping", "id": "p"}')

        assert ear.wait_for("pong") == [{"type": "pong", "id": "p"}]


def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    desk = Desk(is_open=False)
    with stream(desk) as (session, ear):
        for number in range(6):
            session.text(json.dumps({"type": "frame", "id": number, "image": "YQ=="}))
            _until(lambda count=number: len(desk.frames) == min(count + 1, 2))
        session.text('{"type": "stop"}')
        desk.finish(3)

        answers = ear.wait_for("result", 3)

        assert [(one["frame_id"], one["dropped"]) for one in answers] == [(0, 0), (1, 0), (5, 3)]
        assert ear.wait_for("stopped") == [
            {"type": "stopped", "received": 6, "answered": 3, "dropped": 3}
        ]


def test_a_stream_that_is_stopped_may_go_on() -> None:
    with stream(Desk()) as (session, ear):
        session.text('{"type": "stop"}')
        assert ear.wait_for("stopped")[0]["received"] == 0
        session.binary(b"a")
        ear.wait_for("result")
        session.text('{"type": "stop"}')
        assert ear.wait_for("stopped", 2)[1]["answered"] == 1


def test_frames_are_analysed_no_faster_than_the_client_asks() -> None:
    desk = Desk()
    with stream(desk) as (session, ear):
        session.text('{"type": "start", "max_fps": 20}')
        for _ in range(3):
            session.binary(b"a")
        session.text('{"type": "stop"}')

        [stopped] = ear.wait_for("stopped")

        assert stopped["received"] == 3 == stopped["answered"] + stopped["dropped"]
        # The first at once, the newest of the others a twentieth of a second later.
        assert stopped["answered"] == 2


def test_the_desk_hears_that_the_client_has_left_and_nothing_more_is_sent() -> None:
    desk = Desk(is_open=False)
    with stream(desk) as (session, ear):
        session.binary(b"a")
        _until(lambda: len(desk.frames) == 1)

    assert desk.left.is_set()
    assert [one["type"] for one in ear.told] == ["ready"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["send", "finish"]), min_size=1, max_size=30))
def test_in_any_order_answers_are_ordered_and_every_frame_is_accounted_for(
    moves: Sequence[str],
) -> None:
    desk = Desk(is_open=False)
    with stream(desk) as (session, ear):
        sent = 0
        for move in moves:
            if move == "send":
                session.text(json.dumps({"type": "frame", "id": sent, "image": "YQ=="}))
                sent += 1
            else:
                desk.finish()
        session.text('{"type": "stop"}')
        desk.finish(100)

        [stopped] = ear.wait_for("stopped")

        answers = [one for one in ear.told if one["type"] == "result"]
        ids = [one["frame_id"] for one in answers]
        assert ids == sorted(ids)
        assert [one["sequence"] for one in answers] == list(range(1, len(answers) + 1))
        assert sent == len(answers) + sum(one["dropped"] for one in answers)
        assert (stopped["received"], stopped["answered"]) == (sent, len(answers))


def _until(condition: Any) -> None:  # noqa: ANN401 - a lambda with a default
    waited = threading.Event()
    for _ in range(1000):
        if condition():
            return
        waited.wait(0.01)
    pytest.fail("it did not happen")
