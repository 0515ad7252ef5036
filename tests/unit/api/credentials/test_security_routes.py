"""JWKS, rotation of signing keys, the audit log and the counts of calls, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet

from api.accounts.users import User
from api.auditing import truncated
from api.principal import Scope
from api.services import Services
from tests.unit.api.matrix.people import add_key, add_token, add_user, bearer, key_header

JWKS = "/.well-known/jwks.json"
ROTATE = "/api/v1/admin/signing-keys/rotate"
AUDIT = "/api/v1/admin/audit"
USAGE = "/api/v1/auth/usage"


@pytest.fixture
def headers(parts: Services, owner: User) -> dict[str, str]:
    return key_header(add_key(parts, owner, *Scope))


def _read(client: FlaskClient, path: str, headers: dict[str, str]) -> dict[str, Any]:
    with client.get(path, headers=headers) as response:
        assert response.status_code == 200, response.json
        found: dict[str, Any] = response.json or {}
        return found


def test_anybody_can_check_our_tokens_with_the_published_keys(
    client: FlaskClient, parts: Services, owner: User
) -> None:
    published = client.get(JWKS).json
    assert published is not None
    token = add_token(parts, owner)

    found = jwt.decode(token, KeySet.import_key_set(published), algorithms=["Ed25519"])

    assert (found.claims["sub"], found.claims["iss"]) == (owner.id, "facesocial-api")


def test_a_rotation_adds_a_key_and_tokens_of_the_old_one_stay_good(
    client: FlaskClient, parts: Services, owner: User, headers: dict[str, str]
) -> None:
    token = bearer(add_token(parts, owner))
    before = _read(client, JWKS, {})["keys"]

    after = client.post(ROTATE, headers=headers).json

    assert after is not None
    assert all(key in after["keys"] for key in before)
    assert len(after["keys"]) == len(before) + 1
    assert client.get("/api/v1/jobs", headers=token).status_code == 200
    assert client.get("/api/v1/jobs", headers=bearer(add_token(parts, owner))).status_code == 200


def test_dropping_refuses_every_token_and_no_key(
    client: FlaskClient, parts: Services, owner: User, headers: dict[str, str]
) -> None:
    token = bearer(add_token(parts, owner))

    assert client.post(ROTATE, json={"drop": True}, headers=headers).status_code == 200

    assert client.get("/api/v1/jobs", headers=token).status_code == 401
    assert client.get("/api/v1/jobs", headers=headers).status_code == 200


def test_what_is_done_is_in_the_audit_log_with_who_and_from_which_network(
    client: FlaskClient, owner: User, headers: dict[str, str]
) -> None:
    made = client.post("/api/v1/keys", json={"name": "x"}, headers=headers).json
    assert made is not None
    client.post(ROTATE, headers=headers)
    client.post(ROTATE, json={"drop": True}, headers=headers)
    client.delete(f"/api/v1/keys/{made['id']}", headers=headers)

    items = _read(client, f"{AUDIT}?user_id={owner.id}", headers)["items"]

    assert [item["action"] for item in items] == [
        "key.revoked",
        "signing_keys.dropped",
        "signing_keys.rotated",
        "key.created",
    ]
    assert {item["user_id"] for item in items} == {owner.id}
    assert {item["network"] for item in items} == {"127.0.0.0/24"}
    assert all(item["credential_id"].startswith("key_") for item in items)
    assert all(item["request_id"].startswith("req_") for item in items)
    assert items[0]["detail"] == {"key": made["id"]}
    assert made["key"] not in str(items)


def test_the_audit_log_is_read_in_parts(
    client: FlaskClient, owner: User, headers: dict[str, str]
) -> None:
    for _ in range(5):
        client.post(ROTATE, json={"drop": True}, headers=headers)
    found: list[str] = []
    path = f"{AUDIT}?limit=2&action=signing_keys.dropped&user_id={owner.id}"
    page = _read(client, path, headers)
    while True:
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        page = _read(client, f"{path}&after={page['next_cursor']}", headers)

    assert len(found) == 5
    assert found == sorted(set(found), reverse=True)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "after=x", "after=1", "after=0-0", "user_id="]
)
def test_a_part_that_makes_no_sense_is_refused(
    client: FlaskClient, headers: dict[str, str], query: str
) -> None:
    assert client.get(f"{AUDIT}?{query}", headers=headers).status_code == 422


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_an_address_is_cut_to_its_network(address: str, kept: str) -> None:
    assert truncated(address) == kept


def test_one_s_calls_are_told_by_day_endpoint_and_key(
    client: FlaskClient, parts: Services, owner: User, headers: dict[str, str]
) -> None:
    key = add_key(parts, owner, Scope.ANALYZE)
    for path in ("/api/v1/jobs", "/api/v1/jobs", "/api/v1/keys"):
        with client.get(path, headers=key_header(key)):
            pass

    told = _read(client, f"{USAGE}?period=week", headers)

    today = datetime.now(UTC).date()
    assert (told["start_date"], told["end_date"]) == (
        (today - timedelta(days=6)).isoformat(),
        today.isoformat(),
    )
    assert len(told["by_date"]) == 7
    assert told["by_date"][today.isoformat()] == told["total_calls"] == 3
    assert (told["successful_calls"], told["failed_calls"]) == (2, 1)
    assert told["by_endpoint"] == {"GET /api/v1/jobs": 2, "GET /api/v1/keys": 1}
    assert told["by_key"] == {f"key_{key.split('_')[2]}": 3}


def test_nobody_sees_another_s_calls(
    client: FlaskClient, parts: Services, headers: dict[str, str]
) -> None:
    _read(client, USAGE, headers)

    assert _read(client, USAGE, bearer(add_token(parts, add_user(parts))))["total_calls"] == 0


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", 30),
        ("period=day", 1),
        ("period=month", 30),
        ("period=year", 365),
        ("start_date=2026-02-27&end_date=2026-03-01", 3),
        ("start_date=2025-01-01&end_date=2025-12-31", 365),
    ],
)
def test_a_period_has_its_days(
    client: FlaskClient, headers: dict[str, str], query: str, days: int
) -> None:
    assert len(_read(client, f"{USAGE}?{query}", headers)["by_date"]) == days


@pytest.mark.parametrize(
    "query",
    [
        "period=decade",
        "start_date=2026-01-01",
        "end_date=2026-01-01",
        "start_date=2026-01-02&end_date=2026-01-01",
        "start_date=2024-01-01&end_date=2026-01-01",
        "period=day&start_date=2026-01-01&end_date=2026-01-01",
        "start_date=yesterday&end_date=2026-01-01",
    ],
)
def test_dates_that_make_no_sense_are_refused(
    client: FlaskClient, headers: dict[str, str], query: str
) -> None:
    response = client.get(f"{USAGE}?{query}", headers=headers)

    assert (response.status_code, (response.json or {})["code"]) == (422, "validation_error")
