"""`facesocial people export` and `import`: embeddings with their persons, as lines of JSON."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.bars import byte_bar
from cli.connection import GatewayUrl, connected
from cli.errors import CliError
from cli.identity_tables import counted
from cli.outcomes import WrongOption
from cli.people_options import AsJson, InCollection
from client import Imported
from client.collection_flows import DEFAULT_COLLECTION


class LinesRejected(CliError):
    """Lines of the file were not taken."""


def export(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write.")],
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    person: Annotated[
        str | None,
        typer.Option(metavar="PERSON", help="All of this one person instead, as a ZIP file."),
    ] = None,
) -> None:
    """Write people with their embeddings to a file, or all that is stored of one."""
    with (
        writable(target),
        connected(gateway) as client,
        byte_bar("fetching") as progress,
    ):
        if person is None:
            client.collections.export(target, collection=collection, progress=progress)
        else:
            client.people.export(person, target, collection=collection, progress=progress)
    print(target)


def load(
    source: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    create_persons: Annotated[
        bool, typer.Option(help="Make persons who are not there; else their lines are refused.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Read a file that `export` wrote, or embeddings from elsewhere."""
    with connected(gateway) as client, byte_bar("sending") as progress:
        imported = client.collections.load(
            source, collection=collection, create_persons=create_persons, progress=progress
        )
    print(imported.model_dump_json(indent=2) if as_json else _imported_line(imported))
    if imported.rejected:
        for rejection in imported.rejections if not as_json else ():
            print(f"line {rejection.line}: {rejection.message}", file=sys.stderr)
        raise LinesRejected(f"{imported.rejected} of {imported.lines} lines were not taken.")


def _imported_line(imported: Imported) -> str:
    """What became of an import, in a sentence."""
    persons, faces = imported.persons, imported.faces
    told = f"{counted(faces.added, 'face')} added"
    if faces.known or faces.duplicate:
        told += f", {faces.known + faces.duplicate} were there"
    if faces.full:
        told += f", {faces.full} too many of one person"
    return f"{told}; {counted(persons.added, 'person')} made, {persons.known} were there."


@contextmanager
def writable(target: Path) -> Iterator[None]:
    """For the time of the context a file that can't be written is a wrong option.

    Raises:
        WrongOption: it can't.
    """
    try:
        yield
    except OSError as error:
        raise WrongOption(f"{target} can't be written: {error.strerror}.") from None
