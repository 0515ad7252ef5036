"""Known people through the real gateway: imports that break off, and what other processes see."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis

from models.catalogue import load_catalogue
from models.spec import PinnedFile
from tests.integration.gateway_process import Gateway, running_gateway

pytestmark = [pytest.mark.fleet, pytest.mark.redis]

ALBUM = "/api/v1/collections/album"
NDJSON = {"Content-Type": "application/x-ndjson"}
PERSONS, FACES_EACH = 60, 5


@pytest.fixture
def start(
    real_redis: redis.Redis, pick_port: Callable[[], int], root: Path, tmp_path: Path
) -> Callable[[], Any]:
    """Starts a gateway on the tests' store, with the same keys each time."""

    def _start() -> Any:  # noqa: ANN401 - a context manager
        return running_gateway(
            tmp_path,
            root=root,
            port=pick_port(),
            redis_port=real_redis.get_connection_kwargs()["port"],
        )

    return _start


def lines() -> Sequence[bytes]:
    """Persons with faces, as an export has them."""
    file = load_catalogue().model("sface").file
    assert isinstance(file, PinnedFile)
    contract = {
        "model": "sface",
        "sha256": file.sha256,
        "preprocessing_version": "1",
        "dimensions": 128,
    }
    told: list[dict[str, Any]] = [{"kind": "collection", "contract": contract}]
    for person in range(PERSONS):
        name = f"person-{person}"
        told.append({"kind": "person", "id": name, "name": f"Number {person}"})
        told += [
            {"person_id": name, "embedding": _direction(person * FACES_EACH + face)}
            for face in range(FACES_EACH)
        ]
    return [json.dumps(line).encode() + b"\n" for line in told]


def _direction(number: int) -> list[float]:
    raw = [math.sin(1 + number + place * (number % 97 + 2)) for place in range(128)]
    norm = math.hypot(*raw)
    return [value / norm for value in raw]


def _until_told(parts: Sequence[bytes], stop: threading.Event) -> Iterator[bytes]:
    """A body whose second half never comes."""
    yield from parts[: len(parts) // 2]
    stop.wait(20)


def _counts(client: httpx.Client) -> tuple[int, int]:
    found = client.get(ALBUM).json()
    return found["persons"], found["faces"]


def test_an_import_whose_gateway_is_killed_is_finished_by_sending_it_again(
    start: Callable[[], Any],
) -> None:
    body = lines()
    gateway: Gateway
    with start() as gateway, httpx.Client(base_url=gateway.url, timeout=30) as client:
        assert client.post("/api/v1/collections", json={"id": "album"}).status_code == 201
        stop = threading.Event()
        sender = threading.Thread(target=_send, args=(gateway, _until_told(body, stop)))
        sender.start()
        while _counts(client)[1] < PERSONS * FACES_EACH // 4:
            time.sleep(0.02)
        main = psutil.Process(gateway.process.pid)
        for process in (*main.children(recursive=True), main):
            process.kill()
        stop.set()
        sender.join(timeout=60)
    with start() as gateway, httpx.Client(base_url=gateway.url, timeout=60) as client:
        persons, faces = _counts(client)
        assert 0 < persons < PERSONS
        assert 0 < faces < PERSONS * FACES_EACH

        answer = client.post(f"{ALBUM}/import", content=iter(body), headers=NDJSON).json()

        assert answer["rejected"] == 0
        assert answer["faces"] == {
            "added": PERSONS * FACES_EACH - faces,
            "known": faces,
            "duplicate": 0,
            "full": 0,
        }
        assert _counts(client) == (PERSONS, PERSONS * FACES_EACH)
        exported = client.get(f"{ALBUM}/export").text.splitlines()
        assert json.loads(exported[-1]) == {
            "kind": "end",
            "persons": PERSONS,
            "faces": PERSONS * FACES_EACH,
        }


def _send(gateway: Gateway, body: Iterator[bytes]) -> None:
    # Its end is that of the gateway.
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{gateway.url}{ALBUM}/import", content=body, headers=NDJSON, timeout=30)


def test_what_one_gateway_deletes_no_other_tells(start: Callable[[], Any]) -> None:
    with start() as one, start() as other:
        with httpx.Client(base_url=one.url, timeout=30) as client:
            client.post("/api/v1/collections", json={"id": "album"})
            client.post(f"{ALBUM}/import", content=iter(lines()), headers=NDJSON)
        with httpx.Client(base_url=other.url, timeout=30) as second:
            # It has the keys in memory from here on.
            assert second.get(f"{ALBUM}/persons/person-1").json()["name"] == "Number 1"
            with httpx.Client(base_url=one.url, timeout=30) as client:
                assert client.delete(f"{ALBUM}/persons/person-1").status_code == 200
                assert client.delete(f"{ALBUM}/persons/person-2").status_code == 200

            gone = second.get(f"{ALBUM}/persons/person-1")
            left = second.get(f"{ALBUM}/persons", params={"limit": 100}).json()["items"]

    assert (gone.status_code, gone.json()["code"]) == (404, "person_not_found")
    assert len(left) == PERSONS - 2
    assert not {"person-1", "person-2"} & {one["id"] for one in left}
