"""`facesocial keys`: one's API keys at a gateway."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.connection import GatewayUrl, connected
from cli.plain_console import PlainConsole

app = typer.Typer(help="Make, list, rotate and revoke API keys.", no_args_is_help=True)

_DAY_SECONDS = 86_400
#: As many columns as the longest row takes where nothing is shown to a person.
_FILE_COLUMNS = 160

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Its id: key_ and 32 digits.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One's own word for it.")],
    *,
    gateway: GatewayUrl = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RIGHT",
            help="A right it gets; repeatable.",
            show_default="one's own, but for those over accounts and models",
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help="How long it is good for.", show_default="for ever"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: it is shown this once."""
    body: dict[str, Any] = {"name": name}
    if scope:
        body["scopes"] = scope
    if days is not None:
        body["expires_in_seconds"] = days * _DAY_SECONDS
    with connected(gateway) as client:
        made = client.call("POST", "/api/v1/keys", json=body)
    _show_secret(made, as_json=as_json)


@app.command("list")
def list_(*, gateway: GatewayUrl = None, as_json: AsJson = False) -> None:
    """List one's keys, newest first."""
    with connected(gateway) as client:
        keys = client.call("GET", "/api/v1/keys")["items"]
    if as_json:
        print(json.dumps(keys, indent=2))
        return
    console = PlainConsole()
    if not console.is_terminal:
        console.width = _FILE_COLUMNS
    console.print(keys_table(keys))


@app.command()
def rotate(
    key_id: KeyId,
    *,
    gateway: GatewayUrl = None,
    overlap: Annotated[
        int,
        typer.Option(
            metavar="SECONDS", min=0, max=7 * _DAY_SECONDS, help="How long the old one still works."
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Replace a key by a new one with the same id and rights, and print it."""
    with connected(gateway) as client:
        made = client.call(
            "POST", f"/api/v1/keys/{key_id}/rotate", json={"overlap_seconds": overlap}
        )
    _show_secret(made, as_json=as_json)


@app.command()
def revoke(key_id: KeyId, *, gateway: GatewayUrl = None) -> None:
    """End a key at once and for good."""
    with connected(gateway) as client:
        client.call("DELETE", f"/api/v1/keys/{key_id}")
    print(f"{key_id} revoked")


def keys_table(keys: Sequence[dict[str, Any]]) -> Table:
    """Keys as the gateway tells them, a row each."""
    table = Table(box=None)
    for heading in ("key", "name", "state", "ends in", "rights", "last used", "expires"):
        table.add_column(heading, no_wrap=heading == "key", overflow="fold")
    for key in keys:
        table.add_row(
            key["id"],
            key["name"],
            key["state"],
            key["hint"],
            ", ".join(key["scopes"]),
            _day(key["last_used_at"]) or "never",
            _day(key["expires_at"]) or "never",
        )
    return table


def _day(time: str | None) -> str:
    return (time or "")[:10]


def _show_secret(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(made, indent=2))
        return
    # The key alone on standard output, for `KEY=$(facesocial keys create …)`.
    print(made["key"])
    rights = ", ".join(made["scopes"])
    print(f"{made['id']} may: {rights}. The key is not shown again.", file=sys.stderr)
