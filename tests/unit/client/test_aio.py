"""The asyncio client: the same methods, and the same requests."""

import asyncio
import inspect
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import AsyncClient, Client, Retries
from client.aio import AsyncBatches, AsyncJobs
from client.aio_collections import AsyncCollections
from client.aio_people import AsyncPeople
from client.sync import Batches, Jobs
from client.sync_collections import Collections
from client.sync_people import People
from client.testing import ScriptedGateway

Body = Callable[..., dict[str, object]]


@pytest.mark.parametrize(
    ("blocking", "awaited"),
    [
        (Client, AsyncClient),
        (Jobs, AsyncJobs),
        (Batches, AsyncBatches),
        (Collections, AsyncCollections),
        (People, AsyncPeople),
    ],
)
def test_both_clients_have_the_same_methods(blocking: type, awaited: type) -> None:
    def methods(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert methods(blocking) == methods(awaited)


def test_a_photo_is_sent_watched_and_waited_for(gateway: ScriptedGateway, job_body: Body) -> None:
    gateway.answers = [
        httpx.Response(503, json={"code": "queue_full"}),
        httpx.Response(202, json=job_body()),
        httpx.Response(200, json=job_body(state="succeeded", result={"faces": [1]})),
    ]
    told: list[int] = []

    async def _run() -> dict[str, Any] | None:
        retries = Retries(first_pause_seconds=0)
        transport = httpx.MockTransport(gateway)
        async with AsyncClient(
            "http://gateway.test", retries=retries, transport=transport
        ) as faces:
            job = await faces.analyze(b"jpeg", progress=lambda sent, _total: told.append(sent))
            return (await faces.wait(job)).result

    assert asyncio.run(_run()) == {"faces": [1]}
    assert told[-1] == len(b"jpeg")


def test_a_folder_is_sent_as_one_stream_again_when_it_has_to_be(
    gateway: ScriptedGateway, batch_body: Body, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"jpeg")
    gateway.answers = [
        httpx.Response(503, json={"code": "queue_full"}),
        httpx.Response(202, json=batch_body(["pending"])),
    ]
    told: list[int] = []

    async def _run() -> None:
        retries = Retries(first_pause_seconds=0)
        transport = httpx.MockTransport(gateway)
        async with AsyncClient(
            "http://gateway.test", retries=retries, transport=transport
        ) as faces:
            await faces.batches.submit(tmp_path, progress=lambda sent, _total: told.append(sent))

    asyncio.run(_run())
    first, second = gateway.requests
    assert first.content == second.content
    assert int(second.headers["Content-Length"]) == len(second.content) == told[-1]
    with tarfile.open(fileobj=io.BytesIO(second.content)) as archive:
        assert archive.getnames() == ["a.jpg"]


def test_results_are_iterated(gateway: ScriptedGateway) -> None:
    item = {"number": 0, "id": "a", "state": "succeeded", "result": {}}
    gateway.answers = [httpx.Response(200, json={"items": [item], "next_cursor": None})]

    async def _run() -> list[int]:
        async with AsyncClient(
            "http://gateway.test", transport=httpx.MockTransport(gateway)
        ) as faces:
            return [item.number async for item in faces.batches.results("batch_1")]

    assert asyncio.run(_run()) == [0]
