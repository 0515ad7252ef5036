"""`Idempotency-Key`: a request sent again is not done again."""

import dataclasses
from collections.abc import Callable
from typing import NoReturn

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from werkzeug.test import TestResponse

from api.app import create_app
from api.endpoint import Endpoint, endpoint
from api.errors import ApiError
from api.idempotency import RequestName, fingerprint_of, replayed
from api.kept_answers import KeptAnswer, MemoryKeptAnswers
from api.services import Services
from workers.contract import JOB_ID
from workers.errors import StoreUnavailable
from workers.jobs.store import Claim

POST = Endpoint(bucket="write", tag="tests", idempotent=True)
View = Callable[[], ResponseReturnValue]
KEY = {"Idempotency-Key": "mine"}


class Counted:
    """Views that count how often they are done."""

    def __init__(self) -> None:
        self.done = 0

    def make(self) -> tuple[Response, int]:
        self.done += 1
        response = Response(f'{{"done": {self.done}}}', mimetype="application/json")
        response.headers["Location"] = f"/made/{self.done}"
        return response, 201

    def fail(self) -> NoReturn:
        self.done += 1
        raise ApiError("invalid_request", "It can't be done.")

    def crash(self) -> NoReturn:
        self.done += 1
        raise RuntimeError

    def decline(self) -> tuple[str, int]:
        self.done += 1
        return "no", 404


@pytest.fixture
def counted() -> Counted:
    return Counted()


def route(app: Flask, name: str, call: View, *, has_secret: bool = False) -> None:
    """Give an app a POST that is done once for each key."""

    @endpoint(POST)
    def view() -> ResponseReturnValue:
        return call()

    once = replayed(has_secret=has_secret)(view) if has_secret else replayed(view)
    app.add_url_rule(f"/tests/{name}", f"tests.{name}", once, methods=["POST"])


@pytest.fixture
def app(parts: Services, counted: Counted) -> Flask:
    made = create_app(parts)
    route(made, "make", counted.make)
    route(made, "fail", counted.fail)
    route(made, "decline", counted.decline)
    route(made, "crash", counted.crash)
    route(made, "secret", counted.make, has_secret=True)
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_without_a_key_every_request_is_done(client: FlaskClient, counted: Counted) -> None:
    for number in (1, 2):
        assert client.post("/tests/make", json={"a": 1}).get_json() == {"done": number}

    assert counted.done == 2


def test_a_request_of_the_same_name_is_answered_as_it_was(
    client: FlaskClient, counted: Counted
) -> None:
    first = client.post("/tests/make", json={"a": 1}, headers=KEY)
    again = client.post("/tests/make", json={"a": 1}, headers=KEY)

    assert counted.done == 1
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert first.headers["Location"] == again.headers["Location"] == "/made/1"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


def test_another_request_of_that_name_is_refused(client: FlaskClient, counted: Counted) -> None:
    client.post("/tests/make", json={"a": 1}, headers=KEY)

    for response in (
        client.post("/tests/make", json={"a": 2}, headers=KEY),
        client.post("/tests/make", data=b'{"a": 1}', headers=KEY),
    ):
        code = response.get_json()["code"]
        assert (response.status_code, code) == (409, "idempotency_conflict")
    assert counted.done == 1


def test_names_of_other_addresses_and_callers_are_others(
    client: FlaskClient, counted: Counted
) -> None:
    client.post("/tests/make", json={}, headers=KEY)
    client.post("/tests/secret", json={}, headers=KEY)

    assert counted.done == 2
    name = RequestName(key="k", owner="ann", path="POST /a")
    ids = [
        name.id_for("job"),
        name.id_for("batch"),
        dataclasses.replace(name, owner="bob").id_for("job"),
        dataclasses.replace(name, path="POST /b").id_for("job"),
        dataclasses.replace(name, key="l").id_for("job"),
        dataclasses.replace(name, key="").id_for("job"),
        dataclasses.replace(name, key="").id_for("job"),
    ]
    assert len(set(ids)) == len(ids)
    assert name.id_for("job") == ids[0]
    assert all(JOB_ID.fullmatch(id_) for id_ in ids if id_ != ids[1])


@pytest.mark.parametrize(("name", "status"), [("fail", 400), ("decline", 404), ("crash", 500)])
def test_what_did_not_succeed_is_done_again(
    client: FlaskClient, counted: Counted, name: str, status: int
) -> None:
    for _ in range(2):
        assert client.post(f"/tests/{name}", json={}, headers=KEY).status_code == status

    assert counted.done == 2


def test_a_request_that_is_being_done_is_not_begun_again(parts: Services) -> None:
    app = create_app(parts)
    done: list[TestResponse] = []

    def send() -> TestResponse:
        return app.test_client().post("/tests/slow", json={}, headers=KEY)

    def slow() -> ResponseReturnValue:
        done.append(send())
        return "", 204

    route(app, "slow", slow)

    assert send().status_code == 204

    [meanwhile] = done
    assert meanwhile.status_code == 409
    assert meanwhile.get_json()["code"] == "idempotency_in_progress"
    assert meanwhile.get_json()["retryable"] is True
    assert int(meanwhile.headers["Retry-After"]) >= 1


def test_an_answer_with_a_secret_is_not_kept(client: FlaskClient, counted: Counted) -> None:
    assert client.post("/tests/secret", json={}, headers=KEY).get_json() == {"done": 1}

    again = client.post("/tests/secret", json={}, headers=KEY)

    assert (again.status_code, again.get_json()["code"]) == (409, "idempotency_conflict")
    assert counted.done == 1


@pytest.mark.parametrize("key", ["", "é", "a\tb", "x" * 256])
def test_a_key_that_is_none_is_refused(client: FlaskClient, counted: Counted, key: str) -> None:
    response = client.post("/tests/make", json={}, headers={"Idempotency-Key": key})

    assert (response.status_code, counted.done) == (422, 0)
    assert response.get_json()["field"] == "Idempotency-Key"


def test_a_store_that_can_t_keep_the_answer_does_not_take_it_back(
    parts: Services, counted: Counted
) -> None:
    class Forgetful(MemoryKeptAnswers):
        def keep(self, name: str, fingerprint: str, answer: KeptAnswer) -> NoReturn:
            raise StoreUnavailable(f"{name} {fingerprint} {answer.status}")

    forgetful = create_app(dataclasses.replace(parts, kept_answers=Forgetful()))
    route(forgetful, "make", counted.make)

    response = forgetful.test_client().post("/tests/make", json={}, headers=KEY)

    assert (response.status_code, response.get_json()) == (201, {"done": 1})


def test_parts_are_told_apart_by_their_lengths() -> None:
    assert fingerprint_of("ab", "c") != fingerprint_of("a", "bc")
    assert fingerprint_of("a") != fingerprint_of("a", "")
    assert fingerprint_of("ä") == fingerprint_of("ä".encode())


def test_asking_for_an_end_again_is_answered_as_it_was(
    client: FlaskClient, parts: Services, give: Callable[..., str], claimed: Callable[[str], Claim]
) -> None:
    job_id = give(1)
    claim = claimed(job_id)
    first = client.post(f"/api/v1/jobs/{job_id}/cancel", headers=KEY)
    parts.jobs.end_cancelled(claim)

    again = client.post(f"/api/v1/jobs/{job_id}/cancel", headers=KEY)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Idempotency-Replayed"] == "true"
