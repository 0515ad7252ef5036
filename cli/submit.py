"""`facesocial submit`: photos to a gateway, and what it found."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.annotate import annotate, picture_names
from cli.connection import GatewayUrl, connected
from cli.errors import CliError
from cli.outcomes import Outcome, make_folder, photo_bar, show_outcomes
from cli.plain_console import PlainConsole
from client import (
    AuthenticationFailed,
    Client,
    ClientError,
    GatewayAway,
    Job,
    NotAllowed,
    NotFound,
)

#: How many photos are on their way at a time: the workers batch them, the gateway is not flooded.
IN_FLIGHT = 32


class PhotosFailed(CliError):
    """Photos could not be analysed."""


def submit(  # noqa: PLR0913 - each is an option of the command line
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO...", help="JPEG, PNG or WebP files.")
    ],
    *,
    gateway: GatewayUrl = None,
    analyses: Annotated[
        str | None, typer.Option(help="With commas between, or all.", show_default="the gateway's")
    ] = None,
    max_faces: Annotated[int | None, typer.Option(help="Largest faces kept.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to find it by; repeatable.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw the faces on copies in this folder.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the results.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Send photos to a gateway and show what it finds."""
    options = {"analyses": analyses, "max_faces": max_faces, "tags": tag or None}
    if pictures is not None:
        make_folder(pictures)
    with connected(gateway) as client:
        if not wait:
            _print_ids([client.analyze(photo, **options) for photo in photos], as_json=as_json)
            return
        outcomes = outcomes_of(client, photos, options)
    if pictures is not None:
        for photo, outcome, name in zip(photos, outcomes, picture_names(photos), strict=True):
            if "result" in outcome:
                annotate(photo, outcome["result"], pictures / name)
    if as_json:
        print(json.dumps(outcomes, indent=2))
    else:
        show_outcomes(outcomes, PlainConsole())
    if failed := [outcome for outcome in outcomes if "error" in outcome]:
        raise PhotosFailed(f"{len(failed)} of {len(photos)} photos could not be analysed.")


def outcomes_of(
    client: Client, photos: Sequence[Path], options: Mapping[str, Any]
) -> list[Outcome]:
    """Each photo's analysis or error."""
    return outcomes_by(client, photos, lambda photo: client.analyze(photo, **options))


def outcomes_by(
    client: Client, photos: Sequence[Path], send: Callable[[Path], Job]
) -> list[Outcome]:
    """Each photo's result or error; some are sent ahead, so that workers need not wait for us.

    Args:
        client: Waits for the jobs.
        photos: What to send.
        send: Sends one.

    Raises:
        ClientError: the gateway refused a photo for what all others would be refused for too, or
            did not answer from the start.
    """
    outcomes: list[Outcome] = []
    sent: list[Job | ClientError | OSError] = []
    with photo_bar(len(photos)) as advance:
        for place, photo in enumerate(photos):
            while len(sent) < min(len(photos), place + IN_FLIGHT):
                sent.append(_sent(photos[len(sent)], send))
                if isinstance(sent[0], GatewayAway):
                    raise sent[0]
            outcomes.append(_outcome(client, photo, sent[place]))
            advance()
    return outcomes


def _sent(photo: Path, send: Callable[[Path], Job]) -> Job | ClientError | OSError:
    try:
        return send(photo)
    except (AuthenticationFailed, NotAllowed, NotFound):
        raise
    except (ClientError, OSError) as error:
        return error


def _outcome(client: Client, photo: Path, sent: Job | ClientError | OSError) -> Outcome:
    try:
        if not isinstance(sent, Job):
            raise sent
        job = client.wait(sent)
    except (ClientError, OSError) as error:
        code = getattr(error, "code", "") or type(error).__name__
        return {"file": str(photo), "error": {"code": code, "message": str(error)}}
    return {"file": str(photo), "job": job.id, "result": job.result}


def _print_ids(jobs: Sequence[Job], *, as_json: bool) -> None:
    ids = [job.id for job in jobs]
    print(json.dumps(ids, indent=2) if as_json else "\n".join(ids))
