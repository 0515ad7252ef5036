"""What photos gave, as tables and bars: the same for commands with and without a server."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from cli.errors import CliError
from cli.face_table import FACE_HEADINGS, face_cells
from cli.plain_console import PlainConsole

#: What a photo gave: its file, and a result or an error.
Outcome = dict[str, Any]


class WrongOption(CliError):
    """An option's value is wrong."""


def make_folder(pictures: Path) -> None:
    """The folder for annotated pictures.

    Raises:
        WrongOption: it can't be made.
    """
    try:
        pictures.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongOption(f"--pictures: {pictures} can't be used: {error.strerror}.") from None


@contextmanager
def photo_bar(total: int) -> Iterator[Callable[[], None]]:
    """A bar of photos on stderr; silent for one photo, and where that is no terminal."""
    hidden = total == 1 or not sys.stderr.isatty()
    with Progress(console=PlainConsole(stderr=True), disable=hidden) as progress:
        task = progress.add_task("photos", total=total)
        yield lambda: progress.advance(task)


def show_outcomes(outcomes: Sequence[Outcome], console: Console) -> None:
    """A table of the faces of photos, then what could not be analysed."""
    table = Table()
    for heading in ("photo", *FACE_HEADINGS):
        table.add_column(heading)
    for outcome in outcomes:
        name = Path(outcome["file"]).stem
        if "error" in outcome:
            table.add_row(name, outcome["error"]["message"])
            continue
        faces = outcome["result"]["faces"]
        if not faces:
            table.add_row(name, "no face")
        for face in faces:
            table.add_row(name, *face_cells(face))
    console.print(table)
    for outcome in outcomes:
        for analysis, reason in outcome.get("result", {}).get("unavailable", {}).items():
            console.print(f"{analysis}: {reason['message']}", soft_wrap=True)
