"""Before something is forgotten, and what is told of it afterwards."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.errors import CliError
from cli.identity_tables import deletion_lines
from cli.plain_console import PlainConsole
from client import Client, Deletion

#: How often a certificate is looked at.
LOOK_SECONDS = 0.5

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
WaitSeconds = Annotated[
    float,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0,
        help="Wait so long until backups and memory are clear of them, too.",
    ),
]


class NotYetForgotten(CliError):
    """Copies can still be read; it goes on."""


def confirm(question: str, *, yes: bool) -> None:
    """Ask on standard error.

    Raises:
        typer.Abort: the answer is no, or nobody is there to answer.
    """
    if not yes:
        typer.confirm(question, abort=True, err=True)


def tell_deletions(
    client: Client, deletions: Sequence[Deletion], *, wait_seconds: float, as_json: bool
) -> None:
    """Print certificates, once all is forgotten or the time is over.

    Raises:
        NotYetForgotten: a wait was asked for and was not long enough.
    """
    seen = _forgotten(client, deletions, wait_seconds) if wait_seconds else list(deletions)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in seen], indent=2))
    else:
        for one in seen:
            print("\n".join(deletion_lines(one)))
    if wait_seconds and (left := [one.id for one in seen if not one.is_forgotten]):
        raise NotYetForgotten(
            f"Not all is done after {wait_seconds:g} s, and it goes on: "
            f"`facesocial collections certificates {left[0]}` tells how it stands."
        )


def _forgotten(
    client: Client, deletions: Sequence[Deletion], wait_seconds: float
) -> list[Deletion]:
    """The certificates as they stand when all is forgotten, or the time is over."""
    deadline = time.monotonic() + wait_seconds
    seen = list(deletions)
    console = PlainConsole(stderr=True, quiet=not sys.stderr.isatty())
    with console.status("waiting until every copy is gone"):
        while any(not one.is_forgotten for one in seen) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            seen = [
                one if one.is_forgotten else client.collections.deletion(one.id) for one in seen
            ]
    return seen
