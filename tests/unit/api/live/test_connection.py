"""A connection serves its messages, gives signs of life, and ends for one reason, told."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

import pytest
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    TextMessage,
)

from api.live.close_codes import CloseCode
from api.live.connection import ABNORMAL, Channel, LiveConnection, MessageRefused, Pace
from api.live.frames import Closed


class Wire:
    """A client at the other end, whose moves are given: bytes, seconds of silence, or its end."""

    def __init__(self) -> None:
        self.moves: deque[bytes | float] = deque()
        self.protocol = Connection(ConnectionType.CLIENT)
        self.heard: list[Event] = []
        self.now = 1000.0
        self.is_aborted = False
        self.answers_closes = True
        #: Raised by the next sending.
        self.send_error: OSError | None = None

    def says(self, *events: Event) -> None:
        self.moves += [self.protocol.send(event) for event in events]

    def clock(self) -> float:
        return self.now

    def receive(self) -> bytes:
        if self.is_aborted or not self.moves:
            return b""
        move = self.moves.popleft()
        if isinstance(move, bytes):
            return move
        self.now += move
        raise TimeoutError

    def send(self, data: bytes) -> None:
        if self.send_error is not None:
            raise self.send_error
        self.protocol.receive_data(data)
        for event in self.protocol.events():
            self.heard.append(event)
            is_ours = self.protocol.state is not ConnectionState.CLOSED
            if isinstance(event, CloseConnection) and is_ours and self.answers_closes:
                self.moves.append(self.protocol.send(event.response()))

    def abort(self) -> None:
        self.is_aborted = True

    @property
    def told(self) -> list[Any]:
        return [json.loads(one.data) for one in self.heard if isinstance(one, TextMessage)]

    @property
    def close_codes(self) -> list[int]:
        return [one.code for one in self.heard if isinstance(one, CloseConnection)]


class Echo:
    """A session that answers each message."""

    def __init__(self) -> None:
        self.connection: Channel
        self.ends = 0

    def opened(self, connection: Channel) -> None:
        self.connection = connection
        connection.send({"type": "ready"})

    def text(self, message: str) -> None:
        if message == "fault":
            raise RuntimeError(message)
        if message == "senseless":
            raise MessageRefused("no sense")
        self.connection.send({"said": message})

    def binary(self, message: bytes) -> None:
        self.connection.send({"bytes": len(message)})

    def closed(self) -> None:
        self.ends += 1


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def echo() -> Echo:
    return Echo()


def served(wire: Wire, echo: Echo, **pace: Any) -> Closed:  # noqa: ANN401 - fields of Pace
    return LiveConnection(wire, echo, Pace(**pace), clock=wire.clock).run()


def test_messages_are_answered_until_the_client_closes(wire: Wire, echo: Echo) -> None:
    wire.says(TextMessage(data="é"), BytesMessage(data=b"123"), CloseConnection(code=1000))

    closed = served(wire, echo)

    assert wire.told == [{"type": "ready"}, {"said": "é"}, {"bytes": 3}]
    assert (closed.code, wire.close_codes, echo.ends) == (1000, [1000], 1)


def test_a_client_that_vanishes_ends_the_session(wire: Wire, echo: Echo) -> None:
    assert served(wire, echo).code == ABNORMAL
    assert echo.ends == 1


def test_a_silent_client_is_pinged_and_stays_as_long_as_it_answers(wire: Wire, echo: Echo) -> None:
    for _ in range(5):
        wire.moves += [5.0, 5.0, 5.0, 5.0]
        wire.says(Pong())
    wire.says(CloseConnection(code=1000))

    closed = served(wire, echo, heartbeat_seconds=20)

    assert closed.code == 1000
    assert len([one for one in wire.heard if isinstance(one, Ping)]) == 5


def test_a_client_that_gives_no_sign_of_life_is_given_up(wire: Wire, echo: Echo) -> None:
    wire.moves += [5.0] * 11

    closed = served(wire, echo, heartbeat_seconds=20)

    assert (closed.code, len(wire.moves)) == (ABNORMAL, 0)


def test_a_client_that_sends_no_messages_is_sent_away_but_its_pongs_are_none(
    wire: Wire, echo: Echo
) -> None:
    for _ in range(4):
        wire.moves.append(20.0)
        wire.says(Pong())

    closed = served(wire, echo, heartbeat_seconds=20, idle_seconds=60)

    assert (closed.code, wire.close_codes) == (CloseCode.IDLE, [CloseCode.IDLE])


def test_a_message_without_sense_ends_the_connection_and_later_ones_are_not_served(
    wire: Wire, echo: Echo
) -> None:
    wire.moves.append(
        wire.protocol.send(TextMessage(data="senseless"))
        + wire.protocol.send(TextMessage(data="more"))
    )

    closed = served(wire, echo)

    assert closed == Closed(code=CloseCode.BAD_MESSAGE, reason="no sense")
    assert wire.told == [{"type": "ready"}]


def test_a_fault_of_ours_ends_the_connection_as_such(wire: Wire, echo: Echo) -> None:
    wire.says(TextMessage(data="fault"))

    assert served(wire, echo).code == CloseCode.INTERNAL_ERROR
    assert (wire.close_codes, echo.ends) == ([CloseCode.INTERNAL_ERROR], 1)


def test_a_client_that_does_not_answer_our_close_is_not_waited_for(wire: Wire, echo: Echo) -> None:
    wire.says(TextMessage(data="senseless"))
    wire.moves += [3.0, 3.0, 3.0]
    wire.answers_closes = False

    closed = served(wire, echo)

    assert (closed.code, list(wire.moves)) == (CloseCode.BAD_MESSAGE, [3.0])


def test_a_client_that_does_not_read_is_cut(wire: Wire, echo: Echo) -> None:
    wire.says(TextMessage(data="a"), TextMessage(data="b"))
    wire.send_error = TimeoutError()

    closed = served(wire, echo)

    assert closed.code == CloseCode.TRY_LATER
    assert wire.is_aborted


def test_a_client_that_has_gone_while_we_send_ends_as_gone(wire: Wire, echo: Echo) -> None:
    wire.says(TextMessage(data="a"))
    wire.send_error = ConnectionResetError()

    assert served(wire, echo).code == ABNORMAL


def test_whoever_is_not_welcome_any_more_is_sent_away(wire: Wire, echo: Echo) -> None:
    looks = iter([None, Closed(code=CloseCode.UNAUTHENTICATED, reason="auth_expired")])
    for _ in range(10):
        wire.moves.append(10.0)
        wire.says(Pong())

    connection = LiveConnection(
        wire, echo, Pace(check_seconds=30), is_welcome=lambda: next(looks), clock=wire.clock
    )

    assert connection.run() == Closed(code=CloseCode.UNAUTHENTICATED, reason="auth_expired")
    assert wire.close_codes == [CloseCode.UNAUTHENTICATED]
    assert next(looks, None) is None


def test_messages_of_several_threads_do_not_mix(wire: Wire, echo: Echo) -> None:
    connection = LiveConnection(wire, echo, Pace(), clock=wire.clock)

    def send(name: str) -> None:
        for number in range(50):
            assert connection.send({name: number, "rest": "x" * 200})

    threads = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    by_name: Mapping[str, list[int]] = {
        name: [one[name] for one in wire.told if name in one] for name in "abcd"
    }
    assert by_name == {name: list(range(50)) for name in "abcd"}
