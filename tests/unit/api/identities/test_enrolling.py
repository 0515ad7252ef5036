"""Photos enrolled for a person, and held against one."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

from api.services import Services
from tests.unit.api.identities.album import API, job_of, known, post_form, refusal
from workers.jobs.options import EnrollOptions, VerifyOptions

ANNA = f"{API}/album/persons/anna"


@pytest.fixture(autouse=True)
def _album(client: FlaskClient) -> None:
    client.post(API, json={"id": "album"})


def test_photos_are_enrolled_for_a_person_who_is_made_of_what_is_sent(
    client: FlaskClient, parts: Services, photo: Callable[..., bytes], uid: str
) -> None:
    members = {
        "images": [
            FileStorage(io.BytesIO(photo()), filename="one.jpg"),
            FileStorage(io.BytesIO(photo(size=(20, 20))), filename="two.jpg"),
        ],
        "name": "Anna",
        "metadata": json.dumps({"age": 30}),
        "face": "largest",
        "require": "live",
    }

    answer = post_form(client, f"{ANNA}/faces", members)

    job = job_of(parts, answer)
    options = job.options
    assert isinstance(options, EnrollOptions)
    assert (options.collection, options.person, options.face) == (uid, "anna", "largest")
    assert (options.names, options.require) == (("one.jpg", "two.jpg"), ("live",))
    assert len(set(options.digests)) == len(job.blob_keys) == 2
    made = client.get(ANNA).get_json()
    assert (made["name"], made["metadata"]) == ("Anna", {"age": 30})
    assert uid not in answer.get_data(as_text=True)


@pytest.mark.parametrize("members", [{"create_person": True}, {"name": ""}, {"consent": None}])
def test_saying_anything_of_a_person_makes_one(
    client: FlaskClient, image: str, members: dict[str, object]
) -> None:
    assert refusal(client.post(f"{ANNA}/faces", json={"image": image}))[1] == "person_not_found"
    assert client.get(ANNA).status_code == 404

    assert client.post(f"{ANNA}/faces", json={"image": image, **members}).status_code == 202

    assert client.get(ANNA).status_code == 200
    assert client.post(f"{ANNA}/faces", json={"image": image}).status_code == 202


def test_a_repeated_request_makes_nobody_anew_who_was_deleted_since(
    client: FlaskClient, image: str
) -> None:
    sent = {"json": {"image": image, "name": "Anna"}, "headers": {"Idempotency-Key": "one"}}
    first = client.post(f"{ANNA}/faces", **sent).get_json()
    client.delete(ANNA)

    again = client.post(f"{ANNA}/faces", **sent)

    assert (again.status_code, again.get_json()["id"]) == (202, first["id"])
    assert client.get(ANNA).status_code == 404


def test_another_person_of_that_id_is_not_given_the_photos(
    client: FlaskClient, parts: Services, image: str
) -> None:
    client.post(f"{API}/album/persons", json={"id": "anna", "name": "Anna"})

    other = client.post(f"{ANNA}/faces", json={"image": image, "name": "Another"})
    same = client.post(f"{ANNA}/faces", json={"image": image, "create_person": True})

    assert refusal(other)[:2] == (409, "person_exists")
    assert same.status_code == 202
    assert len(parts.jobs.list("local", limit=10).jobs) == 1


def test_a_wrong_photo_makes_nobody(client: FlaskClient, photo: Callable[..., bytes]) -> None:
    wrong = base64.b64encode(photo()[:20]).decode()

    answer = client.post(f"{ANNA}/faces", json={"images": [wrong], "name": "Anna"})

    assert answer.status_code in {415, 422}
    assert client.get(ANNA).get_json()["code"] == "person_not_found"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "missing_field"),
        ({"images": 21}, "validation_error"),
        ({"images": 1, "metadata": "x"}, "validation_error"),
        ({"images": 1, "consent": {"purpose": "door"}}, "validation_error"),
        ({"images": 1, "person": "bert"}, "unknown_option"),
        ({"images": 1, "collection": "other"}, "unknown_option"),
        ({"images": 1, "face": "both"}, "validation_error"),
    ],
)
def test_what_can_t_be_enrolled_is_refused(
    client: FlaskClient, image: str, members: dict[str, Any], code: str
) -> None:
    body = {"create_person": True, **members}
    if "images" in body:
        body["images"] = [image] * body["images"]

    assert refusal(client.post(f"{ANNA}/faces", json=body))[1] == code


def test_a_request_with_a_key_is_enrolled_once(client: FlaskClient, image: str) -> None:
    body = {"image": image, "create_person": True}
    key = {"Idempotency-Key": "one"}

    first = client.post(f"{ANNA}/faces", json=body, headers=key)
    again = client.post(f"{ANNA}/faces", json=body, headers=key)

    assert first.get_json()["id"] == again.get_json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_photo_is_held_against_a_person(
    client: FlaskClient, parts: Services, image: str, uid: str
) -> None:
    unknown = client.post(f"{ANNA}/verify", json={"image": image})
    known(client)

    answer = client.post(f"{ANNA}/verify", json={"image": image, "far": 1e-4, "require": ["live"]})

    assert refusal(unknown)[1] == "person_not_found"
    assert job_of(parts, answer).options == VerifyOptions(
        collection=uid,
        collection_id="album",
        person="anna",
        far=1e-4,
        require=("live",),
        by="local",
    )
