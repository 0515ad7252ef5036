"""A camera that is faster than the fleet: the newest frames are analysed, in order."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from cli.local_fleet import LocalFleet

pytestmark = [pytest.mark.fleet, pytest.mark.weights]

FRAMES = 20


def test_frames_sent_faster_than_they_are_analysed_are_answered_in_order_or_counted(
    fleet: LocalFleet, photos: dict[str, Path]
) -> None:
    photo = photos["t1"].read_bytes()
    told = asyncio.run(_streamed(fleet, photo))

    results = [one for one in told if one["type"] == "result"]
    [stopped] = [one for one in told if one["type"] == "stopped"]
    ids = [one["frame_id"] for one in results]
    dropped = sum(one["dropped"] for one in results)
    assert ids == sorted(ids)
    assert ids[-1] == FRAMES - 1, "the newest frame is never passed over"
    assert len(results) + dropped == FRAMES
    assert dropped > 0, "the fleet was not outrun, so nothing was shown"
    assert stopped == {
        "type": "stopped",
        "received": FRAMES,
        "answered": len(results),
        "dropped": dropped,
    }
    for one in results:
        assert len(one["result"]["faces"]) == 6
        assert one["timings_ms"]["total"] > 0


async def _streamed(fleet: LocalFleet, photo: bytes) -> list[dict[str, Any]]:
    """Everything that is told until the end of a stream of the same photo."""
    told = []
    async with (
        asyncio.timeout(60),
        connect(
            fleet.url.replace("http", "ws") + "/ws/face-analysis",
            proxy=None,
            additional_headers={"X-API-Key": fleet.key},
        ) as connection,
    ):
        await connection.send('{"type": "start", "analyses": ["detection"]}')
        image = base64.b64encode(photo).decode()
        for number in range(FRAMES):
            await connection.send(json.dumps({"type": "frame", "id": number, "image": image}))
            await asyncio.sleep(0.01)
        await connection.send('{"type": "stop"}')
        async for message in connection:
            told.append(json.loads(message))
            if told[-1]["type"] == "stopped":
                return told
    pytest.fail(f"the stream ended early: {told}")
