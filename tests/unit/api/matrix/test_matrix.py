"""Every route with every kind of credential, generated from the routes themselves."""

import re
import time
from typing import Any

import fakeredis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.accounts.users import User
from api.app import create_app
from api.principal import SCOPES_OF_ROLE, Scope
from api.services import Services
from api.testing import memory_parts
from tests.unit.api.matrix.people import (
    HOUR_MS,
    add_key,
    add_token,
    add_user,
    bearer,
    key_header,
)
from tests.unit.api.matrix.routes import MAKERS, Route, routes_of
from workers.settings.process import Settings

SETTINGS = Settings(
    development_key=SecretStr("fs_dev_" + "d" * 32),
    token_algorithm="Ed25519",  # noqa: S106 - a name
    limit_address_per_minute=0,
    limit_logins_per_minute=0,
    access_log=False,
)
#: Answers of the hook: a view that refuses by itself says something else.
REFUSALS = {"auth_required", "auth_invalid", "auth_expired", "auth_forbidden", "user_suspended"}
#: What is not there in a test, said in words.
AWAY = {"no_gpu_device", "mail_disabled"}
#: What uploads ask of every request; others look past it.
PROTOCOL = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
#: An id of anything, as new as any and known to nobody.
UNKNOWN = "0" * 32


def _build() -> tuple[Services, Flask]:
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2)), decode_responses=True)
    parts = memory_parts(SETTINGS, client)
    return parts, create_app(parts)


ROUTES = list(routes_of(_build()[1]))
CLOSED = [route for route in ROUTES if not route.is_open]
SCOPED = [route for route in CLOSED if route.declared.scope is not None]
OWNED = [
    route
    for route in CLOSED
    if any(MAKERS[name].is_owned for name in route.parameters if name in MAKERS)
]


@pytest.fixture(scope="module")
def parts_and_app() -> tuple[Services, Flask]:
    return _build()


@pytest.fixture(scope="module")
def parts(parts_and_app: tuple[Services, Flask]) -> Services:
    return parts_and_app[0]


@pytest.fixture
def client(parts_and_app: tuple[Services, Flask]) -> FlaskClient:
    return parts_and_app[1].test_client()


@pytest.fixture
def owner(parts: Services) -> User:
    return add_user(parts)


def _call(
    client: FlaskClient, route: Route, path: str, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Status and code of the problem; "" where it is none."""
    with client.open(
        path, method=route.method, headers=PROTOCOL | (headers or {}), **route.arguments
    ) as got:
        body: Any = got.get_json(silent=True) if route.method != "HEAD" else None
        return got.status_code, body.get("code", "") if isinstance(body, dict) else ""


def _path(parts: Services, route: Route, user: User) -> str:
    return route.path({name: MAKERS[name].make(parts, user) for name in route.parameters})


def _unknown(path: str) -> str:
    """The same address of something nobody has; the same path where it names nothing."""
    return re.sub("[0-9a-f]{32}", UNKNOWN, path)


def _is(route: Route, found: tuple[int, str], status: int, code: str) -> bool:
    return found == (status, "" if route.method == "HEAD" else code)


#: One of each kind; tests/unit/api/credentials tries many more at one route.
MALFORMED = (
    {"Authorization": "Basic dTpw"},
    bearer("a.b.c"),
    key_header(f"fs_live_{UNKNOWN}_{'s' * 43}"),
    bearer("x") | key_header("x"),
)


def test_there_are_routes_of_every_kind() -> None:
    assert len(ROUTES) > 60
    assert len(SCOPED) > 40
    assert len(OWNED) > 10
    assert {route.declared.scope for route in SCOPED} == set(Scope)


def test_every_path_parameter_can_be_made() -> None:
    assert {name for route in ROUTES for name in route.parameters} == set(MAKERS)


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_without_a_credential_it_is_required(
    client: FlaskClient, parts: Services, owner: User, route: Route
) -> None:
    assert _is(route, _call(client, route, _path(parts, route, owner)), 401, "auth_required")


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_a_malformed_or_unknown_credential_is_invalid(
    client: FlaskClient, parts: Services, owner: User, route: Route
) -> None:
    path = _path(parts, route, owner)

    for headers in MALFORMED:
        assert _is(route, _call(client, route, path, headers), 401, "auth_invalid"), headers


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_an_expired_credential_is_told_to_be_so(
    client: FlaskClient, parts: Services, owner: User, route: Route
) -> None:
    path = _path(parts, route, owner)
    now_ms = time.time_ns() // 1_000_000
    key = add_key(parts, owner, *Scope, expires_ms=now_ms - 1)
    token = add_token(parts, owner, age_ms=2 * HOUR_MS)

    for headers in (key_header(key), bearer(key), bearer(token)):
        assert _is(route, _call(client, route, path, headers), 401, "auth_expired")


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_a_revoked_credential_is_invalid(
    client: FlaskClient, parts: Services, owner: User, route: Route
) -> None:
    path = _path(parts, route, owner)
    key = add_key(parts, owner, *Scope, revoked=True)
    token = add_token(parts, owner, ended=True)

    for headers in (key_header(key), bearer(key), bearer(token)):
        assert _is(route, _call(client, route, path, headers), 401, "auth_invalid")


@pytest.mark.parametrize("route", SCOPED, ids=str)
def test_a_credential_without_the_right_is_forbidden(
    client: FlaskClient, parts: Services, owner: User, route: Route
) -> None:
    path = _path(parts, route, owner)
    wanted = route.declared.scope
    assert wanted is not None
    credentials = [key_header(add_key(parts, owner, *(set(Scope) - {wanted})))]
    for role, scopes in SCOPES_OF_ROLE.items():
        if wanted not in scopes:
            user = add_user(parts, role)
            # Neither the role's token nor a key that claims more than its user may.
            credentials += [bearer(add_token(parts, user)), bearer(add_key(parts, user, *Scope))]

    for headers in credentials:
        assert _is(route, _call(client, route, path, headers), 403, "auth_forbidden")


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_a_suspended_user_is_shut_out(
    client: FlaskClient, parts: Services, owner: User, route: Route
) -> None:
    path = _path(parts, route, owner)
    suspended = add_user(parts)
    key, token = add_key(parts, suspended, *Scope), add_token(parts, suspended)
    parts.people.users.set_standing(suspended.id, status="suspended")

    assert _is(route, _call(client, route, path, bearer(key)), 403, "user_suspended")
    assert _is(route, _call(client, route, path, bearer(token)), 401, "auth_invalid")


@pytest.mark.parametrize("route", CLOSED, ids=str)
def test_the_right_credential_is_let_in(
    client: FlaskClient, parts: Services, owner: User, route: Route
) -> None:
    wanted = route.declared.scope
    key = add_key(parts, owner, *([wanted] if wanted else []))
    credentials = [bearer(add_token(parts, owner)), key_header(key), bearer(key)]

    for headers in credentials:
        path = _path(parts, route, owner)
        status, code = _call(client, route, path, headers)

        assert status != 401
        assert code not in REFUSALS
        assert status < 500 or code in AWAY
        # What the path names is there; what the body or the credential names need not be.
        if status == 404:
            unknown = _unknown(path)
            assert code != (_call(client, route, unknown, headers)[1] if unknown != path else "")
            assert code != "not_found"


@pytest.mark.parametrize("route", OWNED, ids=str)
def test_what_is_another_s_is_not_there(
    client: FlaskClient, parts: Services, owner: User, route: Route
) -> None:
    """The same answer as for what nobody has, even to an administrator."""
    stranger = add_user(parts)
    credentials = [bearer(add_token(parts, stranger)), key_header(add_key(parts, stranger, *Scope))]

    for headers in credentials:
        path = _path(parts, route, owner)
        found = _call(client, route, path, headers)

        assert found[0] == 404
        assert found == _call(client, route, _unknown(path), headers)


@pytest.mark.parametrize("route", [one for one in ROUTES if one.is_open], ids=str)
def test_an_open_route_looks_at_no_credential(
    client: FlaskClient, parts: Services, owner: User, route: Route
) -> None:
    path = _path(parts, route, owner)
    plain = _call(client, route, path)

    assert plain[1] not in {"auth_required", "auth_forbidden"}
    revoked = add_key(parts, owner, revoked=True)
    for headers in (bearer("x"), bearer(revoked), key_header("x") | bearer("x")):
        assert _call(client, route, path, headers) == plain
