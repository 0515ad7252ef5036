"""`facesocial login`, `logout` and `whoami`: who the commands are at a gateway."""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from api.exposure import is_loopback
from cli.connection import GatewayUrl, connected, gateway_at, unknown_to
from cli.stored_logins import LoginEnded, StoredLogins, login_of_answer
from cli.typed_secrets import read_secret
from client import AuthenticationFailed, Client, NotFound, Problem

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def login(
    email: Annotated[
        str | None, typer.Argument(metavar="EMAIL", help="Of the account.", show_default="asked")
    ] = None,
    *,
    gateway: GatewayUrl = None,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its first line is the password; - for stdin."),
    ] = None,
    code: Annotated[
        str | None, typer.Option(help="Of the second factor.", show_default="asked if needed")
    ] = None,
    remember: Annotated[bool, typer.Option(help="Stay logged in for a week.")] = True,
) -> None:
    """Log in at a gateway; later commands run as that user."""
    url = gateway_at(gateway)
    _warn_in_clear(url)
    body: dict[str, Any] = {
        "email": email or typer.prompt("E-mail", err=True),
        "password": read_secret(password_file, prompt="Password", option="--password-file"),
        "remember_me": remember,
    }
    if code:
        body["mfa_code"] = code
    with unknown_to(url) as client:
        try:
            answer = _log_in(client, body)
        except AuthenticationFailed as error:
            if error.code != "mfa_required":
                raise
            body["mfa_code"] = read_secret(
                None, prompt="Code of your second factor", option="--code"
            )
            answer = _log_in(client, body)
    StoredLogins().keep(url, login_of_answer(answer, now=time.time()))
    print(f"Logged in at {url} as {answer['user']['email']}.")


def logout(
    *,
    gateway: GatewayUrl = None,
    all_devices: Annotated[
        bool, typer.Option("--all-devices", help="End the logins on all devices.")
    ] = False,
) -> None:
    """Log out at a gateway."""
    url, logins = gateway_at(gateway), StoredLogins()
    # Of a login that has ended already nothing is left to end.
    with unknown_to(url) as client, suppress(AuthenticationFailed, LoginEnded, NotFound):
        token = logins.access_token(url, client)
        if token is None:
            print(f"You are not logged in at {url}.")
            return
        client.call(
            "POST",
            "/api/v1/auth/logout",
            json={"all_devices": all_devices},
            headers={"Authorization": f"Bearer {token}"},
        )
    logins.forget(url)
    print(f"Logged out at {url}.")


def whoami(*, gateway: GatewayUrl = None, as_json: AsJson = False) -> None:
    """Show who you are at a gateway, and what you may do."""
    with connected(gateway) as client:
        allowed = client.call("GET", "/api/v1/auth/permissions")
        try:
            person = client.call("GET", "/api/v1/auth/profile")
        except Problem as error:
            # A key need not have an account behind it, nor the right to read it.
            if error.code not in {"user_not_found", "auth_forbidden"}:
                raise
            person = None
    told = {
        "gateway": gateway_at(gateway),
        "user_id": person and person["id"],
        "email": person and person["email"],
        "role": allowed["role"],
        "permissions": allowed["permissions"],
    }
    if as_json:
        print(json.dumps(told, indent=2))
        return
    who = person["email"] if person else "a key without an account to read"
    print(f"{who} at {told['gateway']}, role {told['role']}")
    print("\n".join(f"  {scope}" for scope in told["permissions"]))


def _warn_in_clear(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        print(f"{url} is not encrypted: others on the way can read your password.", file=sys.stderr)


def _log_in(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = client.call("POST", "/api/v1/auth/login", json=body)
    return answer
