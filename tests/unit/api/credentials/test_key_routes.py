"""/api/v1/keys: made, told once, limited to what their maker may, rotated, revoked."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.accounts.users import User
from api.principal import SCOPES_OF_ROLE, Role, Scope
from api.routes.keys import NAMED_ONLY
from api.services import Services
from tests.unit.api.matrix.people import add_key, add_token, add_user, bearer, key_header

KEYS = "/api/v1/keys"


@pytest.fixture
def headers(parts: Services, owner: User) -> dict[str, str]:
    return bearer(add_token(parts, owner))


def _make(client: FlaskClient, headers: dict[str, str], **members: object) -> dict[str, Any]:
    response = client.post(KEYS, json={"name": "mine", **members}, headers=headers)
    assert response.status_code == 201, response.json
    assert response.headers["Location"] == f"{KEYS}/{response.json['id']}"  # type: ignore[index]
    assert response.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.json or {}
    return body


def _code(client: FlaskClient, path: str, headers: dict[str, str], **body: object) -> str:
    response = client.post(path, json=body, headers=headers)
    return str((response.json or {})["code"])


def test_a_key_is_told_once_and_works(client: FlaskClient, headers: dict[str, str]) -> None:
    made = _make(client, headers, name="  my laptop ", scopes=["face:analyze"])

    read = client.get(f"{KEYS}/{made['id']}", headers=headers).json or {}

    assert made["key"].startswith("fs_live_")
    assert read == {name: value for name, value in made.items() if name != "key"}
    assert read["name"] == "my laptop"
    assert (read["scopes"], read["state"], read["hint"]) == (
        ["face:analyze"],
        "active",
        made["key"][-4:],
    )
    assert client.get("/api/v1/jobs", headers=key_header(made["key"])).status_code == 200


@pytest.mark.parametrize("role", ["user", "premium", "developer", "admin"])
def test_a_key_that_names_no_rights_has_its_maker_s_without_those_over_accounts(
    client: FlaskClient, parts: Services, role: Role
) -> None:
    headers = bearer(add_token(parts, add_user(parts, role)))

    made = _make(client, headers)

    assert set(made["scopes"]) == SCOPES_OF_ROLE[role] - NAMED_ONLY


def test_nobody_makes_a_key_that_may_more_than_himself(
    client: FlaskClient, parts: Services, owner: User
) -> None:
    user = bearer(add_token(parts, add_user(parts, "user")))
    limited = key_header(add_key(parts, owner, Scope.ACCOUNT))

    for headers in (user, limited):
        for scope in ("admin:users", "face:batch"):
            assert _code(client, KEYS, headers, name="x", scopes=[scope]) == "auth_forbidden"


def test_nobody_rises_by_rotating_a_mightier_key(
    client: FlaskClient, parts: Services, owner: User, headers: dict[str, str]
) -> None:
    mighty = _make(client, headers, scopes=["admin:users", "face:analyze"])
    limited = key_header(add_key(parts, owner, Scope.ACCOUNT, Scope.ANALYZE))

    assert _code(client, f"{KEYS}/{mighty['id']}/rotate", limited) == "auth_forbidden"
    assert client.get("/api/v1/jobs", headers=key_header(mighty["key"])).status_code == 200


def test_a_key_loses_what_its_owner_loses(
    client: FlaskClient, parts: Services, owner: User, headers: dict[str, str]
) -> None:
    add_user(parts)  # another administrator
    made = key_header(_make(client, headers, scopes=["system:monitor", "face:analyze"])["key"])
    assert client.get("/api/v1/system/models", headers=made).status_code == 200

    parts.people.users.set_standing(owner.id, role="user")

    assert client.get("/api/v1/system/models", headers=made).status_code == 403
    assert client.get("/api/v1/jobs", headers=made).status_code == 200


def test_the_keys_of_a_deleted_user_are_nothing(
    client: FlaskClient, parts: Services, owner: User, headers: dict[str, str]
) -> None:
    add_user(parts)
    made = key_header(_make(client, headers)["key"])

    assert parts.people.users.delete(owner.id)

    answer = client.get("/api/v1/jobs", headers=made).json or {}
    assert answer["code"] == "auth_invalid"


def test_a_rotation_replaces_the_key(client: FlaskClient, headers: dict[str, str]) -> None:
    made = _make(client, headers)
    path = f"{KEYS}/{made['id']}/rotate"

    second = client.post(path, headers=headers).json or {}
    third = client.post(path, json={"overlap_seconds": 60}, headers=headers).json or {}

    found = [
        client.get("/api/v1/jobs", headers=key_header(key)).status_code
        for key in (made["key"], second["key"], third["key"])
    ]
    assert found == [401, 200, 200]
    assert (second["previous_until"], third["id"]) == (None, made["id"])
    assert third["previous_until"] > third["created_at"]


def test_a_revoked_key_is_refused_and_shown_as_such(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    made = _make(client, headers)

    assert client.delete(f"{KEYS}/{made['id']}", headers=headers).status_code == 204

    assert client.get("/api/v1/jobs", headers=key_header(made["key"])).status_code == 401
    [listed] = (client.get(KEYS, headers=headers).json or {})["items"]
    assert (listed["state"], listed["id"]) == ("revoked", made["id"])
    assert _code(client, f"{KEYS}/{made['id']}/rotate", headers) == "key_ended"


def test_an_account_has_a_limit_of_keys(
    client: FlaskClient, parts: Services, headers: dict[str, str]
) -> None:
    for _ in range(parts.settings.keys_per_user):
        _make(client, headers)

    assert _code(client, KEYS, headers, name="one more") == "too_many_keys"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 101},
        {"name": 7},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["root"]},
        {"name": "x", "scopes": "face:analyze"},
        {"name": "x", "expires_in_seconds": 1},
        {"name": "x", "expires_in_seconds": 10**12},
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(
    client: FlaskClient, headers: dict[str, str], body: dict[str, object]
) -> None:
    response = client.post(KEYS, json=body, headers=headers)

    assert (response.status_code, (response.json or {})["code"]) == (422, "validation_error")
    assert (response.json or {})["field"].partition(".")[0] in {
        "name",
        "scopes",
        "expires_in_seconds",
    }


def test_a_repeated_request_makes_no_second_key_and_keeps_no_secret(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    named = headers | {"Idempotency-Key": "once"}
    _make(client, named)

    assert _code(client, KEYS, named, name="mine") == "idempotency_conflict"
    assert len((client.get(KEYS, headers=headers).json or {})["items"]) == 1
