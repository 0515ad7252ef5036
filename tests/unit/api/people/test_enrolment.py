"""Registration, verified addresses, forgotten passwords: what a mail is proof for."""

from collections.abc import Callable

import pytest

from api.accounts.users import User
from tests.unit.api.people.conftest import OTHER_PASSWORD, PASSWORD, Gateway, code_of

Open = Callable[..., Gateway]

WEAK = "a"
WANTED = {
    "email": "Bo@Example.com",
    "password": PASSWORD,
    "confirm_password": PASSWORD,
    "name": "Bo",
    "terms_accepted": True,
}


def test_a_registration_becomes_an_account_by_its_mail(gateway: Gateway) -> None:
    asked = gateway.post("register", **WANTED, company="B & Co", phone="+49 (30) 1")
    before = gateway.log_in("bo@example.com")
    done = gateway.post("verify-email", token=gateway.mailed_token())

    answer = gateway.log_in("bo@example.com").json

    assert asked.status_code == 202
    assert asked.json is not None
    assert asked.json["status"] == "pending_verification"
    assert code_of(before) == (401, "auth_invalid")
    assert answer is not None
    assert done.json == {"outcome": "created", "user_id": answer["user"]["id"]}
    assert (answer["user"]["role"], answer["user"]["name"]) == ("user", "Bo")
    profile = gateway.get("profile", answer["access_token"]).json
    assert profile is not None
    assert (profile["email_verified"], profile["company"]) == (True, "B & Co")
    assert "user.created" in gateway.audited()


def test_an_address_that_is_known_is_answered_alike(gateway: Gateway, ada: User) -> None:
    unknown = gateway.post("register", **WANTED)
    known = gateway.post("register", **{**WANTED, "email": "ADA@example.com"})

    assert known.status_code == unknown.status_code
    assert known.json == unknown.json
    assert gateway.mail.sent[-1].to == ada.email
    assert gateway.mail.sent[-1].subject == "You have an account already"
    assert "token" not in gateway.mail.sent[-1].text
    assert gateway.log_in().status_code == 200


def test_nobody_can_hold_an_address_by_registering(gateway: Gateway) -> None:
    gateway.post(
        "register", **{**WANTED, "password": OTHER_PASSWORD, "confirm_password": OTHER_PASSWORD}
    )
    gateway.post("register", **WANTED)
    owners = gateway.mailed_token()

    gateway.post("verify-email", token=owners)

    assert gateway.log_in("bo@example.com").status_code == 200
    assert gateway.log_in("bo@example.com", password=OTHER_PASSWORD).status_code == 401


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"password": "short", "confirm_password": "short"}, "weak_password", None),
        ({"confirm_password": OTHER_PASSWORD}, "validation_error", "confirm_password"),
        ({"name": "B"}, "validation_error", "name"),
        ({"name": " Bo"}, "validation_error", "name"),
        ({"name": "Bo\u202e"}, "validation_error", "name"),
        ({"terms_accepted": 1}, "validation_error", "terms_accepted"),
        ({"name": "Bo\n"}, "validation_error", "name"),
        ({"name": "B" * 51}, "validation_error", "name"),
        ({"terms_accepted": False}, "validation_error", "terms_accepted"),
        ({"phone": "call me"}, "validation_error", "phone"),
        ({"email": "bo@"}, "validation_error", "email"),
        ({"role": "admin"}, "unknown_option", "role"),
    ],
)
def test_what_can_t_be_registered(
    gateway: Gateway, change: dict[str, object], code: str, field: str | None
) -> None:
    response = gateway.post("register", **{**WANTED, **change})

    assert code_of(response) == (422, code)
    assert response.json is not None
    assert response.json.get("field") == field
    assert gateway.mail.sent == []
    assert PASSWORD not in response.text


def test_registration_is_closed_unless_it_was_opened(open_gateway: Open) -> None:
    closed = open_gateway(registration="closed")

    assert code_of(closed.post("register", **WANTED)) == (403, "registration_closed")


@pytest.mark.parametrize("path", ["register", "reset-password"])
def test_what_takes_a_mail_is_refused_where_none_is_sent(open_gateway: Open, path: str) -> None:
    silent = open_gateway(mail_sender="off")
    body = WANTED if path == "register" else {"email": "ada@example.com"}

    assert code_of(silent.post(path, **body)) == (403, "mail_disabled")


def test_an_address_gets_a_few_mails_an_hour(gateway: Gateway, ada: User) -> None:
    answers = [gateway.post("reset-password", email=ada.email).status_code for _ in range(8)]

    assert answers == [202] * 8
    assert len(gateway.mail.sent) == 5


def test_a_forgotten_password_is_reset_by_mail_and_ends_all_logins(
    gateway: Gateway, ada: User, token: str
) -> None:
    gateway.post("reset-password", email="ADA@example.com")
    mailed = gateway.mailed_token()
    body = {"new_password": OTHER_PASSWORD, "confirm_password": OTHER_PASSWORD}

    done = gateway.post("reset-password/confirm", token=mailed, **body)

    assert done.status_code == 204
    assert gateway.get("profile", token).status_code == 401
    assert gateway.log_in().status_code == 401
    assert gateway.log_in(password=OTHER_PASSWORD).status_code == 200
    again = gateway.post("reset-password/confirm", token=mailed, **body)
    assert code_of(again) == (403, "one_time_token_invalid")
    assert gateway.mail.sent[-1].subject == "Your password was changed"
    assert {"password.reset_asked", "password.reset"} <= set(gateway.audited())
    assert ada.email == gateway.mail.sent[-1].to


def test_a_reset_does_not_tell_whether_an_address_is_known(gateway: Gateway, ada: User) -> None:
    known = gateway.post("reset-password", email=ada.email)
    unknown = gateway.post("reset-password", email="nobody@example.com")

    assert (known.status_code, known.json) == (unknown.status_code, unknown.json)
    assert [mail.to for mail in gateway.mail.sent] == [ada.email]


def test_a_weak_password_does_not_use_the_token_up(gateway: Gateway, ada: User) -> None:
    gateway.post("reset-password", email=ada.email)
    mailed = gateway.mailed_token()

    weak = gateway.post(
        "reset-password/confirm", token=mailed, new_password=WEAK, confirm_password=WEAK
    )
    body = {"new_password": OTHER_PASSWORD, "confirm_password": OTHER_PASSWORD}
    done = gateway.post("reset-password/confirm", token=mailed, **body)

    assert code_of(weak) == (422, "weak_password")
    assert done.status_code == 204


def test_one_proves_that_one_reads_one_s_mail(gateway: Gateway, token: str) -> None:
    asked = gateway.post("verify-email/request", token)
    gateway.post("verify-email", token=gateway.mailed_token())

    profile = gateway.get("profile", token).json

    assert asked.status_code == 202
    assert profile is not None
    assert profile["email_verified"]


@pytest.mark.parametrize("mailed", ["", "x", "é", "A" * 43])
def test_a_token_nobody_was_sent_does_nothing(gateway: Gateway, mailed: str) -> None:
    response = gateway.post("verify-email", token=mailed)

    assert code_of(response) == (403, "one_time_token_invalid")


def test_mails_link_to_the_operator_s_pages(open_gateway: Open) -> None:
    gateway = open_gateway(mail_link_base="https://app.example.com/")
    gateway.add()

    gateway.post("reset-password", email="ada@example.com")

    assert "https://app.example.com/reset-password#token=" in gateway.mail.sent[-1].text
