"""`facesocial users`: everybody's accounts, straight in the store; so the first one can be made."""

import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from api.accounts.errors import LastAdmin
from api.accounts.password_rules import WeakPassword, check_password
from api.accounts.users import (
    EmailTaken,
    InvalidEmail,
    Status,
    User,
    new_user_id,
    normal_email,
)
from api.timestamps import timestamp
from cli.account_store import AccountStore, account_store
from cli.errors import CliError
from cli.plain_console import PlainConsole
from cli.typed_secrets import read_secret
from workers.settings.process import Settings, load_settings

app = typer.Typer(help="Make, list, suspend and delete accounts.", no_args_is_help=True)

#: Read from the store at a time.
_PART = 100

Name = Annotated[str, typer.Argument(metavar="USER", help="An id or e-mail address.")]


class Role(StrEnum):
    """What somebody may do; docs/reference/permissions.md."""

    user = "user"
    premium = "premium"
    developer = "developer"
    admin = "admin"


@app.command()
def create(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="What the user logs in with.")],
    *,
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.user,
    name: Annotated[str, typer.Option(metavar="NAME", help="What the user is called.")] = "",
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Its first line is the password; - for stdin.",
            show_default="asked for",
        ),
    ] = None,
) -> None:
    """Make an account. The password is asked for, or read from a file."""
    settings = load_settings()
    try:
        normal_email(email)
    except InvalidEmail as error:
        raise CliError(str(error)) from None
    password = read_secret(password_file, prompt="Password", option="--password-file", twice=True)
    try:
        check_password(password, email=email)
    except WeakPassword as error:
        raise CliError(str(error)) from None
    user = User(
        id=new_user_id(),
        email=email.strip(),
        password=_hashed(password, settings),
        role=role.value,
        name=name,
    )
    with account_store(settings) as store:
        try:
            store.users.add(user)
        except EmailTaken:
            raise CliError("There is a user with that e-mail address already.") from None
        store.note("user.created", user.id, role=role.value)
    print(user.id)


@app.command("list")
def list_(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List all accounts, in the order they were made."""
    with account_store(load_settings()) as store:
        found = [_row(user) for user in _all(store)]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(*(_heading(name) for name in found[0]) if found else ())
    for row in found:
        table.add_row(*(_cell(value) for value in row.values()))
    if found:
        PlainConsole().print(table)
    else:
        print("There are no users. `facesocial users create EMAIL --role admin` makes one.")


@app.command()
def suspend(
    user: Name,
    *,
    lift: Annotated[bool, typer.Option("--lift", help="Let the user in again.")] = False,
) -> None:
    """Close an account: its logins end, its keys are refused."""
    with account_store(load_settings()) as store:
        found = store.named(user)
        status: Status = "active" if lift else "suspended"
        _unless_last(lambda: store.users.set_standing(found.id, status=status))
        store.note("user.changed", found.id, status=status)
    print(f"{found.id} {status}")


@app.command()
def role(user: Name, role: Annotated[Role, typer.Argument(metavar="ROLE")]) -> None:
    """Change what a user may do; it counts at once."""
    with account_store(load_settings()) as store:
        found = store.named(user)
        _unless_last(lambda: store.users.set_standing(found.id, role=role.value))
        store.note("user.changed", found.id, role=role.value)
    print(f"{found.id} {role.value}")


@app.command()
def delete(
    user: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Delete an account with its logins, API keys and webhooks, and forget its collections."""
    with account_store(load_settings()) as store:
        found = store.named(user)
        if not yes:
            asked = f"Delete {found.email} ({found.id}) and all people they have enrolled?"
            typer.confirm(asked, abort=True, err=True)
        _unless_last(lambda: store.delete(found.id))
    print(f"{found.id} deleted")


def _unless_last(change: Callable[[], object]) -> None:
    try:
        change()
    except LastAdmin as error:
        raise CliError(str(error)) from None


def _hashed(password: str, settings: Settings) -> str:
    # Comes with the gateway; the other commands work without it.
    from api.accounts.opening import open_passwords  # noqa: PLC0415 - see above

    return open_passwords(settings).hash(password)


def _all(store: AccountStore) -> Iterator[User]:
    after = ""
    while part := store.users.page(limit=_PART, after=after):
        yield from part
        after = part[-1].id


def _row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "status": user.status,
        "second_factor": bool(user.mfa_secret),
        "created_at": timestamp(user.created_ms),
        "last_login": timestamp(user.last_login_ms),
    }


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: object) -> str:
    words = {True: "yes", False: "no", None: "never"}
    return words[value] if isinstance(value, bool | None) else str(value)
