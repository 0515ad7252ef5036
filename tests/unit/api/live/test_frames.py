"""A client's bytes become messages, and nothing a client sends makes the protocol fail."""

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from api.live.close_codes import CloseCode
from api.live.frames import Closed, Frames, accept_of


@pytest.fixture
def client() -> Connection:
    return Connection(ConnectionType.CLIENT)


def frames(most_bytes: int = 1000) -> Frames:
    return Frames(most_bytes=most_bytes)


def told(client: Connection, data: bytes) -> list[object]:
    client.receive_data(data)
    return list(client.events())


def test_the_handshake_s_proof_is_that_of_the_standard_s_example() -> None:
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_message_in_pieces_is_handed_on_whole(client: Connection) -> None:
    ours = frames()
    first = client.send(BytesMessage(data=b"ab", message_finished=False))
    last = client.send(BytesMessage(data=b"cd"))

    assert [*ours.receive(first), *ours.receive(last[:1])] == []
    assert list(ours.receive(last[1:])) == [b"abcd"]


def test_messages_of_both_kinds_that_arrive_together_keep_their_order(client: Connection) -> None:
    data = client.send(TextMessage(data="é")) + client.send(BytesMessage(data=b"\xff"))

    assert list(frames().receive(data)) == ["é", b"\xff"]


def test_a_ping_is_answered_in_the_middle_of_a_message(client: Connection) -> None:
    ours = frames()
    data = client.send(TextMessage(data="a", message_finished=False))
    data += client.send(Ping(payload=b"?"))
    data += client.send(TextMessage(data="b"))

    assert list(ours.receive(data)) == ["ab"]
    assert told(client, ours.replies()) == [Pong(payload=b"?")]
    assert ours.replies() == b""


@pytest.mark.parametrize("opcode", [1, 2])
def test_empty_pieces_without_end_are_a_message_too_large(opcode: int) -> None:
    first, further = bytes([opcode, 0x80]) + bytes(4), b"\0\x80" + bytes(4)

    (closed,) = frames(most_bytes=100).receive(first + further * 100)

    assert isinstance(closed, Closed)
    assert closed.code == CloseCode.TOO_LARGE


@pytest.mark.parametrize("is_text", [True, False])
def test_a_message_beyond_the_limit_ends_the_connection_before_it_is_whole(
    client: Connection, *, is_text: bool
) -> None:
    ours = frames(most_bytes=10)
    message = (
        TextMessage(data="x" * 11, message_finished=False)
        if is_text
        else BytesMessage(data=b"x" * 11, message_finished=False)
    )

    [closed] = ours.receive(client.send(message))

    assert isinstance(closed, Closed)
    assert closed.code == CloseCode.TOO_LARGE
    [close] = told(client, ours.replies())
    assert isinstance(close, CloseConnection)
    assert close.code == CloseCode.TOO_LARGE


def test_a_frame_that_announces_a_huge_message_is_not_waited_for(client: Connection) -> None:
    del client
    announced = b"\x82\xff" + struct.pack("!Q", 2**40) + b"mask"

    found = list(frames(most_bytes=10).receive(announced + b"x" * 11))

    assert [closed.code for closed in found if isinstance(closed, Closed)] == [1009]


def test_a_client_s_close_is_answered_with_its_code(client: Connection) -> None:
    ours = frames()

    found = list(ours.receive(client.send(CloseConnection(code=1001, reason="bye"))))

    assert found == [Closed(code=1001, reason="bye")]
    assert told(client, ours.replies()) == [CloseConnection(code=1001, reason="bye")]
    assert list(ours.receive(b"more")) == []
    assert ours.text("too late") == b""


def test_after_our_close_only_the_client_s_answer_matters(client: Connection) -> None:
    ours = frames()
    sent = ours.close(CloseCode.RESTART, "again")
    assert ours.close(CloseCode.IDLE) == b""

    [close] = told(client, sent)

    assert isinstance(close, CloseConnection)
    found = list(ours.receive(client.send(close.response())))
    assert found == [Closed(code=CloseCode.RESTART, reason="again")]


def test_a_reason_is_cut_to_what_a_close_frame_holds(client: Connection) -> None:
    [close] = told(client, frames().close(CloseCode.IDLE, "x" * 500))

    assert isinstance(close, CloseConnection)
    assert close.reason == "x" * 123


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x82\x01x", 1002),  # not masked
        (b"\xf1\x80mask", 1002),  # reserved bits
        (b"\x83\x80mask", 1002),  # an unknown kind
        (b"\x80\x80mask", 1002),  # goes on with nothing
        (b"\x89\xfe\x00\x7emask", 1002),  # a ping that is too long
        (b"\x81\x81\x00\x00\x00\x00\xff", 1007),  # no UTF-8
    ],
)
def test_a_broken_frame_ends_the_connection(data: bytes, code: int) -> None:
    ours = frames()

    found = list(ours.receive(data))

    assert [closed.code for closed in found if isinstance(closed, Closed)] == [code]
    assert ours.is_closing


@given(st.binary(max_size=200), st.integers(1, 50))
def test_no_bytes_make_it_fail(data: bytes, size: int) -> None:
    ours = frames(most_bytes=100)
    for piece in _pieces(data, size):
        for message in ours.receive(piece):
            assert isinstance(message, (str, bytes, Closed))
    ours.replies()
    ours.close(CloseCode.NORMAL)


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    yield from (data[start : start + size] for start in range(0, len(data), size))
