"""The same photo, asked the same: answered with the result it had."""

import dataclasses
import io
from collections.abc import Callable

import pytest
from flask import g
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.principal import LOCAL, Principal
from api.result_cache import cache_key
from api.services import Services
from workers.contract import AnalyzeOptions
from workers.jobs.options import CompareOptions, JobOptions
from workers.jobs.store import Claim
from workers.settings.process import Settings

URL = "/api/v1/face/analyze"
BOB = dataclasses.replace(LOCAL, user_id="bob")


@pytest.fixture
def send(client: FlaskClient) -> Callable[..., TestResponse]:
    """Asks for the analysis of a photo."""

    def _send(content: bytes, max_faces: int = 3, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        form = {"image": (io.BytesIO(content), "a.jpg"), "max_faces": str(max_faces)}
        return client.post(URL, data=form, headers=named)

    return _send


@pytest.fixture
def first(parts: Services, send: Callable[..., TestResponse], photo: Callable[..., bytes]) -> str:
    """A job that has succeeded."""
    job_id = str(send(photo()).get_json()["id"])
    claim = parts.jobs.claim(job_id, claim_id="c")
    assert isinstance(claim, Claim)
    parts.jobs.succeed(claim, '{"faces": []}')
    return job_id


def test_the_same_request_is_answered_at_once(
    parts: Services, first: str, send: Callable[..., TestResponse], photo: Callable[..., bytes]
) -> None:
    before = list(parts.blobs.older_than(-1))

    again = send(photo())

    assert (again.status_code, again.headers["X-Cache"]) == (200, "hit")
    assert (again.get_json()["id"], again.get_json()["result"]) == (first, {"faces": []})
    assert again.headers["Location"].endswith(first)
    assert list(parts.blobs.older_than(-1)) == before
    assert parts.jobs.waiting() == 0


@pytest.mark.parametrize("other", ["photo", "options", "no-cache", "deleted"])
def test_anything_else_is_done_anew(
    client: FlaskClient,
    first: str,
    send: Callable[..., TestResponse],
    photo: Callable[..., bytes],
    other: str,
) -> None:
    if other == "deleted":
        assert client.delete(f"/api/v1/jobs/{first}").status_code == 204

    response = send(
        photo(size=(20, 20)) if other == "photo" else photo(),
        max_faces=4 if other == "options" else 3,
        **({"Cache_Control": "no-cache"} if other == "no-cache" else {}),
    )

    assert response.status_code == 202
    assert "X-Cache" not in response.headers
    assert response.get_json()["id"] != first


def test_a_named_request_answered_so_stays_answered_so(
    first: str, send: Callable[..., TestResponse], photo: Callable[..., bytes]
) -> None:
    for _ in range(2):
        response = send(photo(), Idempotency_Key="mine")
        assert (response.status_code, response.headers["X-Cache"]) == (200, "hit")
        assert response.get_json()["id"] == first

    assert send(photo(), max_faces=4, Idempotency_Key="mine").status_code == 409


@pytest.fixture
def key(client: FlaskClient, parts: Services) -> Callable[..., str]:
    """The key of a request, under settings of one's choice."""

    def _key(
        options: JobOptions | None = None,
        digests: tuple[str, ...] = ("d1",),
        *,
        caller: Principal = LOCAL,
        **changed: object,
    ) -> str:
        settings = Settings.model_validate({"auth": "off", **changed})
        asked = dataclasses.replace(parts, settings=settings)
        with client.application.test_request_context():
            g.principal = caller
            return cache_key(asked, options or AnalyzeOptions(), digests)

    return _key


def test_a_key_tells_apart_what_may_have_another_result(key: Callable[..., str]) -> None:
    keys = [
        key(),
        key(AnalyzeOptions(max_faces=3)),
        key(AnalyzeOptions(recognition_model="facenet")),
        key(CompareOptions()),
        key(digests=("d2",)),
        key(digests=("d1", "d2")),
        key(digests=("d2", "d1")),
        key(caller=BOB),
        key(disabled_analyses=("deepfake",)),
        key(demographics_answers="aggregate_only"),
    ]

    assert len(set(keys)) == len(keys)
    assert all(keys)


def test_what_only_orders_the_work_makes_no_other_key(key: Callable[..., str]) -> None:
    assert key() == key(AnalyzeOptions(priority="batch"))


def test_answers_are_shared_among_users_only_where_that_is_set(key: Callable[..., str]) -> None:
    assert key(result_cache_shared=True) == key(caller=BOB, result_cache_shared=True)
    assert key(result_cache_shared=True) != key()


def test_nothing_is_kept_where_the_cache_is_off(key: Callable[..., str]) -> None:
    assert key(result_cache_seconds=0) == ""
