"""Persons and `Idempotency-Key`: nothing is kept that would outlive them."""

import pytest
from flask.testing import FlaskClient

from api.services import Services
from tests.unit.api.identities.album import API

PERSONS = f"{API}/album/persons"


@pytest.fixture(autouse=True)
def _album(client: FlaskClient) -> None:
    client.post(API, json={"id": "album"})


def test_a_repeated_request_tells_a_person_as_they_are_and_keeps_nothing_of_them(
    client: FlaskClient, parts: Services
) -> None:
    key = {"Idempotency-Key": "one"}
    sent = {"name": "Zebulon"}
    made = client.post(PERSONS, json=sent, headers=key)
    address = made.headers["Location"]
    client.patch(address, json={"name": "Zeb"})

    repeated = client.post(PERSONS, json=sent, headers=key)

    assert (repeated.status_code, repeated.headers["Location"]) == (201, address)
    assert repeated.headers["Idempotency-Replayed"] == "true"
    assert repeated.get_json() == client.get(address).get_json()
    assert "Zebulon" not in repr(vars(parts.kept_answers))
    other = client.post(PERSONS, json={"name": "Another"}, headers=key)
    assert other.get_json()["code"] == "idempotency_conflict"
    client.delete(address)
    late = client.post(PERSONS, json=sent, headers=key)
    assert (late.status_code, late.get_json()["code"]) == (404, "person_not_found")
    assert client.get(PERSONS).get_json()["items"] == []


def test_a_repeated_merge_tells_the_person_as_they_are(client: FlaskClient) -> None:
    for name in ("anna", "ann"):
        client.post(PERSONS, json={"id": name, "name": name})
    sent = {"json": {"person_id": "ann"}, "headers": {"Idempotency-Key": "one"}}
    client.post(f"{PERSONS}/anna/merge", **sent)
    client.patch(f"{PERSONS}/anna", json={"name": "Anna"})

    repeated = client.post(f"{PERSONS}/anna/merge", **sent)

    assert repeated.status_code == 200
    assert repeated.headers["Idempotency-Replayed"] == "true"
    assert repeated.get_json()["name"] == "Anna"
