"""Many photos at once through a whole fleet: in by every way, out complete."""

import base64
import csv
import io
import json
import socket
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from cli.local_fleet import LocalFleet

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

SUBMIT = "/api/v1/batch/submit"
ITEMS = 40
#: Of the items, so many are none that could be analysed.
BROKEN = 3
VERSION = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def archive(photos: dict[str, Path]) -> bytes:
    """A ZIP of small photos that all differ, three of them broken."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        for number in range(ITEMS):
            content = b"no photo" if number < BROKEN else _small(photos["astronaut"], number)
            made.writestr(f"{number:02}.jpg", content)
    return written.getvalue()


def test_a_zip_comes_back_whole_in_every_form(http: httpx.Client, archive: bytes) -> None:
    answer = http.post(
        f"{SUBMIT}?analyses=detection&keep_photos=true&tags=bulk-test",
        content=archive,
        headers={"Content-Type": "application/zip"},
    )
    batch = _ended(http, answer)

    assert batch["state"] == "partial"
    assert batch["counts"] == {
        "total": ITEMS,
        "pending": 0,
        "running": 0,
        "succeeded": ITEMS - BROKEN,
        "failed": BROKEN,
        "cancelled": 0,
    }
    names = [f"{number:02}.jpg" for number in range(ITEMS)]
    results = batch["links"]["results"]
    lines = [json.loads(line) for line in _text(http, f"{results}?format=ndjson").splitlines()]
    assert [line["id"] for line in lines] == names
    assert all(len(line["result"]["faces"]) == 1 for line in lines[BROKEN:])
    assert {line["error"]["code"] for line in lines[:BROKEN]} == {"invalid_image_format"}
    rows = list(csv.DictReader(io.StringIO(_text(http, f"{results}?format=csv"))))
    assert [row["id"] for row in rows] == names
    whole = http.get(f"{results}?format=zip&pictures=true&state=succeeded")
    with zipfile.ZipFile(io.BytesIO(whole.content)) as files:
        assert files.testzip() is None
        pictures = [name for name in files.namelist() if name.startswith("pictures/")]
    assert len(pictures) == ITEMS - BROKEN


def test_an_archive_sent_in_parts_goes_on_after_a_broken_connection(
    http: httpx.Client, fleet: LocalFleet, archive: bytes
) -> None:
    announced = {**VERSION, "Upload-Length": str(len(archive))}
    place = http.post("/api/v1/uploads", headers=announced).headers["Location"]
    _send_half(fleet, place, archive)

    arrived = _await_offset(http, place)
    rest = {
        **VERSION,
        "Upload-Offset": str(arrived),
        "Content-Type": "application/offset+octet-stream",
    }
    patched = http.patch(place, headers=rest, content=archive[arrived:])
    assert patched.status_code == 204, patched.text

    ask = {"upload": place.rpartition("/")[2], "analyses": ["detection"]}
    batch = _ended(http, http.post(SUBMIT, json=ask))
    assert batch["counts"]["total"] == ITEMS
    assert batch["counts"]["failed"] == BROKEN


def test_a_few_photos_are_answered_together(http: httpx.Client, photos: dict[str, Path]) -> None:
    data = base64.b64encode(_small(photos["astronaut"], 1)).decode()
    body = {"images": [{"id": "me", "data": data}, {"data": "bm8gcGhvdG8="}]}

    answer = http.post(
        "/api/v1/face/batch-analyze?wait=25", json={**body, "analyses": ["detection"]}
    )

    found = answer.json()
    assert answer.status_code == 200
    assert found["summary"] == {
        "total_images": 2,
        "successful": 1,
        "failed": 1,
        "total_faces": 1,
    }
    assert [one["id"] for one in found["results"]] == ["me", "2"]


def _small(photo: Path, number: int) -> bytes:
    with Image.open(photo) as image:
        image.thumbnail((128, 128))
        written = io.BytesIO()
        image.convert("RGB").save(written, "JPEG", quality=80, comment=f"{number}")
    return written.getvalue()


def _ended(http: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """The batch of a submission, as soon as it has ended."""
    assert answer.status_code == 202, answer.text
    batch: dict[str, Any] = answer.json()
    for _ in range(4):
        if batch["finished_at"]:
            return batch
        batch = http.get(f"{batch['links']['self']}?wait=20").json()
    pytest.fail(f"the batch did not end: {batch}")


def _text(http: httpx.Client, address: str) -> str:
    answer = http.get(address)
    assert answer.status_code == 200
    return answer.text


def _send_half(fleet: LocalFleet, place: str, content: bytes) -> None:
    """Announce all of it, send half, and hang up."""
    where = urlsplit(fleet.url)
    assert where.hostname
    assert where.port
    head = (
        f"PATCH {place} HTTP/1.1\r\nHost: {where.netloc}\r\nX-API-Key: {fleet.key}\r\n"
        "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(head.encode() + content[: len(content) // 2])


def _await_offset(http: httpx.Client, place: str) -> int:
    """How much has arrived, as soon as any has."""
    for _ in range(100):
        if arrived := int(http.head(place, headers=VERSION).headers["Upload-Offset"]):
            return arrived
    pytest.fail("nothing of the upload was kept")
