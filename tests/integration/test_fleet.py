"""A whole fleet over HTTP: photos in, faces out, and what happens when its processes are killed."""

import io
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from models.catalogue import load_catalogue

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

ANALYZE = "/api/v1/face/analyze"
EVENTS = "fs:{jobs}:events"
#: A killed worker's job comes back after its lease (3 s), the next maintenance round (2 s), and
#: a restart of the worker on a machine that does other things too.
RECOVERY_SECONDS = 90


@pytest.fixture(scope="module")
def fleet(start_fleet: Callable[..., AbstractContextManager[Any]]) -> Iterator[Any]:
    with start_fleet("--no-flower", "--simulate-gpu", "6144") as fleet:
        yield fleet


def ends_of(fleet: Any, urls: list[str]) -> Counter[str]:
    """How often each job ended, by the event stream; waits until each has."""
    for url in urls:
        assert fleet.client.wait(url, timeout_seconds=RECOVERY_SECONDS)["state"] == "succeeded"
    ended = Counter(
        fields["job"]
        for _, fields in fleet.store.xrange(EVENTS)
        if fields["state"] in {"succeeded", "failed"}
    )
    return Counter({url: ended[url.rpartition("/")[2]] for url in urls})


@pytest.mark.parametrize("sample", list(load_catalogue().samples))
def test_every_face_of_a_photo_is_found_and_described(
    fleet: Any, photos: dict[str, Path], sample: str
) -> None:
    job = fleet.client.wait(fleet.client.submit(photos[sample]), timeout_seconds=60)

    result = job["result"]
    assert len(result["faces"]) == load_catalogue().samples[sample].faces
    areas = [face["bbox"]["width"] * face["bbox"]["height"] for face in result["faces"]]
    assert areas == sorted(areas, reverse=True)
    for face in result["faces"]:
        box = face["bbox"]
        for point in face["landmarks"].values():
            assert box["x"] <= point["x"] <= box["x"] + box["width"]
            assert box["y"] <= point["y"] <= box["y"] + box["height"]
        normalized = face["bbox_normalized"]
        assert normalized["x"] * result["image"]["width"] == pytest.approx(box["x"], abs=0.01)
        assert face["recognition"] == {"model": "sface", "embedding_size": 128}
        age = face["demographics"]["age"]
        assert age["range"][0] <= age["range"][1]
        assert face["demographics"]["gender"]["value"] in {"female", "male"}
    assert set(result["models"]) == {"detection", "recognition", "age", "gender"}


def test_an_embedding_is_returned_when_asked_for(fleet: Any, photos: dict[str, Path]) -> None:
    url = fleet.client.submit(photos["astronaut"], analyses="recognition", return_embeddings="true")

    [face] = fleet.client.wait(url, timeout_seconds=60)["result"]["faces"]

    embedding = face["recognition"]["embedding"]
    assert len(embedding) == 128
    assert sum(value * value for value in embedding) == pytest.approx(1, abs=1e-4)
    assert "demographics" not in face


def test_a_simulated_device_takes_jobs_and_says_what_it_is(
    fleet: Any, photos: dict[str, Path]
) -> None:
    device = _await_residents(fleet, 4)

    job = fleet.client.wait(fleet.client.submit(photos["astronaut"]), timeout_seconds=60)

    assert device["kind"] == "simulated"
    assert 0 < device["used_bytes"] <= device["usable_bytes"]
    assert job["route"] == {
        "queue": "gpu.interactive",
        "reason": "resident",
        "device": device["id"],
    }
    assert (job["result"]["device"], job["result"]["simulated"]) == ("sim:6144", True)
    assert {m["provider"] for m in job["result"]["models"].values()} == {"CPUExecutionProvider"}


def test_an_image_that_ends_too_early_fails_its_job_with_a_code(
    fleet: Any, photos: dict[str, Path], tmp_path: Path
) -> None:
    cut = tmp_path / "cut.jpg"
    content = photos["t1"].read_bytes()
    cut.write_bytes(content[: len(content) // 2])

    response = fleet.http.post(ANALYZE, files={"image": cut.open("rb")})
    job = _await_end(fleet, response.headers["Location"])

    assert (job["state"], job["error"]["code"]) == ("failed", "image_truncated")


def test_odd_but_valid_images_are_analysed(
    fleet: Any, photos: dict[str, Path], tmp_path: Path
) -> None:
    with Image.open(photos["astronaut"]) as opened:
        image = opened.convert("RGB")
    turned = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "exif.jpg", exif=exif)
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    grey16 = image.convert("L").convert("I").point(lambda value: value * 257)
    grey16.save(tmp_path / "grey16.png")
    image.save(tmp_path / "photo.webp")
    upright = _only_face(fleet, photos["astronaut"])

    for path in sorted(tmp_path.iterdir()):
        face = _only_face(fleet, path)

        assert face["x"] == pytest.approx(upright["x"], abs=12), path.name
        assert face["width"] == pytest.approx(upright["width"], abs=12), path.name


def test_bodies_that_are_too_large_are_refused_on_a_real_connection(fleet: Any) -> None:
    response = httpx.post(fleet.url + ANALYZE, files={"image": io.BytesIO(b"\0" * 11_000_000)})

    assert (response.status_code, response.json()["code"]) == (413, "file_too_large")


def test_a_body_that_never_comes_does_not_block_others(
    fleet: Any, photos: dict[str, Path]
) -> None:
    host, _, port = fleet.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(
            f"POST {ANALYZE} HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
        )

        assert fleet.client.submit(photos["astronaut"])


def test_images_are_gone_once_their_jobs_have_ended(fleet: Any, photos: dict[str, Path]) -> None:
    url = fleet.client.submit(photos["astronaut"])
    fleet.client.wait(url, timeout_seconds=60)
    deadline = time.monotonic() + 10

    # The image is deleted right after the answer is written.
    while (fleet.data.root / "blobs" / url.rpartition("/")[2]).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_jobs_of_killed_workers_end_once(fleet: Any, photos: dict[str, Path]) -> None:
    urls = [fleet.client.submit(photos["t1"]) for _ in range(24)]
    _await_running(fleet)

    fleet.kill("worker-gpu0")
    fleet.kill("worker-cpu")

    assert set(ends_of(fleet, urls).values()) == {1}


def test_a_killed_pool_process_costs_no_job(fleet: Any, photos: dict[str, Path]) -> None:
    urls = [fleet.client.submit(photos["t1"], priority="batch") for _ in range(12)]
    _await_running(fleet)

    for name in ("worker-gpu0", "worker-cpu"):
        for child in psutil.Process(fleet.pid(name)).children():
            child.kill()

    assert set(ends_of(fleet, urls).values()) == {1}


def test_a_killed_store_comes_back_with_every_acknowledged_job(
    fleet: Any, photos: dict[str, Path]
) -> None:
    urls = [fleet.client.submit(photos["t1"]) for _ in range(12)]
    pid = fleet.pid("store")

    fleet.kill("store")

    _await_new_pid(fleet, "store", pid)
    assert set(ends_of(fleet, urls).values()) == {1}


def test_a_store_that_hangs_is_told_in_bounded_time(fleet: Any, photos: dict[str, Path]) -> None:
    store = psutil.Process(fleet.pid("store"))
    store.suspend()
    try:
        started = time.monotonic()
        with photos["astronaut"].open("rb") as content:
            response = fleet.http.post(ANALYZE, files={"image": content})
        took_seconds = time.monotonic() - started
    finally:
        store.resume()

    assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
    assert took_seconds < 15
    url = fleet.client.submit(photos["astronaut"])
    assert fleet.client.wait(url, timeout_seconds=RECOVERY_SECONDS)["state"] == "succeeded"


def test_a_killed_gateway_comes_back(fleet: Any, photos: dict[str, Path]) -> None:
    url = fleet.client.submit(photos["astronaut"])

    fleet.kill("gateway")

    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            assert fleet.http.get(url, params={"wait": 20}).json()["state"] == "succeeded"
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _only_face(fleet: Any, path: Path) -> dict[str, float]:
    url = fleet.client.submit(path, analyses="detection")
    [face] = fleet.client.wait(url, timeout_seconds=60)["result"]["faces"]
    box: dict[str, float] = face["bbox"]
    return box


def _await_end(fleet: Any, url: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job: dict[str, Any] = fleet.http.get(url, params={"wait": 10}).json()
        if job["state"] in {"succeeded", "failed"}:
            return job
    pytest.fail(f"{url} has not ended")


def _await_residents(fleet: Any, count: int) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for device in fleet.http.get("/api/v1/system/vram").json()["devices"]:
            if device["alive"] and len(device["residents"]) == count:
                found: dict[str, Any] = device
                return found
        time.sleep(0.1)
    pytest.fail(f"no device holds {count} models")


def _await_running(fleet: Any) -> None:
    deadline = time.monotonic() + 60
    while not fleet.store.zcard("fs:{jobs}:leases"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _await_new_pid(fleet: Any, name: str, old: int) -> None:
    deadline = time.monotonic() + 60
    while fleet.pid(name) == old or not psutil.pid_exists(fleet.pid(name)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
