"""`facesocial people enroll`: photos of one person, or a folder of many."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.bars import byte_bar
from cli.connection import GatewayUrl, connected
from cli.enrolment_tables import (
    conflicts_table,
    photos_table,
    refused_table,
    report_lines,
)
from cli.errors import CliError
from cli.identity_tables import counted
from cli.outcomes import WrongOption
from cli.people_one import Result, enrolled
from cli.people_options import AsJson, InCollection, Require
from cli.people_transfer import writable
from cli.record_tables import show_table
from cli.watch import follow
from client import Client, EnrollmentReport
from client.archives import photos_in
from client.collection_flows import DEFAULT_COLLECTION

#: Suffixes of what may come instead of a folder.
ARCHIVES = frozenset({".zip", ".tar"})


class PhotosRefused(CliError):
    """Photos were not enrolled."""


def enroll(  # noqa: PLR0913 - each is an option of the command line
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER|PHOTO...",
            exists=True,
            help="A folder that has a folder of photos for each person, or an archive of one; with "
            "--person: photos of that person.",
        ),
    ],
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    person: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose photos they are; made if new.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="With --person: what to call them.")] = None,
    external_id: Annotated[
        str | None, typer.Option(help="With --person: their key in another system.")
    ] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="With --person; repeatable.")
    ] = None,
    consent: Annotated[
        str | None,
        typer.Option(metavar="PURPOSE", help="With --person: what they have just agreed to."),
    ] = None,
    face: Annotated[
        str | None,
        typer.Option(
            metavar="only|largest|center",
            help="Which face counts in a photo with several.",
            show_default="only: such photos are refused",
        ),
    ] = None,
    require: Require = None,
    as_json: AsJson = False,
) -> None:
    """Enrol people with photos of them.

    Photos that are no good are listed with the reason; the others count all the same.
    """
    described = {
        "name": name,
        "external_id": external_id,
        "metadata": metadata_of(metadata or ()),
        "consent": consent_of(consent),
    }
    options: dict[str, Any] = {"face": face, "require": require or None}
    with connected(gateway) as client:
        if person is not None:
            photos = photos_of(sources)
            options = {**options, **described, "create_person": True}
            results = enrolled(client, person, photos, options, collection)
            _tell_results(person, results, as_json=as_json)
        else:
            _require_folder(sources, described)
            _tell_report(
                _enrolled_in_bulk(client, sources[0], options, collection), as_json=as_json
            )


def report(
    batch_id: Annotated[str, typer.Argument(metavar="BATCH", help="As `enroll` tells it.")],
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a row for each photo there, too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how the enrolment of a folder of people stands."""
    with connected(gateway) as client:
        found = client.collections.report(batch_id, collection=collection)
        if csv is not None:
            with writable(csv):
                client.collections.report_table(batch_id, csv, collection=collection)
    _tell_report(found, as_json=as_json)


def photos_of(sources: Sequence[Path]) -> list[Path]:
    """Photos that were named, and those in folders that were, in order of their names.

    Raises:
        WrongOption: there are none.
    """
    photos = [
        path
        for source in sources
        for path in (
            [Path(source, photo.name) for photo in photos_in(source)]
            if source.is_dir()
            else [source]
        )
    ]
    if not photos:
        where = ", ".join(map(str, sources))
        raise WrongOption(f"There is no photo in {where}: no JPEG, PNG or WebP file.")
    return photos


def metadata_of(pairs: Sequence[str]) -> Mapping[str, str] | None:
    """Metadata as it was typed.

    Raises:
        WrongOption: a pair has no "=".
    """
    for pair in pairs:
        if "=" not in pair:
            raise WrongOption(f"--metadata: '{pair}' is not KEY=VALUE.")
    return dict(pair.split("=", 1) for pair in pairs) or None


def consent_of(purpose: str | None) -> Mapping[str, str] | None:
    """A consent record of this moment."""
    if purpose is None:
        return None
    return {"purpose": purpose, "given_at": datetime.now(UTC).isoformat(timespec="seconds")}


def _require_folder(sources: Sequence[Path], described: Mapping[str, object]) -> None:
    if len(sources) != 1 or not (sources[0].is_dir() or sources[0].suffix.lower() in ARCHIVES):
        raise WrongOption(
            "Without --person give one folder, which has a folder of photos for each person, or "
            "a ZIP or TAR file like it."
        )
    if given := [name for name, value in described.items() if value is not None]:
        raise WrongOption(
            f"--{given[0].replace('_', '-')} is of one person: give --person, or a manifest.csv "
            "in the folder for many."
        )


def _enrolled_in_bulk(
    client: Client, source: Path, options: Mapping[str, Any], collection: str
) -> EnrollmentReport:
    with byte_bar("sending") as progress:
        batch = client.collections.enroll(
            source, collection=collection, progress=progress, **options
        )
    follow(client, batch)
    return client.collections.report(batch.id, collection=collection)


def _tell_results(person: str, told: Iterator[Result], *, as_json: bool) -> None:
    results = list(told)
    refused = sum(result["refused"] for result in results)
    photos = [photo for result in results for photo in result["photos"]]
    if as_json:
        print(json.dumps(results, indent=2))
    else:
        if remarkable := [photo for photo in photos if photo["reasons"] or photo["warnings"]]:
            show_table(photos_table(remarkable))
        line = f"{person}: {len(photos) - refused} of {len(photos)} photos are good"
        known = [result["person_faces"] for result in results if "person_faces" in result]
        print(f"{line}; known by {counted(known[-1], 'face')} now." if known else f"{line}.")
    if refused:
        raise PhotosRefused(f"{refused} of {len(photos)} photos were not enrolled.")


def _tell_report(report: EnrollmentReport, *, as_json: bool) -> None:
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        if report.refused:
            show_table(refused_table(report.refused))
        if report.conflicts:
            show_table(conflicts_table(report.conflicts))
        print("\n".join(report_lines(report)))
    missing = report.photos.total - report.photos.enrolled - report.photos.duplicate
    if missing:
        raise PhotosRefused(f"{missing} of {report.photos.total} photos were not enrolled.")
