"""`facesocial collections`: whom one knows, and by which rules."""

import json
from typing import Annotated, Any

import typer

from cli.change_of_model import model
from cli.connection import GatewayUrl, connected
from cli.deletions import WaitSeconds, Yes, confirm, tell_deletions
from cli.identity_tables import (
    collection_lines,
    collections_table,
    counted,
    deletion_lines,
    deletions_table,
    settings_table,
)
from cli.people_options import AsJson, CollectionId
from cli.record_tables import show_table
from client import Collection
from client.collection_flows import given

app = typer.Typer(
    help="Create, list, change and delete collections of people.", no_args_is_help=True
)

app.command()(model)

_DAY_SECONDS = 86_400


@app.command("list")
def list_(
    *,
    gateway: GatewayUrl = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List your collections by their ids."""
    with connected(gateway) as client:
        collections = client.collections.list(limit=limit).items
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in collections], indent=2))
    else:
        show_table(collections_table(collections))


@app.command()
def create(
    collection_id: CollectionId,
    *,
    gateway: GatewayUrl = None,
    title: Annotated[str, typer.Option(help="For people to read.")] = "",
    model_name: Annotated[
        str | None,
        typer.Option(
            "--model", help="Another recognition model, or ensemble.", show_default="the default"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a collection; `settings` changes its rules."""
    with connected(gateway) as client:
        made = client.collections.create(collection_id, title=title, model=model_name)
    _tell(made, as_json=as_json)


@app.command()
def show(
    collection_id: CollectionId, *, gateway: GatewayUrl = None, as_json: AsJson = False
) -> None:
    """Show what is in a collection."""
    with connected(gateway) as client:
        _tell(client.collections.get(collection_id), as_json=as_json)


@app.command()
def settings(  # noqa: PLR0913 - each is an option of the command line
    collection_id: CollectionId,
    *,
    gateway: GatewayUrl = None,
    title: Annotated[str | None, typer.Option(help="For people to read.")] = None,
    quality: Annotated[
        str | None,
        typer.Option(metavar="off|standard|strict", help="How good photos for enrolment must be."),
    ] = None,
    thresholds: Annotated[
        str | None,
        typer.Option(
            metavar="preset|calibrated|fixed",
            help="Those of the model, those measured on the collection, or --similarity.",
        ),
    ] = None,
    similarity: Annotated[
        float | None, typer.Option(help="With --thresholds fixed: the similarity, -1 to 1.")
    ] = None,
    far: Annotated[
        float | None, typer.Option(help="Verification: share of strangers taken for a person.")
    ] = None,
    fpir: Annotated[
        float | None, typer.Option(help="Identification: share of strangers who may be named.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Least distance of the best to the second, 0 to 2.")
    ] = None,
    keep_images: Annotated[
        bool | None, typer.Option("--keep-images/--no-keep-images", help="Keep photos, encrypted.")
    ] = None,
    consent_required: Annotated[
        bool | None,
        typer.Option("--consent-required/--no-consent-required", help="No face without consent."),
    ] = None,
    liveness_required: Annotated[
        bool | None,
        typer.Option("--liveness-required/--no-liveness-required", help="Take live faces only."),
    ] = None,
    retention_days: Annotated[
        float | None,
        typer.Option(min=0, help="Forget persons so long after their last face; 0: never."),
    ] = None,
    most_persons: Annotated[int | None, typer.Option(help="Persons it takes.")] = None,
    most_faces: Annotated[int | None, typer.Option(help="Faces of a person it takes.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change the rules that are given, and show all of them."""
    rules = given({"source": thresholds, "far": far, "fpir": fpir, "similarity": similarity})
    changes: dict[str, Any] = given(
        {
            "title": title,
            "quality": quality,
            "thresholds": {**rules, **given({"margin": margin})} or None,
            "keep_images": keep_images,
            "consent_required": consent_required,
            "liveness_required": liveness_required,
            "limits": given({"persons": most_persons, "faces_per_person": most_faces}) or None,
        }
    )
    if retention_days is not None:
        changes["retention_seconds"] = round(retention_days * _DAY_SECONDS) or None
    with connected(gateway) as client:
        if changes:
            collection = client.collections.change(collection_id, **changes)
        else:
            collection = client.collections.get(collection_id)
    if as_json:
        print(collection.model_dump_json(indent=2))
    else:
        show_table(settings_table(collection))


@app.command()
def delete(
    collection_id: CollectionId,
    *,
    gateway: GatewayUrl = None,
    yes: Yes = False,
    wait: WaitSeconds = 0,
    as_json: AsJson = False,
) -> None:
    """Delete a collection with everybody in it. Asks before it does."""
    with connected(gateway) as client:
        if not yes:
            found = client.collections.get(collection_id)
            persons, faces = counted(found.persons, "person"), counted(found.faces, "face")
            confirm(f"Forget '{found.id}' with {persons} and {faces}?", yes=yes)
        deletion = client.collections.delete(collection_id)
        tell_deletions(client, [deletion], wait_seconds=wait, as_json=as_json)


@app.command()
def certificates(
    deletion_id: Annotated[
        str | None, typer.Argument(metavar="DELETION", help="Only this one.")
    ] = None,
    *,
    gateway: GatewayUrl = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the certificates of what was deleted, latest first."""
    with connected(gateway) as client:
        if deletion_id is None:
            deletions = client.collections.deletions(limit=limit).items
        else:
            deletions = (client.collections.deletion(deletion_id),)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in deletions], indent=2))
    elif deletion_id is None:
        show_table(deletions_table(deletions))
    else:
        print("\n".join(deletion_lines(deletions[0])))


def _tell(collection: Collection, *, as_json: bool) -> None:
    if as_json:
        print(collection.model_dump_json(indent=2))
    else:
        print("\n".join(collection_lines(collection)))
