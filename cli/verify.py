"""`facesocial verify`: are the faces of two photos one person's?"""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.command_logs import log_to_stderr
from cli.errors import CliError
from cli.plain_console import PlainConsole
from workers.settings.process import load_settings


class PhotoUnreadable(CliError):
    """A photo can't be read."""


def verify(
    first: Annotated[Path, typer.Argument(help="A photo.")],
    second: Annotated[Path, typer.Argument(help="Another photo.")],
    far: Annotated[
        float, typer.Option(help="False accept rate: share of strangers taken for one person.")
    ] = 1e-3,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another recognition model, or ensemble.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare two photos without a server: the same person?

    The largest face of each counts, at a stated false accept rate.
    """
    log_to_stderr("error")
    # Other commands need no inference libraries, which take a second to import.
    from cli.in_process import open_residency  # noqa: PLC0415 - see above
    from workers.photos.comparison import FaceComparison  # noqa: PLC0415 - see above

    settings = load_settings()
    comparison = FaceComparison(open_residency(settings), max_pixels=settings.max_image_pixels)
    answer = comparison.compare(_read(first), _read(second), far=far, model=model)
    if as_json:
        print(json.dumps(answer.model_dump(mode="json", exclude_unset=True), indent=2))
        return
    table = Table("false accept rate", "similarity from", "true accept rate", "match")
    for point in answer.thresholds:
        table.add_row(
            f"{point.far:g}",
            f"{point.similarity:.3f}",
            f"{point.tar:.4f}",
            "yes" if answer.similarity >= point.similarity else "no",
        )
    word = "One person" if answer.is_match else "Two persons"
    console = PlainConsole()
    console.print(f"{word}: similarity {answer.similarity:.3f} (cosine), at FAR {far:g}.")
    console.print(table)
    console.print(f"{answer.model}; thresholds from {answer.origin}", soft_wrap=True)


def _read(photo: Path) -> bytes:
    try:
        return photo.read_bytes()
    except OSError as error:
        raise PhotoUnreadable(f"{photo} can't be read: {error.strerror}.") from None
