"""The hook before every view: who calls, whether the store is there, what is remembered of it."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import fakeredis
import pytest
from flask.testing import FlaskClient

from api.accounts.keys import id_in
from api.accounts.records import AuditEntry
from api.accounts.users import User
from api.principal import Scope
from api.services import Services
from tests.unit.api.credentials.conftest import DEVELOPMENT_KEY, CountingRedis
from tests.unit.api.matrix.people import add_key, add_token, bearer, key_header

MODELS = "/api/v1/system/models"
KEYS = "/api/v1/keys"
PERMISSIONS = "/api/v1/auth/permissions"


def _get(
    client: FlaskClient, path: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any], dict[str, str]]:
    with client.get(path, headers=headers) as response:
        return response.status_code, response.get_json(), dict(response.headers)


def _audited(parts: Services, action: str) -> list[AuditEntry]:
    found = parts.credentials.audit.read(limit=100, before=None, user_id=None, action=action)
    return [stored.entry for stored in found]


def _id_of(parts: Services, credential: str) -> str:
    """Of a key, or of a token's login."""
    key_id = id_in(credential)
    return key_id or parts.credentials.tokens.verify(credential).session_id


def test_the_development_key_may_do_everything_on_loopback(client: FlaskClient) -> None:
    for headers in (bearer(DEVELOPMENT_KEY), key_header(DEVELOPMENT_KEY)):
        status, body, _ = _get(client, PERMISSIONS, headers)

        assert status == 200
        assert set(body["permissions"]) == set(Scope)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "box.example"])  # noqa: S104 - never bound
def test_the_development_key_and_keys_made_with_it_are_nothing_where_others_reach(
    build: Callable[..., tuple[Services, FlaskClient]], host: str
) -> None:
    _, at_home = build()
    made = at_home.post(KEYS, json={"name": "mine"}, headers=key_header(DEVELOPMENT_KEY)).json
    assert made is not None
    assert _get(at_home, MODELS, key_header(made["key"]))[0] == 200

    _, outside = build(host=host)

    for key in (DEVELOPMENT_KEY, made["key"]):
        assert _get(outside, MODELS, key_header(key))[1]["code"] == "auth_invalid"


def test_without_accounts_everybody_is_the_local_administrator(
    build: Callable[..., tuple[Services, FlaskClient]],
) -> None:
    _, client = build(auth="off")

    for headers in (None, bearer("nonsense")):
        assert _get(client, PERMISSIONS, headers)[0] == 200


def test_a_refusal_says_how_to_authenticate(
    client: FlaskClient, parts: Services, owner: User
) -> None:
    weak = add_key(parts, owner, Scope.ANALYZE)

    told = [
        _get(client, MODELS, headers)[2]["WWW-Authenticate"]
        for headers in (None, bearer("x"), key_header(weak))
    ]

    assert told == [
        'Bearer realm="facesocial"',
        'Bearer realm="facesocial", error="invalid_token"',
        'Bearer realm="facesocial", error="insufficient_scope", scope="system:monitor"',
    ]


@pytest.mark.parametrize(
    "headers",
    [
        *(
            {"Authorization": value}
            for value in ("", "Bearer", "Bearer ", "Bearer a b", "Basic dTpw", "bearer\tx", "x")
        ),
        {"Authorization": "Bearer é"},
        {"Authorization": "Bearer a, Bearer b"},
        {"Authorization": f"Bearer {'x' * 4097}"},
        *map(bearer, ("x", "a.b.c", "fs_live_", "fs_dev_guess", "e30.e30.", DEVELOPMENT_KEY[:-1])),
        *map(bearer, (f"fs_live_{'0' * 32}_short", f"fs_live_{'0' * 32}_{'s' * 43}")),
        *map(key_header, ("", "x", "a.b.c", f"Bearer {DEVELOPMENT_KEY}", f" {DEVELOPMENT_KEY} x")),
        bearer(DEVELOPMENT_KEY) | key_header(DEVELOPMENT_KEY),
    ],
    ids=str,
)
def test_what_is_no_credential_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    assert _get(client, MODELS, headers)[:1] == (401,)
    assert _get(client, MODELS, headers)[1]["code"] == "auth_invalid"


def test_a_token_is_no_key(client: FlaskClient, parts: Services, owner: User) -> None:
    token = add_token(parts, owner)

    assert _get(client, MODELS, bearer(token))[0] == 200
    assert _get(client, MODELS, key_header(token))[1]["code"] == "auth_invalid"


def test_a_store_that_is_away_is_503_and_never_401(
    client: FlaskClient, parts: Services, owner: User, server: fakeredis.FakeServer
) -> None:
    key, token = add_key(parts, owner, *Scope), add_token(parts, owner)
    for headers in (key_header(key), bearer(token)):
        assert _get(client, MODELS, headers)[0] == 200
    server.connected = False

    for headers in (key_header(key), bearer(key), bearer(token)):
        status, body, told = _get(client, MODELS, headers)

        assert (status, body["code"]) == (503, "store_unavailable")
        assert told["Retry-After"]
        assert "WWW-Authenticate" not in told


def test_a_gateway_that_starts_without_its_store_says_so_to_tokens(
    build: Callable[..., tuple[Services, FlaskClient]], server: fakeredis.FakeServer
) -> None:
    """It knows no signing key yet: that makes a token neither good nor bad."""
    parts, _ = build()
    token = parts.credentials.tokens.issue(user_id="user_1", role="user", session_id="s").text
    _, fresh = build()
    server.connected = False

    assert _get(fresh, MODELS, bearer(token))[1]["code"] == "store_unavailable"
    assert _get(fresh, "/.well-known/jwks.json")[1]["code"] == "store_unavailable"
    assert _get(fresh, "/health/live")[0] == 200


def test_telling_a_caller_takes_one_round_trip(
    parts: Services, owner: User, store: CountingRedis
) -> None:
    callers = parts.credentials.callers
    credentials = (add_key(parts, owner, *Scope), add_token(parts, owner))
    for credential in credentials:
        callers.identify(credential)  # the scripts are loaded now

    for credential in credentials:
        before = store.round_trips
        callers.identify(credential)
        assert store.round_trips == before + 1


@pytest.mark.parametrize("credential", ["x", "a.b.c", "fs_live_x", DEVELOPMENT_KEY])
def test_what_can_be_told_by_itself_takes_none(
    client: FlaskClient, store: CountingRedis, credential: str
) -> None:
    _get(client, "/health/live")
    before = store.round_trips

    with client.get(PERMISSIONS, headers=bearer(credential)):
        assert store.round_trips == before


def test_the_last_use_of_a_key_is_noted_at_most_once_a_minute(
    client: FlaskClient, parts: Services, owner: User
) -> None:
    key = add_key(parts, owner, Scope.MONITOR)
    key_id = f"key_{key.split('_')[2]}"

    def last_used() -> int | None:
        return parts.credentials.keys.get(owner.id, key_id).last_used_ms

    assert last_used() is None
    _get(client, MODELS, key_header(key))
    first = last_used()
    assert first is not None
    assert abs(first - time.time() * 1000) < 60_000
    time.sleep(0.002)
    _get(client, MODELS, key_header(key))
    assert last_used() == first
    assert parts.credentials.callers.identify(key).key_used_ms is None


def test_calls_are_counted_whether_or_not_they_succeed(
    client: FlaskClient, parts: Services, owner: User
) -> None:
    key = add_key(parts, owner, Scope.MONITOR)
    for path in (MODELS, MODELS, KEYS, "/api/v1/system/events?limit=0", "/nowhere"):
        _get(client, path, key_header(key))
    _get(client, MODELS)
    _get(client, MODELS, bearer("nonsense"))

    [tally] = _today(parts, owner)
    assert (tally.total, tally.failed) == (4, 2)
    assert tally.by_endpoint == {
        f"GET {MODELS}": 2,
        f"GET {KEYS}": 1,
        "GET /api/v1/system/events": 1,
    }
    assert list(tally.by_key.values()) == [4]


def _today(parts: Services, user: User) -> list[Any]:
    today: date = datetime.now(UTC).date()
    return list(parts.credentials.usage.by_date(user.id, today, today).values())


def test_a_call_that_can_t_be_counted_succeeds_all_the_same(
    client: FlaskClient,
    parts: Services,
    owner: User,
    server: fakeredis.FakeServer,
    logged: list[Any],
) -> None:
    key = add_key(parts, owner, Scope.MONITOR)

    with client.get(MODELS, headers=key_header(key)) as response:
        server.connected = False  # after the view, before the count

    server.connected = True
    assert response.status_code == 200
    assert _today(parts, owner)[0].total == 0
    assert [entry["event"] for entry in logged] == ["usage.not_counted"]


def test_the_use_of_an_ended_or_too_weak_credential_is_written_down_once_a_minute(
    client: FlaskClient, parts: Services, owner: User
) -> None:
    revoked = add_key(parts, owner, *Scope, revoked=True)
    expired = add_key(parts, owner, *Scope, expires_ms=time.time_ns() // 1_000_000 - 1)
    weak = add_key(parts, owner, Scope.ANALYZE)
    ended = add_token(parts, owner, ended=True)

    for _ in range(3):
        for credential in (revoked, expired, weak, ended, "fs_live_unknown", "a.b.c"):
            _get(client, MODELS, bearer(credential))

    own = {_id_of(parts, one) for one in (revoked, expired, weak, ended)}
    noted = [entry.detail for entry in _audited(parts, "credential.refused")]
    found = [detail["why"] for detail in noted if detail["credential"] in own]
    assert sorted(found) == ["expired", "revoked", "revoked", "system:monitor"]


def test_no_credential_is_in_the_log(
    client: FlaskClient, parts: Services, owner: User, logged: list[Any]
) -> None:
    credentials = [
        add_key(parts, owner, *Scope),
        add_key(parts, owner, *Scope, revoked=True),
        add_key(parts, owner, Scope.ANALYZE),
        add_token(parts, owner),
        add_token(parts, owner, ended=True),
        DEVELOPMENT_KEY,
    ]
    for credential in credentials:
        _get(client, MODELS, bearer(credential))

    assert logged
    written = str(logged) + str(_audited(parts, "credential.refused"))
    assert not [credential for credential in credentials if credential in written]
    assert owner.email not in written
