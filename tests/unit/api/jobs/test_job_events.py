"""GET /api/v1/jobs/{id}/events: a job followed to its end."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Generator
from typing import NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.services import Services
from api.sse import RETRY_MS, event_text, job_events
from workers.errors import StoreUnavailable
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim

Event = tuple[str, str, dict[str, object]]


def parsed(text: str) -> list[Event]:
    """Name, id and data of each event."""
    events = []
    for block in text.split("\n\n"):
        lines = [line.partition(": ") for line in block.split("\n")]
        fields = {name: value for name, _, value in lines if name not in {"", "data"}}
        data = "\n".join(value for name, _, value in lines if name == "data")
        if data:
            events.append((fields["event"], fields["id"], json.loads(data)))
    return events


def states(text: str) -> list[tuple[str, object]]:
    return [(id_, data["state"]) for _, id_, data in parsed(text)]


def test_a_job_is_followed_from_where_it_is_to_its_end(
    client: FlaskClient, parts: Services, give: Callable[..., str], claimed: Callable[[str], Claim]
) -> None:
    job_id = give(1)
    chunks = _stream(client, job_id)
    seen = next(chunks) + next(chunks)
    claim = claimed(job_id)
    seen += next(chunks)
    parts.jobs.succeed(claim, '{"faces": []}')
    seen += "".join(chunks)

    assert states(seen) == [("1", "queued"), ("2", "running"), ("3", "succeeded")]
    assert parsed(seen)[-1][2]["result"] == {"faces": []}
    assert {name for name, _, _ in parsed(seen)} == {"job"}
    assert seen.startswith(f"retry: {RETRY_MS}\n\n")


def test_the_stream_is_neither_kept_nor_collected_on_its_way(
    client: FlaskClient, parts: Services, give: Callable[..., str], claimed: Callable[[str], Claim]
) -> None:
    job_id = give(1)
    parts.jobs.succeed(claimed(job_id), "{}")

    response = client.get(f"/api/v1/jobs/{job_id}/events")

    assert response.status_code == 200
    assert response.mimetype == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert states(response.text) == [("3", "succeeded")]


@pytest.mark.parametrize(
    ("seen", "status", "told"),
    [("3", 204, []), ("9", 204, []), ("2", 200, ["3"]), ("", 200, ["3"]), ("x", 200, ["3"])],
)
def test_who_comes_back_is_told_what_it_has_not_seen(
    client: FlaskClient,
    parts: Services,
    give: Callable[..., str],
    claimed: Callable[[str], Claim],
    seen: str,
    status: int,
    told: list[str],
) -> None:
    job_id = give(1)
    parts.jobs.succeed(claimed(job_id), "{}")

    response = client.get(f"/api/v1/jobs/{job_id}/events", headers={"Last-Event-ID": seen})

    assert response.status_code == status
    assert [id_ for id_, _ in states(response.text)] == told


def test_without_a_free_place_the_state_is_told_and_the_client_comes_back(
    client: FlaskClient, parts: Services, give: Callable[..., str]
) -> None:
    while parts.wait_slots.acquire(blocking=False):
        pass

    response = client.get(f"/api/v1/jobs/{give(1)}/events")

    assert states(response.text) == [("1", "queued")]
    parts.wait_slots.release()
    assert parts.wait_slots.acquire(blocking=False)


def test_a_place_is_free_again_when_a_client_leaves(
    client: FlaskClient, parts: Services, give: Callable[..., str]
) -> None:
    for number in range(5):
        stream = _stream(client, give(number))
        assert "queued" in next(stream) + next(stream)
        stream.close()

    assert parts.wait_slots.acquire(blocking=False)


def test_when_the_process_ends_so_do_its_streams(
    client: FlaskClient, parts: Services, give: Callable[..., str]
) -> None:
    ender = threading.Timer(0.2, parts.changes.interrupt)
    ender.start()
    started = time.monotonic()

    response = client.get(f"/api/v1/jobs/{give(1)}/events")

    assert states(response.text) == [("1", "queued")]
    assert time.monotonic() - started < 10
    ender.join()


def test_a_job_that_is_deleted_ends_its_stream(
    client: FlaskClient, parts: Services, give: Callable[..., str]
) -> None:
    job_id = give(1)
    stream = _stream(client, job_id)
    assert "queued" in next(stream) + next(stream)

    parts.jobs.delete(job_id)

    assert states("".join(stream)) == []


def test_silence_is_broken_now_and_then(
    app: Flask, parts: Services, give: Callable[..., str]
) -> None:
    job_id = give(1)
    with app.test_request_context():
        stream = job_events(parts, job_id, 1, beat_seconds=0.05, stream_seconds=0.4)
        said = list(stream)

    assert said[1:] == [": nothing new\n\n"] * (len(said) - 1)
    assert 3 <= len(said) <= 9


def test_a_store_that_goes_away_ends_the_stream(
    app: Flask, parts: Services, give: Callable[..., str]
) -> None:
    class AwayJobs(MemoryJobs):
        def get(self, job_id: str) -> NoReturn:
            raise StoreUnavailable(job_id)

    away = dataclasses.replace(parts, jobs=AwayJobs(parts.settings))
    with app.test_request_context():
        said = list(job_events(away, give(1), 0))

    assert said[1:] == [": the store does not answer\n\n"]


def test_a_result_with_line_ends_stays_one_event(
    app: Flask, parts: Services, give: Callable[..., str], claimed: Callable[[str], Claim]
) -> None:
    job_id = give(1)
    parts.jobs.succeed(claimed(job_id), '{"a":\r\n\r\n1,\n\n"b": "2\u2028"}')
    with app.test_request_context():
        text = event_text(parts.jobs.get(job_id))

    [(_, _, data)] = parsed(text)
    assert data["result"] == {"a": 1, "b": "2\u2028"}
    assert text.index("\n\n") == len(text) - 2


@pytest.fixture
def app(parts: Services) -> Flask:
    return create_app(parts)


def _stream(client: FlaskClient, job_id: str) -> Generator[str, None, None]:
    """What is sent, piece by piece; closing it is the client leaving."""
    response = client.get(f"/api/v1/jobs/{job_id}/events", buffered=False)
    try:
        for piece in response.response:
            yield piece if isinstance(piece, str) else piece.decode()
    finally:
        response.close()
