"""The blocking client against a scripted gateway."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from client import (
    Client,
    Conflict,
    GatewayAway,
    Gone,
    JobFailed,
    NotFound,
    NotInTime,
    Overloaded,
    Photo,
    RateLimited,
)
from client.testing import ScriptedGateway

Body = Callable[..., dict[str, object]]


def _problem(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"code": code, "detail": "No.", "retryable": status in {429, 503}}
    return httpx.Response(status, json=body, headers=headers)


def test_a_photo_is_sent_as_a_form_with_the_key_and_its_options(
    faces: Client, gateway: ScriptedGateway, job_body: Body
) -> None:
    gateway.answers = [httpx.Response(202, json=job_body())]

    job = faces.analyze(b"jpeg", analyses=["detection", "recognition"], tiles=True, engine=None)

    [request] = gateway.requests
    assert job.state == "queued"
    assert request.headers["Authorization"] == "Bearer fs_live_test"
    assert b'name="image"; filename="photo"' in request.content
    assert b"detection,recognition" in request.content
    assert b"true" in request.content
    assert b"engine" not in request.content


def test_a_busy_gateway_is_asked_again_with_the_same_idempotency_key(
    faces: Client, gateway: ScriptedGateway, job_body: Body
) -> None:
    away = httpx.ReadTimeout("too slow")
    gateway.answers = [_problem(503, "queue_full"), away, httpx.Response(202, json=job_body())]

    faces.analyze(b"jpeg")

    keys = [request.headers["Idempotency-Key"] for request in gateway.requests]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_two_photos_have_different_idempotency_keys(
    faces: Client, gateway: ScriptedGateway, job_body: Body
) -> None:
    gateway.answers = [httpx.Response(202, json=job_body()) for _ in range(2)]

    faces.analyze(b"jpeg")
    faces.analyze(b"jpeg")

    assert len({request.headers["Idempotency-Key"] for request in gateway.requests}) == 2


def test_patience_ends_with_the_last_error(faces: Client, gateway: ScriptedGateway) -> None:
    gateway.answers = [_problem(429, "rate_limit_exceeded", **{"Retry-After": "0"})] * 3

    with pytest.raises(RateLimited) as raised:
        faces.analyze(b"jpeg")

    assert raised.value.retry_after_seconds == 0
    assert len(gateway.requests) == 3


def test_a_call_without_a_key_is_not_sent_twice(faces: Client, gateway: ScriptedGateway) -> None:
    gateway.answers = [httpx.ConnectError("nobody there")]

    with pytest.raises(GatewayAway):
        faces.call("POST", "/api/v1/keys", json={"name": "mine"})

    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (409, Conflict), (410, Gone), (503, Overloaded)]
)
def test_a_refusal_is_told_as_its_own_class(
    faces: Client, gateway: ScriptedGateway, status: int, kind: type[Exception]
) -> None:
    gateway.answers = [_problem(status, "a_code")] * 3

    with pytest.raises(kind) as raised:
        faces.jobs.get("job_1")

    assert raised.value.code == "a_code"  # type: ignore[attr-defined]  # all of them are problems


def test_a_wait_polls_until_the_job_has_succeeded(
    faces: Client, gateway: ScriptedGateway, job_body: Body
) -> None:
    ended = job_body(state="succeeded", result={"faces": []})
    gateway.answers = [
        httpx.Response(202, json=job_body()),
        httpx.Response(200, json=job_body(state="running")),
        httpx.Response(200, json=ended),
    ]

    job = faces.wait(faces.analyze(b"jpeg"))

    assert job.result == {"faces": []}
    assert [request.method for request in gateway.requests] == ["POST", "GET", "GET"]


def test_a_failed_job_is_an_error_with_its_code(
    faces: Client, gateway: ScriptedGateway, job_body: Body
) -> None:
    error = {"code": "image_unreadable", "message": "It is cut off.", "retryable": False}
    gateway.answers = [httpx.Response(200, json=job_body(state="failed", error=error))]

    with pytest.raises(JobFailed, match="cut off") as raised:
        faces.wait("job_1")

    assert raised.value.code == "image_unreadable"


def test_a_wait_that_is_over_tells_where_the_job_is(
    faces: Client, gateway: ScriptedGateway, job_body: Body
) -> None:
    gateway.answers = [httpx.Response(200, json=job_body(state="running"))]

    with pytest.raises(NotInTime, match="running"):
        faces.wait("job_1", timeout_seconds=0)


def test_a_folder_is_sent_as_a_tar_of_its_photos_with_progress(
    faces: Client, gateway: ScriptedGateway, batch_body: Body, tmp_path: Path
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.jpg").write_bytes(b"one")
    (tmp_path / "deep" / "b.PNG").write_bytes(b"twice" * 200)
    (tmp_path / "notes.txt").write_text("no photo")
    gateway.answers = [httpx.Response(202, json=batch_body(["pending"] * 2))]
    told: list[tuple[int, int]] = []

    batch = faces.batches.submit(
        tmp_path, analyses=["detection"], progress=lambda sent, total: told.append((sent, total))
    )

    [request] = gateway.requests
    assert batch.counts.total == 2
    assert request.url.params["analyses"] == "detection"
    assert int(request.headers["Content-Length"]) == len(request.content) == told[-1][0]
    with tarfile.open(fileobj=io.BytesIO(request.content)) as tar:
        assert {info.name: info.size for info in tar} == {"a.jpg": 3, "deep/b.PNG": 1000}
        member = tar.extractfile("a.jpg")
        assert member is not None
        assert member.read() == b"one"


def test_a_stream_that_broke_is_sent_again_from_its_start(
    faces: Client, gateway: ScriptedGateway, batch_body: Body
) -> None:
    gateway.answers = [_problem(503, "store_unavailable"), httpx.Response(202, json=batch_body([]))]

    faces.batches.submit([Photo(name="a.jpg", content=b"one")])

    first, second = (request.content for request in gateway.requests)
    assert first == second != b""


def test_results_are_read_page_by_page(faces: Client, gateway: ScriptedGateway) -> None:
    items = [{"number": n, "id": f"{n}.jpg", "state": "succeeded", "result": {}} for n in range(3)]
    gateway.answers = [
        httpx.Response(200, json={"items": items[:2], "next_cursor": "c2"}),
        httpx.Response(200, json={"items": items[2:], "next_cursor": None}),
    ]

    assert [item.number for item in faces.batches.results("batch_1")] == [0, 1, 2]
    assert gateway.requests[1].url.params["after"] == "c2"


def test_a_batch_is_looked_at_until_it_ends(
    faces: Client, gateway: ScriptedGateway, batch_body: Body
) -> None:
    gateway.answers = [
        httpx.Response(200, json=batch_body(["succeeded", "failed"], state="partial"))
    ]
    seen: list[int] = []

    batch = faces.batches.wait("batch_1", on_look=lambda batch: seen.append(batch.counts.ended))

    assert batch.state == "partial"
    assert seen == [2]
