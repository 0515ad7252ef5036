"""WebSocket connections to the real gateway: how they open, live and end. No worker is needed."""

import asyncio
import io
import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from PIL import Image
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from api.live.credentials import SUBPROTOCOL
from tests.integration.gateway_process import Gateway, running_gateway

pytestmark = [pytest.mark.fleet, pytest.mark.redis]

KEY = "fs_live_" + "development" + "k" * 40
CONNECTIONS = 3


@pytest.fixture(scope="module")
def gateway(
    valkey_port: int,
    pick_port: Callable[[], int],
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """A gateway that wants credentials, and lets a user have few connections."""
    with running_gateway(
        tmp_path_factory.mktemp("live"),
        root=root,
        port=pick_port(),
        redis_port=valkey_port,
        auth="required",
        development_key=KEY,
        live_connections=CONNECTIONS,
        live_heartbeat_seconds=1,
        cors_origins="https://page.example",
    ) as gateway:
        yield gateway


@pytest.fixture
def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 120, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


def opened(
    gateway: Gateway,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    protocols: Sequence[str] | None = None,
    origin: str | None = None,
) -> connect:
    """A connection by the websockets library, with the key in a header unless headers are given."""
    return connect(
        f"ws://127.0.0.1:{gateway.port}{path}",
        proxy=None,
        additional_headers={"X-API-Key": KEY} if headers is None else headers,
        subprotocols=None if protocols is None else [Subprotocol(one) for one in protocols],
        origin=None if origin is None else Origin(origin),
    )


async def heard(connection: ClientConnection) -> dict[str, Any]:
    message = await asyncio.wait_for(connection.recv(), timeout=10)
    told: dict[str, Any] = json.loads(message)
    return told


def test_one_credential_opens_a_connection_in_any_of_four_ways(gateway: Gateway) -> None:
    async def with_each() -> list[str | None]:
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            headers = {"Authorization": f"Bearer {KEY}"}
            answer = await client.post("/api/v1/live/tickets", headers=headers)
            assert answer.status_code == 201, answer.text
        ticket = answer.json()["ticket"]
        by_ticket = f"/ws/face-analysis?ticket={ticket}"
        protocols = [SUBPROTOCOL, f"bearer.{KEY}"]
        ways = [
            opened(gateway, "/ws/face-analysis", headers=headers),
            opened(gateway, "/ws/realtime", headers={"X-API-Key": KEY}),
            opened(gateway, "/ws/face-analysis", headers={}, protocols=protocols),
            opened(gateway, by_ticket, headers={}),
        ]
        spoken: list[str | None] = []
        for way in ways:
            async with way as connection:
                assert (await heard(connection))["type"] == "ready"
                spoken.append(connection.subprotocol)
        with pytest.raises(InvalidStatus, match="401"):
            await opened(gateway, by_ticket, headers={})
        return spoken

    assert asyncio.run(with_each()) == [None, None, SUBPROTOCOL, None]


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/ws/face-analysis", {}, 401, "auth_required"),
        ("/ws/face-analysis", {"X-API-Key": "fs_live_wrong"}, 401, "auth_invalid"),
        ("/ws/face-analysis?ticket=ticket_wrong", {}, 401, "auth_invalid"),
        ("/ws/face-analysis", {"X-API-Key": KEY}, 426, "upgrade_required"),
        ("/ws/system-status", {"X-API-Key": KEY, "Upgrade": "h2c"}, 426, "upgrade_required"),
        ("/ws/face-analysis?token=x", {"X-API-Key": KEY}, 422, "unknown_option"),
    ],
)
def test_a_request_that_may_not_become_a_connection_is_told_why(
    gateway: Gateway, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = httpx.get(gateway.url + path, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_page_is_told_by_a_close_code_why_it_gets_no_connection(gateway: Gateway) -> None:
    async def close_code(headers: dict[str, str], origin: str) -> int | None:
        async with opened(
            gateway, "/ws/face-analysis", headers=headers, origin=origin
        ) as connection:
            return await _end(connection)

    key = {"X-API-Key": KEY}
    assert asyncio.run(close_code({}, "https://page.example")) == 4401
    assert asyncio.run(close_code(key, "https://elsewhere.example")) == 4403


def test_a_page_of_an_allowed_origin_gets_a_connection(gateway: Gateway) -> None:
    async def first() -> dict[str, Any]:
        async with opened(
            gateway, "/ws/face-analysis", origin="https://page.example"
        ) as connection:
            return await heard(connection)

    assert asyncio.run(first())["type"] == "ready"


def test_a_user_has_no_more_connections_than_allowed_and_a_closed_one_makes_room(
    gateway: Gateway,
) -> None:
    async def fill() -> None:
        held = [await opened(gateway, "/ws/notifications") for _ in range(CONNECTIONS)]
        with pytest.raises(InvalidStatus, match="429"):
            await opened(gateway, "/ws/notifications")
        await held.pop().close()
        held.append(await opened(gateway, "/ws/notifications"))
        for connection in held:
            await connection.close()

    asyncio.run(fill())


def test_notifications_tell_of_a_job_s_changes(gateway: Gateway, photo: bytes) -> None:
    async def listen() -> tuple[str, dict[str, Any]]:
        async with (
            opened(gateway, "/ws/notifications") as connection,
            httpx.AsyncClient(base_url=gateway.url, headers={"X-API-Key": KEY}) as client,
        ):
            assert (await heard(connection))["type"] == "ready"
            answer = await client.post("/api/v1/face/analyze", files={"image": photo})
            job = answer.json()["id"]
            await heard(connection)
            await client.post(f"/api/v1/jobs/{job}/cancel")
            return job, await heard(connection)

    job, told = asyncio.run(listen())

    assert (told["type"], told["id"], told["state"]) == ("job", job, "cancelled")


def test_the_system_s_status_is_told_at_once_and_pings_are_answered(gateway: Gateway) -> None:
    async def ask() -> tuple[dict[str, Any], dict[str, Any]]:
        async with opened(gateway, "/ws/system-status") as connection:
            first = await heard(connection)
            await connection.send('{"type": "ping", "id": 7}')
            return first, await heard(connection)

    status, pong = asyncio.run(ask())

    assert (status["type"], status["status"]) == ("system_status", "ok")
    assert pong == {"type": "pong", "id": 7}


def test_a_frame_that_is_no_image_is_answered_and_a_senseless_message_ends_the_connection(
    gateway: Gateway,
) -> None:
    async def send() -> tuple[list[dict[str, Any]], int | None]:
        async with opened(gateway, "/ws/face-analysis") as connection:
            await heard(connection)
            await connection.send(b"no image")
            await connection.send('{"type": "frame", "id": "a", "image": "%%%"}')
            await connection.send('{"type": "start", "analyses": ["nothing"]}')
            answers = [await heard(connection) for _ in range(3)]
            return answers, await _end(connection, "not JSON")

    answers, code = asyncio.run(send())

    assert code == 4400
    assert {one["type"] for one in answers} == {"error"}
    assert sorted(one["code"] for one in answers) == [
        "invalid_image_format",
        "invalid_request",
        "unknown_analysis",
    ]


def test_a_message_that_is_too_large_ends_the_connection(gateway: Gateway) -> None:
    async def send() -> int | None:
        async with opened(gateway, "/ws/face-analysis") as connection:
            await heard(connection)
            return await _end(connection, bytes(3 * 1024 * 1024))

    assert asyncio.run(send()) == 1009


def test_frames_of_a_client_that_leaves_are_cancelled(
    gateway: Gateway, photo: bytes, real_redis: redis.Redis
) -> None:
    async def send_and_leave() -> None:
        async with opened(gateway, "/ws/face-analysis") as connection:
            await heard(connection)
            for _ in range(5):
                await connection.send(photo)
            await _until(lambda: len(_states(real_redis)) == 2)
            assert _states(real_redis) == ["queued", "queued"]
        await _until(lambda: _states(real_redis) == ["cancelled", "cancelled"])

    asyncio.run(send_and_leave())

    assert httpx.get(f"{gateway.url}/api/v1/jobs", headers={"X-API-Key": KEY}).json()["items"] == []


def test_connections_are_told_to_come_back_when_the_gateway_is_reloaded(gateway: Gateway) -> None:
    async def stay() -> int | None:
        async with opened(gateway, "/ws/system-status") as connection:
            await heard(connection)
            gateway.process.send_signal(signal.SIGHUP)
            return await _end(connection)

    assert asyncio.run(stay()) == 1012


async def _end(connection: ClientConnection, last: bytes | str | None = None) -> int | None:
    """The close code a connection ends with, after one more message."""
    with suppress(ConnectionClosed):
        if last is not None:
            await connection.send(last)
        while True:
            await heard(connection)
    return connection.close_code


def _states(store: redis.Redis) -> list[str]:
    keys = [key for key in store.scan_iter("fs:{jobs}:job:*") if store.type(key) == b"hash"]
    found = (store.hget(key, "state") for key in keys)
    return sorted(state.decode() for state in found if isinstance(state, bytes))


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the store is another process
            await asyncio.sleep(0.05)
