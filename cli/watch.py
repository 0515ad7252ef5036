"""`facesocial watch`: a job or a batch, until it ends."""

import json
import sys
from typing import Annotated

import typer

from cli.bars import counted_bar
from cli.connection import GatewayUrl, connected
from cli.errors import CliError
from cli.record_tables import batch_line
from client import Batch, Client

#: A batch of days is watched too.
LONGEST_SECONDS = 30 * 86_400.0


class NotAllSucceeded(CliError):
    """Items of the batch failed or were cancelled."""


def watch(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Of a job or a batch.")],
    *,
    gateway: GatewayUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what it ended as.")] = False,
) -> None:
    """Follow a job or batch until it ends; exit 1 unless all succeeded."""
    with connected(gateway) as client:
        if id_.startswith("batch_"):
            end_of(follow(client, client.batches.get(id_)), as_json=as_json)
            return
        job = client.wait(id_, timeout_seconds=LONGEST_SECONDS)
    print(job.model_dump_json(indent=2) if as_json else f"{job.id} {job.state}")


def follow(client: Client, batch: Batch) -> Batch:
    """Show a batch's progress on stderr until it ends, or say that it goes on when interrupted."""
    try:
        with counted_bar(batch.id) as tell:
            return client.batches.wait(
                batch,
                timeout_seconds=LONGEST_SECONDS,
                on_look=lambda seen: tell(seen.counts.ended, seen.counts.total),
            )
    except KeyboardInterrupt:
        print(
            f"{batch.id} goes on. `facesocial watch {batch.id}` follows it again, "
            f"`facesocial batch cancel {batch.id}` ends it.",
            file=sys.stderr,
        )
        raise


def end_of(batch: Batch, *, as_json: bool) -> None:
    """Print how a batch ended.

    Raises:
        NotAllSucceeded: items of it did not.
    """
    print(json.dumps(batch.model_dump(mode="json"), indent=2) if as_json else batch_line(batch))
    if batch.state != "succeeded":
        raise NotAllSucceeded(
            f"{batch.counts.failed} items failed, {batch.counts.cancelled} were cancelled. "
            f"`facesocial results {batch.id}` tells why, `facesocial batch retry` tries again."
        )
