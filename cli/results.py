"""`facesocial results`: what a job or a batch found, as lines of JSON."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from cli.connection import GatewayUrl, connected
from client import Client


def results(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Of a job or a batch.")],
    *,
    gateway: GatewayUrl = None,
    state: Annotated[
        str | None, typer.Option(help="Only items in this state, e.g. failed.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there instead of printing.")
    ] = None,
) -> None:
    """Write the results of a job or batch as lines of JSON."""
    with connected(gateway) as client, ExitStack() as opened:
        file: TextIO = sys.stdout
        if out is not None:
            file = opened.enter_context(out.open("w", encoding="utf-8"))
        for line in lines_of(client, id_, state):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def lines_of(client: Client, id_: str, state: str | None) -> Iterator[dict[str, Any]]:
    """A job, or the items of a batch by number; `state`: only items in it."""
    if not id_.startswith("batch_"):
        yield client.jobs.get(id_).model_dump(mode="json")
        return
    for item in client.batches.results(id_, state=state):
        yield item.model_dump(mode="json")
