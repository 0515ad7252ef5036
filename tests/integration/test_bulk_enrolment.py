"""Many people enrolled at once, with workers killed on the way, and named in photos and streams."""

import asyncio
import base64
import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image, ImageEnhance
from websockets.asyncio.client import connect

from cli.local_fleet import LocalFleet

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

COLLECTION = "/api/v1/collections/bulk"
#: Photos of the same person that differ a little: enough that a worker has not done them all when
#: it is killed.
LIGHTS = 40
FRAMES = 5


@pytest.fixture(scope="module")
def enrolled(
    http: httpx.Client, fleet: LocalFleet, photos: dict[str, Path]
) -> dict[str, dict[str, str]]:
    """By file what the table says of an enrolment whose worker was killed."""
    assert http.post("/api/v1/collections", json={"id": "bulk"}).status_code == 201
    answer = http.post(
        f"{COLLECTION}/enrollments?people=manifest",
        content=_archive(photos["astronaut"]),
        headers={"Content-Type": "application/zip"},
    )
    assert answer.status_code == 202, answer.text
    batch = answer.json()
    _await(http, batch, lambda one: one["counts"]["succeeded"] > 0)
    for process in psutil.Process(fleet.pid("worker-cpu")).children(recursive=True):
        process.kill()
    batch = _await(http, batch, lambda one: one["finished_at"] is not None)

    report = http.get(batch["links"]["report"])
    assert report.json()["complete"], report.text
    table = http.get(batch["links"]["report"], params={"format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(table)))
    told = report.json()["photos"]
    assert told["total"] == len(rows) == LIGHTS + 4
    assert told["enrolled"] == sum(row["outcome"] == "enrolled" for row in rows)
    # Otherwise everybody in photos that follow would be two persons at once.
    assert http.delete(f"{COLLECTION}/persons/somebody").status_code == 200
    return {row["file"]: row for row in rows}


def test_every_photo_has_its_end_although_a_worker_was_killed(
    enrolled: dict[str, dict[str, str]],
) -> None:
    ends = {name: (row["outcome"], row["code"]) for name, row in enrolled.items()}

    assert [ends[f"astronaut/{number:02}.jpg"] for number in range(LIGHTS)] == [
        ("enrolled", "")
    ] * LIGHTS
    assert ends["astronaut/again.jpg"] == ("duplicate", "")
    assert ends["astronaut/grey.jpg"] == ("refused", "face_not_found")
    assert ends["broken.jpg"] == ("refused", "invalid_image_format")
    # Two persons who look the same are told, and refused by strict collections alone.
    assert ends["somebody.jpg"] == ("enrolled", "")
    assert enrolled["somebody.jpg"]["warnings"] == "identity_similarity_conflict"
    assert enrolled["somebody.jpg"]["similar_person_id"] == "eileen"


def test_the_faces_that_are_stored_are_those_that_are_reported(
    http: httpx.Client, enrolled: dict[str, dict[str, str]]
) -> None:
    lines = http.get(f"{COLLECTION}/export").text.splitlines()

    stored = [one["id"] for one in map(json.loads, lines) if one["kind"] == "face"]
    reported = [row["face_id"] for row in enrolled.values() if row["person_id"] == "eileen"]
    assert sorted(stored) == sorted(filter(None, reported))
    assert len(stored) == LIGHTS


def test_a_batch_names_people_by_the_collection(
    http: httpx.Client, photos: dict[str, Path], enrolled: dict[str, dict[str, str]]
) -> None:
    assert enrolled
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("one.jpg", _lit(photos["astronaut"], 0.97))
        archive.write(photos["t1"], "others.jpg")

    answer = http.post(
        "/api/v1/batch/submit?database_id=bulk&analyses=detection",
        content=written.getvalue(),
        headers={"Content-Type": "application/zip"},
    )

    batch = _await(http, answer.json(), lambda one: one["finished_at"] is not None)
    assert batch["options"]["identify"]["collection_id"] == "bulk"
    assert "col_" not in json.dumps(batch)
    one, others = http.get(batch["links"]["results"]).json()["items"]
    [face] = one["result"]["faces"]
    assert face["identity"]["person"]["name"] == "Eileen Collins"
    assert {face["identity"]["person"] for face in others["result"]["faces"]} == {None}


def test_a_stream_names_a_person_by_several_frames(
    fleet: LocalFleet, photos: dict[str, Path], enrolled: dict[str, dict[str, str]]
) -> None:
    assert enrolled
    results = asyncio.run(_streamed(fleet, photos["astronaut"]))

    tracks = [face["track"] for result in results for face in result["faces"]]
    assert len(tracks) == FRAMES
    assert {track["id"] for track in tracks} == {1}
    assert [track["decision"] for track in tracks] == ["uncertain"] * 2 + ["match"] * (FRAMES - 2)
    assert tracks[-1]["person"]["id"] == "eileen"
    assert tracks[0]["person"] is None


def _archive(photo: Path) -> bytes:
    """One person in many lights, and troubles; of the last photo somebody else is said to be."""
    names = [f"astronaut/{number:02}.jpg" for number in range(LIGHTS)]
    contents = {name: _lit(photo, 0.8 + number / 100) for number, name in enumerate(names)}
    contents["astronaut/again.jpg"] = contents[names[0]]
    contents["astronaut/grey.jpg"] = _jpeg(Image.new("RGB", (160, 160), (120, 130, 140)))
    contents["broken.jpg"] = b"no photo"
    contents["somebody.jpg"] = _lit(photo, 1.3)
    rows = [f"{name},eileen,Eileen Collins" for name in contents if name != "somebody.jpg"]
    rows += ["somebody.jpg,somebody,Somebody Else"]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        archive.writestr("manifest.csv", "\n".join(["file,person_id,name", *rows]))
    return written.getvalue()


def _lit(photo: Path, brightness: float) -> bytes:
    with Image.open(photo) as image:
        image.thumbnail((320, 320))
        return _jpeg(ImageEnhance.Brightness(image.convert("RGB")).enhance(brightness))


def _jpeg(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=90)
    return written.getvalue()


def _await(
    http: httpx.Client, batch: dict[str, Any], is_there: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """The batch, as soon as it is so far."""
    for _ in range(600):
        if is_there(batch):
            return batch
        batch = http.get(f"{batch['links']['self']}?wait=1").json()
    pytest.fail(f"the batch did not come so far: {batch}")


async def _streamed(fleet: LocalFleet, photo: Path) -> list[dict[str, Any]]:
    """The results of some frames of one photo, each sent when the one before was answered."""
    results: list[dict[str, Any]] = []
    address = fleet.url.replace("http", "ws") + "/ws/face-analysis"
    headers = {"X-API-Key": fleet.key}
    start = {
        "type": "start",
        "analyses": ["detection"],
        "options": {"database_id": "bulk"},
        "max_fps": 30,
    }
    async with (
        asyncio.timeout(60),
        connect(address, proxy=None, additional_headers=headers) as connection,
    ):
        await connection.send(json.dumps(start))
        image = base64.b64encode(_lit(photo, 1.0)).decode()
        while len(results) < FRAMES:
            told = json.loads(await connection.recv())
            assert told["type"] in {"ready", "started", "result"}, told
            if told["type"] == "result":
                results.append(told["result"])
            if told["type"] in {"started", "result"}:
                await connection.send(json.dumps({"type": "frame", "image": image}))
    return results
