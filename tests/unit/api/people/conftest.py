"""The gateway with accounts, a postbox that can be looked into, and people."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import redis
from argon2.profiles import CHEAPEST
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from api.accounts.mail import MemoryMail, Postbox
from api.accounts.opening import open_people
from api.accounts.passwords import Passwords
from api.accounts.sealing import Seal
from api.accounts.users import User, new_user_id
from api.app import create_app
from api.principal import Role
from api.services import Services
from api.testing import memory_parts
from workers.settings.process import Settings

PASSWORD = "correct Horse 7"  # noqa: S105 - of everybody here
OTHER_PASSWORD = "battery Staple 8"  # noqa: S105 - the same
WRONG = "incorrect Horse 7"


@dataclass(kw_only=True)
class Gateway:
    """One gateway, seen by its clients."""

    parts: Services
    mail: MemoryMail
    http: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.http = create_app(self.parts).test_client()

    def post(self, path: str, by: str = "", /, **body: object) -> TestResponse:
        """A request with that access token."""
        return self.http.post(f"/api/v1/auth/{path}", json=body, headers=bearer(by))

    def get(self, path: str, token: str = "") -> TestResponse:
        return self.http.get(f"/api/v1/auth/{path}", headers=bearer(token))

    def log_in(self, email: str = "ada@example.com", **more: object) -> TestResponse:
        return self.post("login", email=email, **{"password": PASSWORD, **more})

    def mailed_token(self) -> str:
        """The token in the latest mail."""
        found = re.search(r"Your token: (\S+)", self.mail.sent[-1].text)
        assert found is not None
        return found[1]

    def audited(self) -> list[str]:
        """What was written down, oldest first."""
        log = self.parts.credentials.audit
        entries = log.read(limit=1000, before=None, user_id=None, action=None)
        return [stored.entry.action for stored in reversed(entries)]

    def add(self, email: str = "ada@example.com", role: Role = "user") -> User:
        passwords = Passwords(CHEAPEST, at_once=1, wait_seconds=1)
        made = User(
            id=new_user_id(), email=email, password=passwords.hash(PASSWORD), role=role, name="Ada"
        )
        self.parts.people.users.add(made)
        return made

    def token_of(self, email: str) -> str:
        answer = self.log_in(email).json
        assert answer is not None
        return str(answer["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def code_of(response: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert response.json is not None
    return response.status_code, response.json["code"]


@pytest.fixture
def open_gateway(fake_redis: redis.Redis) -> Callable[..., Gateway]:
    """Makes a gateway with some settings; its limits are those of another test."""

    def _open(**changes: object) -> Gateway:
        settings = Settings(
            gateway_secret=SecretStr("s" * 40),
            **{  # type: ignore[arg-type]  # by name
                "registration": "open",
                "mail_sender": "console",
                "limit_logins_per_minute": 0,
                # So that none ends while a slow machine runs a test.
                "login_wait_seconds": 60,
                # Made much faster than RSA keys.
                "token_algorithm": "Ed25519",
                **changes,
            },
        )
        mail = MemoryMail()
        off = settings.mail_sender == "off"
        people = open_people(
            fake_redis,
            settings,
            seal=Seal("s" * 40, purpose="totp"),
            passwords=Passwords(CHEAPEST, at_once=4, wait_seconds=0.3),
            postbox=Postbox(None if off else mail, start=lambda call: call()),
        )
        parts = memory_parts(settings, fake_redis)
        return Gateway(parts=dataclasses.replace(parts, people=people), mail=mail)

    return _open


@pytest.fixture
def gateway(open_gateway: Callable[..., Gateway]) -> Gateway:
    """One where everybody may register."""
    return open_gateway()


@pytest.fixture
def ada(gateway: Gateway) -> User:
    """A user."""
    return gateway.add()


@pytest.fixture
def token(gateway: Gateway, ada: User) -> str:
    """An access token of hers."""
    return gateway.token_of(ada.email)
