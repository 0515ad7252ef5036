"""`facesocial login`, `logout` and `whoami` against a gateway on loopback."""

import json
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fakeredis
import httpx
import pyotp
import pytest
from argon2.profiles import CHEAPEST
from flask import Flask
from pydantic import SecretStr
from typer.testing import CliRunner, Result
from werkzeug.wsgi import get_input_stream

from api.accounts.passwords import Passwords
from api.accounts.users import User, new_user_id
from api.app import create_app
from api.services import Services
from api.testing import memory_parts
from cli.command_logs import log_to_stderr
from cli.main import app
from cli.stored_logins import LoginEnded, StoredLogin, StoredLogins
from client import AuthenticationFailed, Client
from tests.unit.cli.loopback import served
from workers.settings.process import Settings

PASSWORD = "correct Horse 7"  # noqa: S105 - of everybody here


@dataclass(kw_only=True)
class Gateway:
    url: str
    parts: Services
    user: User


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """One with a user, in a thread of its own."""
    log_to_stderr("error")
    settings = Settings(gateway_secret=SecretStr("s" * 40), token_algorithm="Ed25519")  # noqa: S106 - made fast
    server = fakeredis.FakeServer(version=(7, 2))
    with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
        parts = memory_parts(settings, client)
        hashed = Passwords(CHEAPEST, at_once=1, wait_seconds=1).hash(PASSWORD)
        user = User(
            id=new_user_id(), email="ada@example.com", password=hashed, role="premium", name="Ada"
        )
        parts.people.users.add(user)
        with served(_limited(create_app(parts))) as url:
            yield Gateway(url=url, parts=parts, user=user)


def _limited(app: Flask) -> Callable[..., Iterable[bytes]]:
    """Ends bodies where they end, as real servers do and this one doesn't."""

    def call(environ: dict[str, Any], start: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI's
        environ["wsgi.input"] = get_input_stream(environ)
        return app(environ, start)

    return call


@pytest.fixture
def run(gateway: Gateway, tmp_path: Path) -> Callable[..., Result]:
    """Runs a command at the gateway, as a user of its own on this machine."""
    environment = {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "FACESOCIAL_DATA_DIR": str(tmp_path / "data"),
    }

    def _run(*arguments: str, typed: str = PASSWORD + "\n") -> Result:
        whole = [*arguments, "--gateway", gateway.url]
        return CliRunner().invoke(app, whole, input=typed, env=environment)

    return _run


@pytest.fixture
def logins(tmp_path: Path) -> StoredLogins:
    """What the commands keep."""
    return StoredLogins(tmp_path / "config" / "facesocial" / "logins.json")


def kept_login(access: str, refresh: str, *, until: float) -> StoredLogin:
    return StoredLogin(access_token=access, access_until=until, refresh_token=refresh)


def log_in(run: Callable[..., Result], *options: str) -> Result:
    return run("login", "ada@example.com", "--password-file", "-", *options)


def test_after_a_login_commands_are_sent_as_that_user(
    run: Callable[..., Result], gateway: Gateway
) -> None:
    done = log_in(run)

    told = json.loads(run("whoami", "--json").stdout)
    assert done.exit_code == 0, done.exception
    assert "ada@example.com" in done.stdout
    assert (told["user_id"], told["email"]) == (gateway.user.id, "ada@example.com")
    assert (told["role"], "face:batch" in told["permissions"]) == ("premium", True)
    assert "role premium" in run("whoami").stdout


def test_a_login_is_kept_where_only_its_owner_reads_it(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    log_in(run)

    file = tmp_path / "config" / "facesocial" / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert PASSWORD not in file.read_text()


def test_a_wrong_password_logs_nobody_in(
    run: Callable[..., Result], logins: StoredLogins, gateway: Gateway
) -> None:
    done = run("login", "ada@example.com", "--password-file", "-", typed="wrong\n")

    assert isinstance(done.exception, AuthenticationFailed)
    assert logins.read(gateway.url) is None


def test_a_second_factor_is_given_with_the_login(
    run: Callable[..., Result], gateway: Gateway
) -> None:
    people = gateway.parts.people
    app_secret = people.logins.factor.begin(gateway.user)
    assert app_secret is not None
    codes = pyotp.parse_uri(app_secret)
    assert isinstance(codes, pyotp.TOTP)
    people.logins.factor.activate(people.existing(gateway.user.id), codes.now())

    without = log_in(run)
    code = codes.at(time.time(), counter_offset=1)

    assert without.exception is not None
    assert "--code" in str(without.exception)
    assert log_in(run, "--code", code).exit_code == 0


def test_a_logout_ends_the_login_and_forgets_it(
    run: Callable[..., Result], gateway: Gateway, logins: StoredLogins
) -> None:
    log_in(run)

    done = run("logout")

    assert done.exit_code == 0, done.exception
    assert logins.read(gateway.url) is None
    assert gateway.parts.people.sessions.of_user(gateway.user.id) == ()
    assert "not logged in" in run("logout").stdout
    assert isinstance(run("whoami").exception, AuthenticationFailed)


def test_a_logout_can_end_the_logins_on_all_devices(
    run: Callable[..., Result], gateway: Gateway
) -> None:
    gateway.parts.people.sessions.begin(gateway.user, remembered=True, device="", address="")
    log_in(run)

    run("logout", "--all-devices")

    assert gateway.parts.people.sessions.of_user(gateway.user.id) == ()


def test_a_token_that_is_about_to_end_is_replaced_once(
    run: Callable[..., Result], gateway: Gateway, logins: StoredLogins
) -> None:
    log_in(run)
    first = logins.read(gateway.url)
    assert first is not None
    old = kept_login("old", first.refresh_token, until=0)
    logins.keep(gateway.url, old)

    assert run("whoami").exit_code == 0
    second = logins.read(gateway.url)
    assert run("whoami").exit_code == 0

    assert second is not None
    assert second.access_until > time.time() + 3000
    assert second.refresh_token != first.refresh_token
    assert logins.read(gateway.url) == second


def test_a_login_that_was_ended_elsewhere_is_told_and_forgotten(
    run: Callable[..., Result], gateway: Gateway, logins: StoredLogins
) -> None:
    log_in(run)
    kept = logins.read(gateway.url)
    assert kept is not None
    gateway.parts.people.sessions.end_all(gateway.user.id)
    ended = kept_login("old", kept.refresh_token, until=0)
    logins.keep(gateway.url, ended)

    assert isinstance(run("whoami").exception, LoginEnded)
    assert logins.read(gateway.url) is None


def test_commands_at_once_refresh_once(tmp_path: Path) -> None:
    refreshes: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        refreshes.append(json.loads(request.content)["refresh_token"])
        body = {"access_token": "new", "expires_in": 3600, "refresh_token": f"r{len(refreshes)}"}
        return httpx.Response(200, json=body)

    logins = StoredLogins(tmp_path / "logins.json")
    logins.keep("http://g", kept_login("x", "r0", until=0))
    found: list[str | None] = []

    def ask() -> None:
        with Client("http://g", transport=httpx.MockTransport(answer)) as client:
            found.append(StoredLogins(tmp_path / "logins.json").access_token("http://g/", client))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == ["new"] * 6
    assert refreshes == ["r0"]


def test_logins_at_several_gateways_are_kept_apart(logins: StoredLogins) -> None:
    one = kept_login("1", "1", until=1)
    two = kept_login("2", "2", until=2)
    logins.keep("http://one/", one)
    logins.keep("http://two", two)

    logins.forget("http://one")

    assert (logins.read("http://one"), logins.read("http://two/")) == (None, two)
