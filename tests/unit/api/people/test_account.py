"""The own account: profile, permissions, password, second factor."""

import time

import pyotp
import pytest

from api.accounts.users import User
from tests.unit.api.people.conftest import (
    OTHER_PASSWORD,
    PASSWORD,
    WRONG,
    Gateway,
    bearer,
    code_of,
)


def test_a_profile_tells_everything_but_secrets(gateway: Gateway, ada: User, token: str) -> None:
    response = gateway.get("profile", token)

    profile = response.json
    assert profile is not None
    assert response.headers["Cache-Control"] == "private, no-store"
    assert (profile["id"], profile["email"], profile["role"]) == (ada.id, ada.email, "user")
    assert (profile["mfa_enabled"], profile["email_verified"]) == (False, False)
    assert profile["usage_stats"]["storage_used_missing"] == "nothing_is_stored_for_long"
    assert "argon2" not in response.text


def test_calls_are_counted_in_the_profile(gateway: Gateway, token: str) -> None:
    seen = []
    for _ in range(2):
        # A call counts when its answer was sent.
        with gateway.get("profile", token) as response:
            assert response.json is not None
            seen.append(response.json["usage_stats"])

    assert seen[1]["api_calls_today"] == seen[0]["api_calls_today"] + 1
    assert seen[1]["api_calls_month"] >= seen[1]["api_calls_today"]


def test_a_profile_is_changed_member_by_member(gateway: Gateway, token: str) -> None:
    def change(**body: object) -> dict[str, object]:
        response = gateway.http.put("/api/v1/auth/profile", json=body, headers=bearer(token))
        assert response.json is not None
        answer: dict[str, object] = response.json
        return answer

    change(company="Ada & Co", preferences={"theme": "dark", "notifications": True})
    change(name="Ada L", preferences={"theme": None})
    changed = change(company="")

    assert (changed["name"], changed["company"]) == ("Ada L", "")
    assert changed["preferences"] == {"theme": None, "notifications": True}


@pytest.mark.parametrize("body", [{"email": "x@y.z"}, {"role": "admin"}, {"mfa_secret": "x"}])
def test_what_is_not_one_s_own_to_change_is_refused(
    gateway: Gateway, token: str, body: dict[str, str]
) -> None:
    response = gateway.http.put("/api/v1/auth/profile", json=body, headers=bearer(token))

    assert code_of(response) == (422, "unknown_option")


def test_permissions_are_those_of_the_role_with_its_limits(gateway: Gateway) -> None:
    gateway.add("dev@example.com", role="developer")
    gateway.add("root@example.com", role="admin")

    developer, admin = (
        gateway.get("permissions", gateway.token_of(f"{who}@example.com")).json
        for who in ("dev", "root")
    )

    assert developer is not None
    assert admin is not None
    assert developer["permissions"] == [
        "account:manage",
        "face:analyze",
        "face:batch",
        "identity:manage",
        "identity:read",
        "webhooks:manage",
    ]
    assert developer["limits"]["batch_jobs_per_hour"] == 10
    assert developer["limits"]["file_size_limit_bytes"] == 10 * 1024 * 1024
    assert "admin:users" in admin["permissions"]
    assert admin["limits"]["batch_jobs_per_hour"] is None


def test_another_password_ends_the_other_logins(gateway: Gateway, ada: User, token: str) -> None:
    other = gateway.token_of(ada.email)

    response = gateway.post(
        "change-password",
        token,
        current_password=PASSWORD,
        new_password=OTHER_PASSWORD,
        confirm_password=OTHER_PASSWORD,
    )

    assert response.status_code == 204
    assert [gateway.get("profile", one).status_code for one in (token, other)] == [200, 401]
    assert gateway.log_in(password=OTHER_PASSWORD).status_code == 200
    assert gateway.mail.sent[-1].subject == "Your password was changed"
    assert "password.changed" in gateway.audited()


def test_a_password_can_t_be_guessed_with_a_stolen_token(gateway: Gateway, token: str) -> None:
    body = {"new_password": OTHER_PASSWORD, "confirm_password": OTHER_PASSWORD}
    answers = [
        code_of(gateway.post("change-password", token, current_password=WRONG, **body))
        for _ in range(6)
    ]

    assert answers == [(403, "password_invalid")] * 5 + [(429, "login_delayed")]
    assert gateway.audited().count("password.change_failed") == 5


def test_a_new_password_has_to_be_good(gateway: Gateway, ada: User, token: str) -> None:
    for new in ("short", "password1", "Ada@Example.com1"):
        response = gateway.post(
            "change-password",
            token,
            current_password=PASSWORD,
            new_password=new,
            confirm_password=new,
        )
        assert code_of(response) == (422, "weak_password")
    assert gateway.log_in(ada.email).status_code == 200


@pytest.fixture
def codes(gateway: Gateway, ada: User, token: str) -> pyotp.TOTP:
    """Her authenticator app; the code of this step is used up."""
    begun = gateway.post("mfa/enable", token, password=PASSWORD).json
    assert begun is not None
    app = pyotp.parse_uri(begun["otpauth_uri"])
    assert isinstance(app, pyotp.TOTP)
    assert (app.name, app.issuer) == (ada.email, "FaceSocial")
    return app


def next_code(app: pyotp.TOTP) -> str:
    """The code of the next step, which is taken already: clocks differ."""
    return app.at(time.time(), counter_offset=1)


def test_a_second_factor_is_in_force_once_it_was_proven(
    gateway: Gateway, token: str, codes: pyotp.TOTP
) -> None:
    assert gateway.log_in().status_code == 200

    active = gateway.post("mfa/verify", token, code=codes.now())

    assert active.json is not None
    assert len(set(active.json["backup_codes"])) == 10
    assert code_of(gateway.log_in()) == (401, "mfa_required")
    assert gateway.log_in(mfa_code=next_code(codes)).status_code == 200
    profile = gateway.get("profile", token).json
    assert profile is not None
    assert profile["mfa_enabled"]


def test_a_code_logs_in_once(gateway: Gateway, token: str, codes: pyotp.TOTP) -> None:
    used = codes.now()
    gateway.post("mfa/verify", token, code=used)

    assert code_of(gateway.log_in(mfa_code=used)) == (401, "mfa_invalid")
    code = next_code(codes)
    answers = [gateway.log_in(mfa_code=code).status_code for _ in range(2)]
    assert answers == [200, 401]


def test_a_backup_code_logs_in_once_however_it_is_typed(
    gateway: Gateway, token: str, codes: pyotp.TOTP
) -> None:
    active = gateway.post("mfa/verify", token, code=codes.now()).json
    assert active is not None
    typed = active["backup_codes"][0].upper().replace("-", " ")

    answers = [gateway.log_in(backup_code=typed).status_code for _ in range(2)]

    assert answers == [200, 401]


def test_codes_can_t_be_guessed_by_who_knows_the_password(
    gateway: Gateway, token: str, codes: pyotp.TOTP
) -> None:
    gateway.post("mfa/verify", token, code=codes.now())
    seen = []
    for _ in range(10):
        # Asking without a code in between must not forgive the guesses.
        seen.append(code_of(gateway.log_in(mfa_code="000000"))[1])
        gateway.log_in()

    assert seen.count("mfa_invalid") <= 5
    assert seen[-1] == "login_delayed"


def test_a_wrong_code_does_not_put_a_second_factor_in_force(
    gateway: Gateway, token: str, codes: pyotp.TOTP
) -> None:
    response = gateway.post("mfa/verify", token, code="000000")

    assert codes.now() != "000000"
    assert code_of(response) == (422, "mfa_code_wrong")
    assert gateway.log_in().status_code == 200


def test_a_second_factor_takes_the_own_password(gateway: Gateway, token: str) -> None:
    assert code_of(gateway.post("mfa/enable", token, password=WRONG)) == (403, "password_invalid")
    assert code_of(gateway.post("mfa/verify", token, code="123456"))[1] == "mfa_code_wrong"


def test_a_second_factor_is_ended_by_the_own_password(
    gateway: Gateway, token: str, codes: pyotp.TOTP
) -> None:
    gateway.post("mfa/verify", token, code=codes.now())
    again = gateway.post("mfa/enable", token, password=PASSWORD)
    wrong = gateway.post("mfa/disable", token, password=WRONG)
    assert code_of(gateway.log_in()) == (401, "mfa_required")

    done = gateway.post("mfa/disable", token, password=PASSWORD)

    assert code_of(again) == (409, "mfa_active")
    assert code_of(wrong) == (403, "password_invalid")
    assert done.status_code == 204
    assert gateway.log_in().status_code == 200
    assert {"mfa.enabled", "mfa.disabled", "mfa.disable_failed"} <= set(gateway.audited())


def test_the_store_has_no_secret_of_a_second_factor(
    gateway: Gateway, ada: User, codes: pyotp.TOTP
) -> None:
    stored = gateway.parts.people.users.get(ada.id)

    assert stored is not None
    assert stored.mfa_pending
    assert codes.secret not in stored.mfa_pending
