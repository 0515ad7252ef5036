"""`facesocial batch`: many photos at once."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.bars import byte_bar
from cli.connection import GatewayUrl, connected
from cli.record_tables import batch_line, batches_table, show_table
from cli.watch import end_of, follow
from client import Batch, Client

app = typer.Typer(help="Analyse many photos at once.", no_args_is_help=True)

BatchId = Annotated[str, typer.Argument(metavar="BATCH", help="Its id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def submit(
    source: Annotated[Path, typer.Argument(help="A folder, or a ZIP or TAR file.")],
    *,
    gateway: GatewayUrl = None,
    analyses: Annotated[
        str | None, typer.Option(help="With commas between, or all.", show_default="the gateway's")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to find it by; repeatable.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the end.")] = True,
    as_json: AsJson = False,
) -> None:
    """Send a folder or an archive as one batch; wait for its end, or print its id."""
    with connected(gateway) as client:
        batch = _send(client, source, analyses=analyses, tags=tag or None)
        if wait:
            end_of(follow(client, batch), as_json=as_json)
            return
    _tell(batch, as_json=as_json)


@app.command("list")
def list_(
    *,
    gateway: GatewayUrl = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    as_json: AsJson = False,
) -> None:
    """List one's batches, newest first."""
    with connected(gateway) as client:
        batches = client.batches.list(limit=limit).items
    if as_json:
        print(json.dumps([batch.model_dump(mode="json") for batch in batches], indent=2))
    else:
        show_table(batches_table(batches))


@app.command()
def status(batch_id: BatchId, *, gateway: GatewayUrl = None, as_json: AsJson = False) -> None:
    """Tell how a batch stands."""
    with connected(gateway) as client:
        _tell(client.batches.get(batch_id), as_json=as_json)


@app.command()
def cancel(batch_id: BatchId, *, gateway: GatewayUrl = None, as_json: AsJson = False) -> None:
    """End a batch; what is done stays."""
    with connected(gateway) as client:
        _tell(client.batches.cancel(batch_id), as_json=as_json)


@app.command()
def retry(batch_id: BatchId, *, gateway: GatewayUrl = None, as_json: AsJson = False) -> None:
    """Try the failed items of a batch again."""
    with connected(gateway) as client:
        _tell(client.batches.retry(batch_id), as_json=as_json)


def _send(client: Client, source: Path, **options: Any) -> Batch:  # noqa: ANN401 - as the client takes them
    with byte_bar("sending") as progress:
        return client.batches.submit(source, progress=progress, **options)


def _tell(batch: Batch, *, as_json: bool) -> None:
    print(json.dumps(batch.model_dump(mode="json"), indent=2) if as_json else batch_line(batch))
