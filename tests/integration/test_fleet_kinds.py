"""A whole fleet over HTTP: comparisons, liveness sequences, videos, and files by URL."""

import base64
import io
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

API = "/api/v1"
Ended = Callable[[httpx.Response], dict[str, Any]]


@pytest.fixture
def ended(http: httpx.Client) -> Ended:
    """The job of an answer, once it has ended."""

    def _ended(response: httpx.Response) -> dict[str, Any]:
        assert response.status_code in {HTTPStatus.OK, HTTPStatus.ACCEPTED}, response.text
        job: dict[str, Any] = response.json()
        for _ in range(4):
            if job["state"] not in {"queued", "running"}:
                return job
            job = http.get(f"{API}/jobs/{job['id']}", params={"wait": 15}).json()
        pytest.fail(f"the job did not end: {job}")

    return _ended


@pytest.fixture
def astronaut(photos: dict[str, Path]) -> NDArray[np.uint8]:
    with Image.open(photos["astronaut"]) as opened:
        return np.asarray(opened.convert("RGB"))


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()


def _clip(folder: Path, picture: NDArray[np.uint8], frames: int) -> bytes:
    """A still picture, ten frames a second, as AVI."""
    height, width = picture.shape[:2]
    path = folder / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width, height))
    for _ in range(frames):
        writer.write(picture[:, :, ::-1])
    writer.release()
    return path.read_bytes()


def test_two_photos_are_compared(
    http: httpx.Client, ended: Ended, photos: dict[str, Path], astronaut: NDArray[np.uint8]
) -> None:
    shifted = _jpeg(astronaut[10:, 10:])

    same = ended(
        http.post(
            f"{API}/face/verify?wait=20",
            files={"image1": photos["astronaut"].read_bytes(), "image2": shifted},
        )
    )
    body = {
        "source": base64.b64encode(photos["astronaut"].read_bytes()).decode(),
        "target": base64.b64encode(photos["t1"].read_bytes()).decode(),
    }
    others = ended(http.post(f"{API}/face/verify", json=body, headers={"Prefer": "wait=20"}))

    assert (same["kind"], same["state"]) == ("compare", "succeeded")
    assert same["result"]["is_match"]
    assert same["result"]["similarity"] > 0.9
    assert same["result"]["timings_ms"]["total"] > 0
    assert not others["result"]["is_match"]
    assert others["route"]["expected_ms"] is None


def test_a_sequence_of_photos_is_judged(
    http: httpx.Client, ended: Ended, astronaut: NDArray[np.uint8]
) -> None:
    frames = [("images", _jpeg(astronaut[4 * n :, 4 * n :])) for n in range(3)]

    job = ended(http.post(f"{API}/face/liveness", files=frames))

    assert (job["kind"], job["state"]) == ("liveness", "succeeded")
    assert job["result"]["outcome"] in {"live", "spoof", "retake"}
    assert len(job["result"]["frames"]) == 3
    assert job["result"]["motion"]["displacement"] > 0


def test_a_video_of_two_seconds_is_judged(
    http: httpx.Client, ended: Ended, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    clip = _clip(tmp_path, astronaut[:340], 20)

    job = ended(http.post(f"{API}/face/analyze-video", files={"video": clip}))

    assert (job["kind"], job["state"], job["attempt"]) == ("video", "succeeded", 1)
    result = job["result"]
    assert result["video"]["duration_seconds"] == pytest.approx(2)
    [track] = result["tracks"]
    assert track["frames"] == len(track["appearances"]) == result["sampled_frames"] == 4
    assert result["verdict"] in {"authentic", "manipulated", "inconclusive"}


def test_a_video_that_is_too_long_fails_by_name(
    http: httpx.Client, ended: Ended, tmp_path: Path
) -> None:
    clip = _clip(tmp_path, np.zeros((32, 32, 3), np.uint8), 320)

    job = ended(http.post(f"{API}/video/deepfake", files={"video": clip}))

    assert (job["state"], job["error"]["code"]) == ("failed", "video_too_long")


def test_a_photo_without_a_face_can_t_be_compared(
    http: httpx.Client, ended: Ended, photos: dict[str, Path]
) -> None:
    files = {
        "image1": photos["astronaut"].read_bytes(),
        "image2": _jpeg(np.full((90, 90, 3), 128, np.uint8)),
    }

    job = ended(http.post(f"{API}/face/verify", files=files))

    assert (job["state"], job["error"]["code"]) == ("failed", "no_face_detected")


def test_recognition_tells_embeddings_and_that_nobody_is_known(
    http: httpx.Client, ended: Ended, photos: dict[str, Path]
) -> None:
    files = {"image": photos["astronaut"].read_bytes()}

    [face] = ended(http.post(f"{API}/face/recognize", files=files))["result"]["faces"]

    assert len(face["recognition"]["embedding"]) == face["recognition"]["embedding_size"]
    assert face["recognition"]["matches"] is None
    assert face["recognition"]["matches_missing"] == "no_database"
    assert "demographics" not in face


def test_urls_are_off_unless_somebody_turned_them_on(http: httpx.Client) -> None:
    response = http.post(f"{API}/face/analyze", json={"image_url": "http://127.0.0.1/"})

    assert (response.status_code, response.json()["code"]) == (422, "url_refused")


def test_a_video_may_be_cancelled_while_it_runs(
    http: httpx.Client, ended: Ended, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    clip = _clip(tmp_path, astronaut[:340], 290)
    job = http.post(f"{API}/face/analyze-video", files={"video": clip}).json()
    address = f"{API}/jobs/{job['id']}"
    while http.get(address).json()["state"] == "queued":
        time.sleep(0.02)

    asked = http.post(f"{address}/cancel")

    assert asked.status_code == HTTPStatus.ACCEPTED
    job = ended(asked)
    assert (job["state"], job["cancel_asked"], job["result"]) == ("cancelled", True, None)
