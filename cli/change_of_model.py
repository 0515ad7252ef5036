"""`facesocial collections model`: the same people, known by another model."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.bars import counted_bar
from cli.connection import GatewayUrl, connected
from cli.errors import CliError
from cli.identity_tables import counted
from cli.people_options import AsJson, CollectionId
from cli.record_tables import plain_table, show_table
from cli.watch import LONGEST_SECONDS
from client import Client, Job

#: How often it is looked at.
LOOK_SECONDS = 1.0


class ModelKept(CliError):
    """Faces can't be embedded anew, so nothing was changed."""


def model(
    collection_id: CollectionId,
    name: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="The new one.", show_default="the default"),
    ] = None,
    *,
    gateway: GatewayUrl = None,
    drop_without_image: Annotated[
        bool,
        typer.Option("--drop-without-image", help="Forget faces that can't be embedded anew."),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="End a change that is under way instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Embed a collection's kept photos by another model; the old embeddings count until the end."""
    with connected(gateway) as client:
        if keep:
            kept = client.collections.keep_model(collection_id)
            print(kept.model_dump_json(indent=2) if as_json else f"{kept.id} keeps its model.")
            return
        job = client.collections.change_model(
            collection_id, model=name, drop_without_image=drop_without_image
        )
        result = _followed(client, collection_id, job).result or {}
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        _tell(result)
    if not result["switched"]:
        raise ModelKept(
            f"{counted(result['unembeddable'], 'face')} can't be embedded anew, so nothing was "
            "changed. Enrol new photos of them, or forget them by --drop-without-image."
        )


def _followed(client: Client, collection_id: str, job: Job) -> Job:
    """The job, succeeded; a bar of faces on stderr until then."""
    is_shown = sys.stderr.isatty()
    with counted_bar("faces") as tell:
        while is_shown and not (job := client.jobs.get(job.id)).has_ended:
            seen = client.collections.get(collection_id)
            tell(seen.reembedding.done if seen.reembedding else 0, seen.faces)
            time.sleep(LOOK_SECONDS)
        return client.wait(job, timeout_seconds=LONGEST_SECONDS)


def _tell(result: Mapping[str, Any]) -> None:
    if result["to_enroll"]:
        table = plain_table("person", "face", "why not")
        for face in result["to_enroll"]:
            table.add_row(face["person_id"], face["face_id"], face["reason"])
        show_table(table)
    if result["switched"]:
        told = f"{result['collection']}: {counted(result['faces'], 'face')} by {result['model']}"
        print(f"{told}, {result['dropped']} forgotten." if result["dropped"] else f"{told}.")
