"""Somebody enrolled, found, verified and forgotten through HTTP, on workers with real networks."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.weights]

API = "/api/v1/collections"
ALBUM = f"{API}/crew"
EILEEN = f"{ALBUM}/persons/eileen"
#: Whole seconds a request waits for its job.
WAIT = {"wait": 25}
#: Six people stand in the other photo.
STRANGERS = 6


def ended(http: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """A job's result, however long it took to begin."""
    assert answer.is_success, answer.text
    job = answer.json()
    for _ in range(10):
        if job["finished_at"]:
            break
        job = http.get(job["links"]["self"], params=WAIT).json()
    assert job["state"] == "succeeded", job["error"]
    result: dict[str, Any] = job["result"]
    return result


@pytest.fixture(scope="module")
def enrolled(http: httpx.Client, photos: dict[str, Path]) -> Iterator[dict[str, Any]]:
    """What enrolling somebody answered: her photo, it again, and one with several people."""
    http.post(API, json={"id": "crew", "keep_images": True})
    sent = [photos["astronaut"], photos["astronaut"], photos["t1"]]
    files = [("images", (path.name, path.read_bytes())) for path in sent]
    answer = http.post(f"{EILEEN}/faces", files=files, data={"name": "Eileen Collins"}, params=WAIT)
    yield ended(http, answer)
    http.delete(ALBUM)


def test_what_can_be_enrolled_is_and_the_rest_is_told(enrolled: dict[str, Any]) -> None:
    outcomes = [(photo["outcome"], photo["reasons"]) for photo in enrolled["photos"]]

    assert outcomes == [("added", []), ("duplicate", []), ("refused", ["multiple_faces"])]
    assert enrolled["person"]["name"] == "Eileen Collins"
    assert (enrolled["accepted"], enrolled["person_faces"]) == (1, 1)


@pytest.mark.usefixtures("enrolled")
def test_she_is_named_by_photo_and_by_embedding_and_strangers_are_not(
    http: httpx.Client, photos: dict[str, Path]
) -> None:
    with photos["astronaut"].open("rb") as file:
        found = ended(
            http,
            http.post(
                "/api/v1/face/recognize",
                files={"image": file},
                data={"database_id": "crew"},
                params=WAIT,
            ),
        )
    with photos["t1"].open("rb") as file:
        others = ended(http, http.post(f"{ALBUM}/identify", files={"image": file}, params=WAIT))
    recognition = found["faces"][0]["recognition"]
    members = ("embedding", "model", "sha256", "preprocessing_version")
    searched = ended(
        http,
        http.post(
            f"{ALBUM}/search", json={name: recognition[name] for name in members}, params=WAIT
        ),
    )

    identity = found["faces"][0]["identity"]
    assert (identity["decision"], identity["person"]["id"]) == ("match", "eileen")
    assert identity["similarity"] == pytest.approx(1, abs=2e-3)
    assert searched["identities"][0]["person"] == identity["person"]
    assert searched["identities"][0]["similarity"] == pytest.approx(1, abs=2e-3)
    decisions = [face["identity"]["decision"] for face in others["faces"]]
    assert decisions == ["unknown"] * STRANGERS
    levels = {
        point["far"]: point["similarity"] for point in http.get(ALBUM).json()["levels"]["points"]
    }
    told = found["identification"]
    assert told["threshold"] == levels[told["far"]]
    assert {point["far"]: point["similarity"] for point in told["thresholds"]} == levels


@pytest.mark.usefixtures("enrolled")
def test_her_photo_is_hers_and_another_s_is_not(
    http: httpx.Client, photos: dict[str, Path]
) -> None:
    results = []
    for name in ("astronaut", "t1"):
        with photos[name].open("rb") as file:
            answer = http.post(f"{EILEEN}/verify", files={"image": file}, params=WAIT)
        results.append(ended(http, answer))

    assert [one["is_match"] for one in results] == [True, False]
    assert results[0]["similarity"] >= results[0]["threshold"] > results[1]["similarity"]


@pytest.mark.usefixtures("enrolled")
def test_her_data_has_her_photo_and_who_looked_for_her(
    http: httpx.Client, photos: dict[str, Path]
) -> None:
    with photos["astronaut"].open("rb") as file:
        ended(http, http.post(f"{ALBUM}/identify", files={"image": file}, params=WAIT))

    content = http.get(f"{EILEEN}/export").content

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        [name] = [one for one in archive.namelist() if one.startswith("photos/")]
        assert archive.read(name) == photos["astronaut"].read_bytes()
        events = [json.loads(line) for line in archive.read("audit.ndjson").splitlines()]
    actions = {event["action"] for event in events}
    assert {"person.created", "faces.enrolled", "identified", "person.exported"} <= actions
    assert {event["by"] for event in events} == {"local"}


@pytest.mark.usefixtures("enrolled")
def test_forgotten_she_is_found_by_nobody_from_the_answer_on(
    http: httpx.Client, photos: dict[str, Path]
) -> None:
    image = photos["astronaut"].read_bytes()
    naming = http.post(f"{ALBUM}/identify", files={"image": image}, params=WAIT)
    named = ended(http, naming)["faces"][0]["identity"]["person"]
    copy = ended(
        http,
        http.post(
            f"{ALBUM}/persons/copy/faces",
            files={"image": image},
            data={"create_person": "true"},
            params=WAIT,
        ),
    )
    assert copy["accepted"] == 1
    assert named["name"] == "Eileen Collins"

    deletions = [http.delete(f"{ALBUM}/persons/{who}").json() for who in ("eileen", "copy")]

    result = ended(http, http.post(f"{ALBUM}/identify", files={"image": image}, params=WAIT))
    identity = result["faces"][0]["identity"]
    assert (identity["decision"], identity["reasons"]) == ("unknown", ["no_faces"])
    assert http.get(f"{EILEEN}/export").status_code == 404
    again = http.get(naming.json()["links"]["self"]).json()["result"]["faces"][0]["identity"]
    assert again["person"] == {**dict.fromkeys(named), "id": "eileen", "unreadable": "forgotten"}
    assert [one["faces"] for one in deletions] == [1, 1]
    assert not any(one["complete"] for one in deletions)
