"""A whole fleet over HTTP: photos in, faces out."""

import io
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from cli.local_fleet import LocalFleet
from client import Client, JobFailed
from models.catalogue import load_catalogue

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

ANALYZE = "/api/v1/face/analyze"


@pytest.mark.parametrize("sample", list(load_catalogue().samples))
def test_every_face_of_a_photo_is_found_and_described(
    client: Client, photos: dict[str, Path], sample: str
) -> None:
    job = client.wait(client.analyze(photos[sample]), timeout_seconds=60).model_dump(mode="json")

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
        assert face["recognition"]["model"] == "sface"
        assert face["recognition"]["embedding_size"] == 128
        assert 0 < face["quality"]["score"] <= 1
        age = face["demographics"]["age"]
        assert age["range"][0] <= age["range"][1]
        assert face["demographics"]["gender"]["value"] in {"female", "male"}
    models = {"yunet", "landmarks68", "sface", "cydral_age", "cydral_gender"}
    assert set(result["models"]) == models
    assert result["detection"]["engine"] == "yunet"
    assert result["unavailable"] == {}


def test_all_five_analyses_are_answered_when_asked_for(
    client: Client, photos: dict[str, Path]
) -> None:
    sent = client.analyze(photos["astronaut"], analyses="all", engine="centerface")

    result = client.wait(sent, timeout_seconds=60).result
    assert result is not None

    assert result["unavailable"] == {}
    assert result["detection"]["engine"] == "centerface"
    assert result["deepfake"]["verdict"] in {"authentic", "manipulated", "inconclusive"}
    [face] = result["faces"]
    assert face["anti_spoofing"]["outcome"] in {"live", "spoof", "retake"}
    assert face["anti_spoofing"]["cpu_policy"] == "allow"
    assert 0 <= face["deepfake"]["score"] <= 1
    assert face["recognition"]["model"] == "sface"
    assert face["demographics"]["gender"]["value"] == "female"


def test_an_engine_without_weights_fails_the_job_and_says_how_to_get_them(
    client: Client, photos: dict[str, Path]
) -> None:
    sent = client.analyze(photos["astronaut"], engine="yolov5s")

    with pytest.raises(JobFailed, match="facesocial models pull yolov5s_face") as raised:
        client.wait(sent, timeout_seconds=60)

    assert raised.value.code == "model_not_installed"


def test_an_embedding_is_returned_when_asked_for(client: Client, photos: dict[str, Path]) -> None:
    sent = client.analyze(photos["astronaut"], analyses="recognition", return_embeddings=True)

    [face] = (client.wait(sent, timeout_seconds=60).result or {})["faces"]

    embedding = face["recognition"]["embedding"]
    assert len(embedding) == 128
    assert sum(value * value for value in embedding) == pytest.approx(1, abs=1e-4)
    assert "demographics" not in face


def test_a_simulated_device_takes_jobs_and_says_what_it_is(
    client: Client, http: httpx.Client, photos: dict[str, Path]
) -> None:
    device = _await_residents(http, at_least=7)
    deadline = time.monotonic() + 30
    reason = ""
    # The router hears of loads at the device's next sign of life.
    while reason != "resident" and time.monotonic() < deadline:
        ended = client.wait(client.analyze(photos["astronaut"]), timeout_seconds=60)
        job = ended.model_dump(mode="json")
        reason = job["route"]["reason"]

    assert device["kind"] == "simulated"
    assert 0 < device["allocated_mb"] <= device["usable_mb"]
    route = job["route"]
    assert (route["device"], route["reason"]) == (device["id"], "resident")
    assert route["queue"] == f"gpu.{device['id']}.interactive"
    assert route["message"].startswith(f"{device['id']} holds every model the job needs")
    assert (job["result"]["device"], job["result"]["simulated"]) == ("sim:6144", True)
    assert {m["provider"] for m in job["result"]["models"].values()} == {"CPUExecutionProvider"}


def test_an_image_that_ends_too_early_fails_its_job_with_a_code(
    http: httpx.Client, photos: dict[str, Path], tmp_path: Path
) -> None:
    cut = tmp_path / "cut.jpg"
    content = photos["t1"].read_bytes()
    cut.write_bytes(content[: len(content) // 2])

    response = http.post(ANALYZE, files={"image": cut.read_bytes()})
    job = _await_end(http, response.headers["Location"])

    assert (job["state"], job["error"]["code"]) == ("failed", "image_truncated")


def test_odd_but_valid_images_are_analysed(
    client: Client, photos: dict[str, Path], tmp_path: Path
) -> None:
    with Image.open(photos["astronaut"]) as opened:
        image = opened.convert("RGB")
    turned = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "exif.jpg", exif=exif)
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    grey16 = np.asarray(image.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey16).save(tmp_path / "grey16.png")
    image.save(tmp_path / "photo.webp")
    upright = _only_face(client, photos["astronaut"])

    for path in sorted(tmp_path.iterdir()):
        face = _only_face(client, path)

        assert face["x"] == pytest.approx(upright["x"], abs=12), path.name
        assert face["width"] == pytest.approx(upright["width"], abs=12), path.name


def test_bodies_that_are_too_large_are_refused_on_a_real_connection(fleet: LocalFleet) -> None:
    image = io.BytesIO(b"\0" * 11_000_000)
    response = httpx.post(
        fleet.url + ANALYZE, files={"image": image}, headers={"X-API-Key": fleet.key}
    )

    assert (response.status_code, response.json()["code"]) == (413, "file_too_large")


def test_a_body_that_never_comes_does_not_block_others(
    client: Client, fleet: LocalFleet, photos: dict[str, Path]
) -> None:
    host, _, port = fleet.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(
            f"POST {ANALYZE} HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n"
            f"X-API-Key: {fleet.key}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
        )

        assert client.analyze(photos["astronaut"]).id


def test_images_are_gone_once_their_jobs_have_ended(
    client: Client, fleet: LocalFleet, photos: dict[str, Path]
) -> None:
    job = client.wait(client.analyze(photos["astronaut"]), timeout_seconds=60)
    deadline = time.monotonic() + 60

    # The image is deleted right after the answer is written.
    while (fleet.data.root / "blobs" / job.id).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _only_face(client: Client, path: Path) -> dict[str, float]:
    sent = client.analyze(path, analyses="detection")
    [face] = (client.wait(sent, timeout_seconds=60).result or {})["faces"]
    box: dict[str, float] = face["bbox"]
    return box


def _await_end(http: httpx.Client, url: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job: dict[str, Any] = http.get(url, params={"wait": 10}).json()
        if job["state"] in {"succeeded", "failed"}:
            return job
    pytest.fail(f"{url} has not ended")


def _await_residents(http: httpx.Client, *, at_least: int) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for device in http.get("/api/v1/system/vram").json()["devices"]:
            if device["alive"] and len(device["models"]) >= at_least:
                found: dict[str, Any] = device
                return found
        time.sleep(0.1)
    pytest.fail(f"no device holds {at_least} models")
