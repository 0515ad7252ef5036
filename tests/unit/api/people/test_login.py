"""POST /api/v1/auth/login, refresh and logout, and the logins that are alive."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest
from argon2.profiles import CHEAPEST

from api.accounts.errors import HashingBusy
from api.accounts.passwords import Passwords
from api.accounts.users import User
from tests.unit.api.people.conftest import PASSWORD, WRONG, Gateway, bearer, code_of

Open = Callable[..., Gateway]


def test_a_login_answers_tokens_that_work(gateway: Gateway, ada: User) -> None:
    response = gateway.log_in("ADA@example.com")

    answer = response.json
    assert answer is not None
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert answer["user"] == {
        "id": ada.id,
        "email": "ada@example.com",
        "name": "Ada",
        "role": "user",
        "permissions": ["account:manage", "face:analyze", "identity:manage", "identity:read"],
        "last_login": None,
    }
    assert gateway.get("profile", answer["access_token"]).status_code == 200
    assert gateway.audited() == ["login.succeeded"]


def test_the_next_login_tells_of_the_last(gateway: Gateway, ada: User) -> None:
    gateway.log_in()

    answer = gateway.log_in(ada.email).json

    assert answer is not None
    assert answer["user"]["last_login"] is not None


def test_nothing_tells_a_wrong_password_from_an_unknown_address(
    gateway: Gateway, ada: User
) -> None:
    answers = [
        gateway.post("login", email=email, password=WRONG)
        for email in (ada.email, "nobody@example.com")
    ]

    told = [dict(answer.json or {}) for answer in answers]
    for one in told:
        one.pop("request_id")
    assert told[0] == told[1]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert (told[0]["code"], told[0]["attempts_remaining"]) == ("auth_invalid", 4)
    assert gateway.audited() == ["login.failed"] * 2


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_who_guesses_has_to_wait(gateway: Gateway, ada: User, email: str) -> None:
    for _ in range(5):
        gateway.post("login", email=email, password=WRONG)

    response = gateway.log_in(email)

    assert code_of(response) == (429, "login_delayed")
    assert 50 <= int(response.headers["Retry-After"]) <= 60
    assert gateway.audited()[-1] == "login.delayed"
    assert ada.email == "ada@example.com"


def test_a_login_forgives_failures_before_it(gateway: Gateway, ada: User) -> None:
    for _ in range(3):
        gateway.post("login", email=ada.email, password=WRONG)
        gateway.log_in()

    answer = gateway.post("login", email=ada.email, password=WRONG).json

    assert answer is not None
    assert answer["attempts_remaining"] == 4


def test_a_login_for_which_there_is_no_room_is_no_failure(gateway: Gateway, ada: User) -> None:
    with ExitStack() as stack:
        passwords = gateway.parts.people.logins.passwords
        for _ in range(4):
            stack.enter_context(passwords._turn())
        busy = gateway.log_in()

    assert code_of(busy) == (503, "login_busy")
    assert busy.headers["Retry-After"]
    answer = gateway.post("login", email=ada.email, password=WRONG).json
    assert answer is not None
    assert answer["attempts_remaining"] == 4


def test_that_an_account_is_suspended_is_told_who_knows_its_password(
    gateway: Gateway, ada: User
) -> None:
    gateway.parts.people.users.set_standing(ada.id, status="suspended")

    assert code_of(gateway.log_in()) == (403, "user_suspended")
    wrong = gateway.post("login", email=ada.email, password=WRONG)
    assert code_of(wrong) == (401, "auth_invalid")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "validation_error"),
        ({"email": "ada", "password": "x"}, 422, "validation_error"),
        ({"email": "a@b\nc", "password": "x"}, 422, "validation_error"),
        ({"email": "a" * 65 + "@example.com", "password": "x"}, 422, "validation_error"),
        ({"email": "ada@example.com", "password": "x" * 1025}, 422, "validation_error"),
        ({"email": "ada@example.com", "password": 7}, 422, "validation_error"),
        ({"email": "ada@example.com", "password": "\ud800"}, 400, "invalid_request"),
        ({"email": "ada@example.com", "password": "x", "admin": True}, 422, "unknown_option"),
        ({"email": "ada@example.com", "password": "x", "mfa_code": "1"}, 422, "validation_error"),
    ],
)
def test_what_is_no_login_is_refused(
    gateway: Gateway, body: dict[str, object], status: int, code: str
) -> None:
    assert code_of(gateway.post("login", **body)) == (status, code)


@pytest.mark.parametrize("depth", [100, 300, 480, 600, 900, 990, 5000])
def test_what_is_nested_too_deep_is_refused(gateway: Gateway, depth: int) -> None:
    raw = b'{"email": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    response = gateway.http.post("/api/v1/auth/login", data=raw, content_type="application/json")

    assert response.status_code in {400, 422}


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'"x"', b"[" * 60_000, b"\xff"])
def test_what_is_no_object_is_refused(gateway: Gateway, raw: bytes) -> None:
    response = gateway.http.post("/api/v1/auth/login", data=raw, content_type="application/json")

    assert response.status_code in {400, 422}


def test_a_form_is_no_login(gateway: Gateway) -> None:
    response = gateway.http.post("/api/v1/auth/login", data={"email": "ada@example.com"})

    assert code_of(response) == (415, "unsupported_media_type")


def test_a_refresh_answers_a_new_pair(gateway: Gateway, ada: User) -> None:
    first = gateway.log_in(ada.email).json
    assert first is not None

    response = gateway.post("refresh", refresh_token=first["refresh_token"])

    second = response.json
    assert second is not None
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert second["session_id"] == first["session_id"]
    assert gateway.get("profile", second["access_token"]).status_code == 200


def test_a_token_used_again_ends_the_login_and_is_written_down(
    open_gateway: Open, token: str
) -> None:
    gateway = open_gateway(refresh_grace_seconds=0)
    first = gateway.log_in().json
    assert first is not None
    second = gateway.post("refresh", refresh_token=first["refresh_token"]).json
    third = gateway.post("refresh", refresh_token=second["refresh_token"]).json  # type: ignore[index]  # JSON

    response = gateway.post("refresh", refresh_token=first["refresh_token"])

    assert third is not None
    assert code_of(response) == (401, "auth_invalid")
    assert gateway.get("profile", third["access_token"]).status_code == 401
    assert "session.reuse_detected" in gateway.audited()
    # Another login of hers goes on.
    assert gateway.get("profile", token).status_code == 200


@pytest.mark.parametrize("given", ["", "x", "fs_refresh_" + "0" * 32 + "_" + "A" * 43])
def test_what_is_no_refresh_token_is_refused(gateway: Gateway, given: str) -> None:
    assert code_of(gateway.post("refresh", refresh_token=given)) == (401, "auth_invalid")


def test_a_logout_ends_the_login_that_asks(gateway: Gateway, ada: User, token: str) -> None:
    other = gateway.log_in(ada.email).json
    assert other is not None

    answer = gateway.post("logout", other["access_token"]).json

    assert answer is not None
    assert answer["ended_sessions"] == 1
    assert gateway.get("profile", other["access_token"]).status_code == 401
    refused = gateway.post("refresh", refresh_token=other["refresh_token"])
    assert code_of(refused) == (401, "auth_invalid")
    assert gateway.get("profile", token).status_code == 200


def test_a_logout_on_all_devices_ends_them_all(gateway: Gateway, ada: User, token: str) -> None:
    other = gateway.token_of(ada.email)

    answer = gateway.post("logout", token, all_devices=True).json

    assert answer is not None
    assert answer["ended_sessions"] == 2
    assert [gateway.get("profile", one).status_code for one in (token, other)] == [401, 401]


def test_logins_are_listed_newest_first_and_in_parts(gateway: Gateway, ada: User) -> None:
    tokens = [gateway.token_of(ada.email) for _ in range(3)]

    first = gateway.get("sessions?limit=2", tokens[0])
    assert first.json is not None
    rest = gateway.http.get(first.headers["Link"].split(">")[0][1:], headers=bearer(tokens[0]))

    assert rest.json is not None
    items = [*first.json["items"], *rest.json["items"]]
    assert [item["current"] for item in items] == [False, False, True]
    assert sorted((item["id"] for item in items), reverse=True) == [i["id"] for i in items]
    assert rest.json["next_cursor"] is None
    assert items[0]["device"].startswith("Werkzeug")
    assert items[0]["ip_address"] == "127.0.0.1"
    assert (items[0]["location"], items[0]["location_missing"]) == (None, "not_looked_up")


def test_one_login_can_be_ended_and_no_stranger_s(gateway: Gateway, token: str) -> None:
    gateway.add("mallory@example.com")
    strangers = gateway.log_in("mallory@example.com").json
    assert strangers is not None
    listed = gateway.get("sessions", token).json
    assert listed is not None
    own = listed["items"][0]["id"]

    def end(session_id: str, by: str) -> int:
        path = f"/api/v1/auth/sessions/{session_id}"
        return gateway.http.delete(path, headers=bearer(by)).status_code

    assert end(own, strangers["access_token"]) == 404
    assert end(strangers["session_id"], token) == 404
    assert end("nonsense", token) == 404
    assert end(own, token) == 204
    assert end(own, token) == 401


def test_a_client_s_name_is_cut_and_printable(gateway: Gateway, ada: User) -> None:
    gateway.http.post(
        "/api/v1/auth/login",
        json={"email": ada.email, "password": PASSWORD},
        headers={"User-Agent": "x" * 500 + "\t"},
    )

    (session,) = gateway.parts.people.sessions.of_user(ada.id)

    assert session.device == "x" * 200


def test_a_hash_made_with_less_is_replaced_at_a_login(gateway: Gateway, ada: User) -> None:
    stronger = Passwords(replace(CHEAPEST, time_cost=2), at_once=1, wait_seconds=1)
    people = gateway.parts.people
    logins = replace(people.logins, passwords=stronger)
    parts = replace(gateway.parts, people=replace(people, logins=logins))

    assert Gateway(parts=parts, mail=gateway.mail).log_in().status_code == 200

    stored = people.users.get(ada.id)
    assert stored is not None
    assert "t=2" in stored.password
    assert Gateway(parts=parts, mail=gateway.mail).log_in().status_code == 200


def test_a_login_stands_where_its_password_can_t_be_hashed_anew_right_now(
    gateway: Gateway, ada: User
) -> None:
    class Busy(Passwords):
        def hash(self, password: str) -> str:
            raise HashingBusy(f"a password of {len(password)} letters has to wait")

    stronger = Busy(replace(CHEAPEST, time_cost=2), at_once=1, wait_seconds=1)
    people = gateway.parts.people
    logins = replace(people.logins, passwords=stronger)
    parts = replace(gateway.parts, people=replace(people, logins=logins))

    assert Gateway(parts=parts, mail=gateway.mail).log_in().status_code == 200
    stored = people.users.get(ada.id)
    assert stored is not None
    assert stored.password == ada.password
