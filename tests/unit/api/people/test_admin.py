"""/api/v1/admin/users: everybody's accounts."""

import pytest

from api.accounts.users import User, new_user_id
from api.webhooks.records import EVENT_TYPES, Webhook
from tests.unit.api.people.conftest import Gateway, bearer, code_of


@pytest.fixture
def root(gateway: Gateway) -> User:
    return gateway.add("root@example.com", role="admin")


@pytest.fixture
def key(gateway: Gateway, root: User) -> dict[str, str]:
    """Headers of the administrator."""
    return bearer(gateway.token_of(root.email))


def test_accounts_are_listed_in_parts(
    gateway: Gateway, root: User, key: dict[str, str], ada: User
) -> None:
    first = gateway.http.get("/api/v1/admin/users?limit=1", headers=key)
    assert first.json is not None
    rest = gateway.http.get(first.headers["Link"].split(">")[0][1:], headers=key)

    assert rest.json is not None
    items = [*first.json["items"], *rest.json["items"]]
    assert [item["id"] for item in items] == sorted([root.id, ada.id])
    assert rest.json["next_cursor"] is None
    assert "argon2" not in first.text


@pytest.mark.parametrize("after", ["x", "user_", "key_" + "g" * 32])
def test_a_cursor_that_is_none_is_refused(
    gateway: Gateway, key: dict[str, str], after: str
) -> None:
    response = gateway.http.get(f"/api/v1/admin/users?after={after}", headers=key)

    assert code_of(response) == (422, "validation_error")


def test_a_change_of_role_counts_at_once(
    gateway: Gateway, ada: User, token: str, key: dict[str, str]
) -> None:
    path = f"/api/v1/admin/users/{ada.id}"
    response = gateway.http.patch(path, json={"role": "premium"}, headers=key)

    assert response.json is not None
    assert (response.status_code, response.json["role"]) == (200, "premium")
    told = gateway.get("permissions", token).json
    assert told is not None
    assert "face:batch" in told["permissions"]
    assert "user.changed" in gateway.audited()


def test_who_is_suspended_is_out_at_once_and_can_come_back(
    gateway: Gateway, ada: User, token: str, key: dict[str, str]
) -> None:
    path = f"/api/v1/admin/users/{ada.id}"
    gateway.http.patch(path, json={"status": "suspended"}, headers=key)

    assert gateway.get("profile", token).status_code == 401
    gateway.http.patch(path, json={"status": "active"}, headers=key)
    assert gateway.get("profile", token).status_code == 401
    assert gateway.log_in().status_code == 200


def test_a_deleted_account_is_gone(
    gateway: Gateway, ada: User, token: str, key: dict[str, str]
) -> None:
    path = f"/api/v1/admin/users/{ada.id}"
    made = gateway.http.post("/api/v1/collections", json={"id": "album"}, headers=bearer(token))
    assert made.status_code == 201
    hooks = gateway.parts.webhooks.store
    hooks.create(
        Webhook(
            id="hook_1",
            owner=ada.id,
            url="https://ada.example/hook",
            events=EVENT_TYPES,
            description="",
            disabled="",
            created_ms=0,
            secrets=("sealed",),
        )
    )

    assert gateway.http.delete(path, headers=key).status_code == 204

    assert hooks.list(ada.id) == ()
    assert gateway.parts.identities.collections.list(ada.id, limit=1).items == ()
    assert gateway.get("profile", token).status_code == 401
    assert code_of(gateway.log_in()) == (401, "auth_invalid")
    assert code_of(gateway.http.get(path, headers=key)) == (404, "user_not_found")
    assert code_of(gateway.http.delete(path, headers=key)) == (404, "user_not_found")
    assert gateway.add(ada.email).id != ada.id


def test_the_last_administrator_stays(gateway: Gateway, root: User, key: dict[str, str]) -> None:
    path = f"/api/v1/admin/users/{root.id}"
    answers = [
        gateway.http.patch(path, json={"role": "user"}, headers=key),
        gateway.http.patch(path, json={"status": "suspended"}, headers=key),
        gateway.http.delete(path, headers=key),
    ]

    assert [code_of(answer) for answer in answers] == [(409, "last_admin")] * 3


@pytest.mark.parametrize("role", ["user", "premium", "developer"])
def test_nobody_else_sees_accounts(gateway: Gateway, ada: User, token: str, role: str) -> None:
    gateway.parts.people.users.set_standing(ada.id, role=role)  # type: ignore[arg-type]  # one of them

    for method, path in (("GET", ""), ("GET", f"/{ada.id}"), ("PATCH", f"/{ada.id}")):
        response = gateway.http.open(
            f"/api/v1/admin/users{path}", method=method, json={}, headers=bearer(token)
        )
        assert code_of(response) == (403, "auth_forbidden")


@pytest.mark.parametrize("body", [{"role": "root"}, {"status": "gone"}, {"email": "x@y.z"}])
def test_what_can_t_be_changed_is_refused(
    gateway: Gateway, ada: User, key: dict[str, str], body: dict[str, str]
) -> None:
    path = f"/api/v1/admin/users/{ada.id}"

    assert gateway.http.patch(path, json=body, headers=key).status_code == 422


def test_nobody_can_be_changed_who_is_not_there(gateway: Gateway, key: dict[str, str]) -> None:
    for name in (new_user_id(), "nobody", "%00"):
        response = gateway.http.patch(
            f"/api/v1/admin/users/{name}", json={"role": "user"}, headers=key
        )
        assert code_of(response) == (404, "user_not_found")
