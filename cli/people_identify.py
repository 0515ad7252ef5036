"""`facesocial people identify` and `verify`: who is in a photo, and is it who they say?"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.annotate import annotate, picture_names
from cli.connection import GatewayUrl, connected
from cli.identity_tables import identified_line, identified_table, verified_lines
from cli.outcomes import make_folder
from cli.people_enroll import photos_of
from cli.people_options import AsJson, InCollection, PersonId, Require
from cli.record_tables import show_table
from cli.submit import PhotosFailed, outcomes_by
from client.collection_flows import DEFAULT_COLLECTION

#: Time for one photo.
JOB_SECONDS = 300


def identify(  # noqa: PLR0913 - each is an option of the command line
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO|FOLDER...", help="All faces in them are looked at."),
    ],
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    fpir: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of strangers who may be named.",
            show_default="the collection's own",
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=-1, max=1, help="A similarity to use instead, -1 to 1.")
    ] = None,
    candidates: Annotated[
        int | None, typer.Option(min=1, max=50, help="How many people to list for each face.")
    ] = None,
    max_faces: Annotated[
        int | None, typer.Option(min=1, help="How many faces to look at, the largest first.")
    ] = None,
    require: Require = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write copies with the names drawn on them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find out who is in photos.

    Nobody is named below the threshold.
    """
    photos = photos_of(sources)
    options: dict[str, Any] = {
        "fpir": fpir,
        "threshold": threshold,
        "candidates": candidates,
        "max_faces": max_faces,
        "require": require or None,
    }
    if pictures is not None:
        make_folder(pictures)
    with connected(gateway) as client:
        outcomes = outcomes_by(
            client,
            photos,
            lambda photo: client.people.identify(photo, collection=collection, **options),
        )
    results = [outcome["result"] for outcome in outcomes if "result" in outcome]
    if pictures is not None:
        for photo, outcome, name in zip(photos, outcomes, picture_names(photos), strict=True):
            if "result" in outcome:
                annotate(photo, outcome["result"], pictures / name)
    if as_json:
        print(json.dumps(outcomes, indent=2))
    else:
        show_table(identified_table(outcomes))
        for line in dict.fromkeys(identified_line(result) for result in results):
            print(line)
    if len(results) < len(outcomes):
        failed = len(outcomes) - len(results)
        raise PhotosFailed(f"{failed} of {len(outcomes)} photos could not be looked at.")


def verify(  # noqa: PLR0913 - each is an option of the command line
    person_id: PersonId,
    photo: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Its largest face counts.")
    ],
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    far: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of strangers taken for the person.",
            show_default="the collection's own",
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=-1, max=1, help="A similarity to use instead, -1 to 1.")
    ] = None,
    require: Require = None,
    as_json: AsJson = False,
) -> None:
    """Check whether a photo shows a known person."""
    options: dict[str, Any] = {"far": far, "threshold": threshold, "require": require or None}
    with connected(gateway) as client:
        sent = client.people.verify(person_id, photo, collection=collection, **options)
        result = client.wait(sent, timeout_seconds=JOB_SECONDS).result or {}
    print(json.dumps(result, indent=2) if as_json else "\n".join(verified_lines(result)))
