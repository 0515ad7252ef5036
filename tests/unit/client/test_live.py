"""Live streams of the client, against a small server that answers from a script."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from client.aio_live import AsyncLiveStream
from client.errors import BadAnswer, GatewayAway, LiveEnded, NotAllowed
from client.live import LiveStream
from client.live_messages import answer_of

KEY = "fs_live_test"


def _serve_frames(connection: ServerConnection) -> None:
    """Answer every second frame, and drop the one before it."""
    connection.send(json.dumps({"type": "ready"}))
    received = answered = 0
    for message in connection:
        told = json.loads(message) if isinstance(message, str) else {"type": "frame"}
        if told["type"] == "start":
            connection.send(json.dumps({"type": "started", "options": told}))
        elif told["type"] == "stop":
            dropped = received - answered
            counts = {"received": received, "answered": answered, "dropped": dropped}
            connection.send(json.dumps({"type": "stopped", **counts}))
        elif message == b"end":
            connection.close(1013, "slow reader")
        else:
            received += 1
            if received % 2 == 0:
                answered += 1
                address = {"sequence": answered, "frame_id": told.get("id"), "dropped": 1}
                result = {"faces": list[str]()}
                connection.send(json.dumps({"type": "result", **address, "result": result}))


def _check(connection: ServerConnection, request: Request) -> Response | None:
    if request.headers.get("Authorization") == f"Bearer {KEY}":
        return None
    refused = connection.respond(HTTPStatus.FORBIDDEN, json.dumps({"code": "auth_forbidden"}))
    del refused.headers["Content-Type"]
    refused.headers["Content-Type"] = "application/problem+json"
    return refused


@pytest.fixture
def url() -> Iterator[str]:
    server: Server = serve(
        _serve_frames,
        "127.0.0.1",
        0,
        process_request=_check,
        subprotocols=["facesocial.v1"],  # type: ignore[list-item]  # a NewType of str
    )
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def test_frames_are_answered_in_order_and_counted(url: str) -> None:
    with LiveStream(url, key=KEY, analyses=["detection"], max_fps=5) as live:
        for number in range(3):
            live.send(b"jpeg", frame_id=number)
        first = live.receive(timeout_seconds=5)
        live.send(b"jpeg")
        rest, counts = live.stop()

    assert (first.sequence, first.frame_id, first.dropped) == (1, 1, 1)
    assert first.result == {"faces": []}
    assert [answer.sequence for answer in rest] == [2]
    assert (counts.received, counts.answered, counts.dropped) == (4, 2, 2)


def test_the_same_with_asyncio(url: str) -> None:
    async def _run() -> tuple[int | None, int]:
        async with AsyncLiveStream(url, key=KEY) as live:
            await live.send(b"jpeg")
            await live.send(b"jpeg")
            answer = await live.receive(timeout_seconds=5)
            _, counts = await live.stop()
            return answer.sequence, counts.received

    assert asyncio.run(_run()) == (1, 2)


def test_a_refused_connection_is_a_problem(url: str) -> None:
    with pytest.raises(NotAllowed) as raised, LiveStream(url, key="wrong"):
        pass

    assert raised.value.code == "auth_forbidden"


def test_a_gateway_that_is_not_there_is_away(pick_port: Callable[[], int]) -> None:
    with pytest.raises(GatewayAway), LiveStream(f"http://127.0.0.1:{pick_port()}"):
        pass


def test_an_ended_connection_tells_why(url: str) -> None:
    with LiveStream(url, key=KEY) as live:
        live.send(b"end")

        with pytest.raises(LiveEnded, match="slow reader") as raised:
            live.receive(timeout_seconds=5)

    assert raised.value.code == 1013


def test_no_answer_in_time_is_told(url: str) -> None:
    with LiveStream(url, key=KEY) as live, pytest.raises(TimeoutError):
        live.receive(timeout_seconds=0.05)


def test_a_refused_frame_has_its_error() -> None:
    told = {"type": "error", "frame_id": 7, "sequence": None, "code": "image_empty"}

    answer = answer_of(json.dumps({**told, "message": "It has no bytes.", "retryable": False}))

    assert answer is not None
    assert answer.model_dump()["frame_id"] == 7
    assert answer.model_dump()["error"]["code"] == "image_empty"


@pytest.mark.parametrize("message", ["no json", "[]", "{}", b"\xff"])
def test_other_messages_are_not_understood(message: str | bytes) -> None:
    with pytest.raises(BadAnswer):
        answer_of(message)
