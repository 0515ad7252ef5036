"""No password, token, code or address of anybody is written down, whatever happens."""

from collections.abc import Callable

import pyotp
import pytest
import redis
import structlog

from api.accounts.users import User
from tests.unit.api.people.conftest import OTHER_PASSWORD, PASSWORD, WRONG, Gateway

Open = Callable[..., Gateway]


def everything(gateway: Gateway) -> list[str]:
    """Does all one can do with an account, well and badly; whatever is nobody's business."""
    secrets = [PASSWORD, OTHER_PASSWORD, WRONG, "ada@", "bo@", "nobody@"]

    def told(path: str, by: str = "", /, **body: object) -> dict[str, object]:
        answer: dict[str, object] = gateway.post(path, by, **body).json or {}
        for name in ("access_token", "refresh_token", "otpauth_uri"):
            secrets.extend(str(answer[name]) for _ in [0] if name in answer)
        secrets.extend(answer.get("backup_codes", ()))  # type: ignore[arg-type]  # a list of texts
        return answer

    wanted = {"email": "bo@example.com", "name": "Bo", "terms_accepted": True}
    told("register", **wanted, password=PASSWORD, confirm_password=PASSWORD)
    secrets.append(gateway.mailed_token())
    told("register", **wanted, password=WRONG, confirm_password=PASSWORD)
    told("verify-email", token=gateway.mailed_token())
    for email in ("ada@example.com", "nobody@example.com", "ada@\n"):
        told("login", email=email, password=WRONG)
    first = told("login", email="ada@example.com", password=PASSWORD)
    token = str(first["access_token"])
    told("refresh", refresh_token=first["refresh_token"])
    told("refresh", refresh_token=f"{first['refresh_token']}x")
    told(
        "change-password",
        token,
        current_password=WRONG,
        new_password=OTHER_PASSWORD,
        confirm_password=OTHER_PASSWORD,
    )
    uri = told("mfa/enable", token, password=PASSWORD)["otpauth_uri"]
    app = pyotp.parse_uri(str(uri))
    assert isinstance(app, pyotp.TOTP)
    secrets.append(app.secret)
    told("mfa/verify", token, code=app.now())
    told("login", email="ada@example.com", password=PASSWORD, mfa_code="000000")
    told("reset-password", email="ada@example.com")
    secrets.append(gateway.mailed_token())
    told(
        "reset-password/confirm",
        token=gateway.mailed_token(),
        new_password=OTHER_PASSWORD,
        confirm_password=OTHER_PASSWORD,
    )
    return secrets


def test_neither_log_nor_audit_has_a_secret(gateway: Gateway, ada: User) -> None:
    with structlog.testing.capture_logs() as logs:
        secrets = everything(gateway)

    noted = gateway.parts.credentials.audit.read(limit=1000, before=None, user_id=None, action=None)
    written = str(logs) + str(noted)
    assert ada.id in written
    assert len(secrets) > 20
    assert [secret for secret in secrets if secret in written] == []


def test_the_store_has_no_secret_in_clear(
    gateway: Gateway, ada: User, fake_redis: redis.Redis
) -> None:
    secrets = [one for one in everything(gateway) if not one.endswith("@")]

    reads = {"hash": "hgetall", "zset": "zscan", "set": "smembers", "stream": "xrange"}
    stored = "".join(
        str(getattr(fake_redis, reads.get(str(fake_redis.type(key)), "get"))(key)) + str(key)
        for key in fake_redis.scan_iter("*")
    )

    assert ada.id in stored
    assert [secret for secret in secrets if secret in stored] == []


@pytest.mark.parametrize("path", ["login", "refresh", "verify-email", "register"])
def test_an_answer_repeats_nothing_that_was_sent(gateway: Gateway, path: str) -> None:
    response = gateway.post(
        path, email="ada@example", password=WRONG, token=WRONG, refresh_token=WRONG
    )

    assert response.status_code >= 400
    assert WRONG not in response.text
    assert "ada@" not in response.text
