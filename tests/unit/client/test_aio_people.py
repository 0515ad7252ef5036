"""Known people through the asyncio client: the same methods, and the same requests."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from client import AsyncClient, NotFound, Retries
from client.errors import BadAnswer
from client.testing import ScriptedGateway, collection_body, deletion_body, person_body

MADE = "2026-01-01T00:00:00Z"


async def _parts(*parts: bytes) -> AsyncIterator[bytes]:
    """An answer that comes bit by bit, as from the network."""
    for part in parts:
        yield part


def _run(gateway: ScriptedGateway, work: Callable[[AsyncClient], Awaitable[None]]) -> None:
    async def _whole() -> None:
        async with AsyncClient(
            "http://gateway.test",
            retries=Retries(attempts=3, first_pause_seconds=0),
            transport=httpx.MockTransport(gateway),
        ) as faces:
            await work(faces)

    asyncio.run(_whole())


def test_people_are_enrolled_found_and_forgotten(gateway: ScriptedGateway) -> None:
    job = {"id": "job_1", "state": "succeeded", "created_at": MADE, "result": {"faces": []}}
    page = {"items": [person_body("ada")], "next_cursor": None}
    gateway.answers = [
        httpx.Response(201, json=collection_body("album")),
        httpx.Response(200, json=job),
        httpx.Response(200, json=job),
        httpx.Response(200, json=job),
        httpx.Response(200, json=page),
        httpx.Response(200, json=deletion_body()),
    ]
    seen: list[str] = []

    async def _work(faces: AsyncClient) -> None:
        await faces.collections.create("album")
        await faces.people.enroll("ada", [b"jpeg"], collection="album", name="Ada")
        await faces.people.identify(b"jpeg", collection="album")
        await faces.people.verify("ada", b"jpeg", collection="album")
        seen.extend([one.id async for one in faces.people.everybody(collection="album")])
        seen.append((await faces.people.delete("ada", collection="album")).id)

    _run(gateway, _work)

    assert seen == ["ada", "deletion_1"]
    assert [
        request.url.path.removeprefix("/api/v1/collections") for request in gateway.requests
    ] == [
        "",
        "/album/persons/ada/faces",
        "/album/identify",
        "/album/persons/ada/verify",
        "/album/persons",
        "/album/persons/ada",
    ]
    assert json.loads(gateway.requests[0].content) == {"id": "album"}


def test_an_export_goes_to_a_file_whole_or_not_at_all(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    target, end = tmp_path / "album.ndjson", b'{"kind": "end"}\n'
    gateway.answers = [
        httpx.Response(503, json={"code": "store_unavailable"}),
        httpx.Response(200, content=end),
        httpx.Response(200, content=end[:5]),
        httpx.Response(404, content=_parts(b'{"code": "collection_not_', b'found"}')),
    ]

    async def _work(faces: AsyncClient) -> None:
        await faces.collections.export(target)
        with pytest.raises(BadAnswer):
            await faces.collections.export(tmp_path / "other.ndjson")
        with pytest.raises(NotFound) as raised:
            await faces.collections.export(tmp_path / "other.ndjson")
        assert raised.value.code == "collection_not_found"

    _run(gateway, _work)

    assert target.read_bytes() == end
    assert list(tmp_path.iterdir()) == [target]
