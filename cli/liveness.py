"""`facesocial liveness`: is the face in several pictures a person's?"""

import json
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.table import Table

from cli.errors import CliError
from cli.plain_console import PlainConsole
from workers.settings.process import load_settings

#: Motion is between pictures.
FEWEST = 2


class FramesUnusable(CliError):
    """The pictures can't be used."""


def liveness(
    frames: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO...", help="Two or more photos of one face, oldest first."),
    ],
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="One model; all installed ones otherwise.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Judge from several photos whether a face is live."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger("error"),
    )
    if len(frames) < FEWEST:
        raise FramesUnusable("Give two photos at least; one is what `facesocial analyze` judges.")
    # Other commands need no inference libraries, which take a second to import.
    from cli.in_process import open_residency  # noqa: PLC0415 - see above
    from workers.photos.sequence import FrameLiveness  # noqa: PLC0415 - see above

    settings = load_settings()
    judge = FrameLiveness(
        open_residency(settings),
        max_pixels=settings.max_image_pixels,
        cpu_policy=settings.anti_spoofing_cpu,
    )
    answer = judge.judge([_read(photo) for photo in frames], model=model)
    if as_json:
        print(json.dumps(answer.model_dump(mode="json", exclude_unset=True), indent=2))
        return
    console = PlainConsole()
    reasons = f" ({', '.join(answer.reasons)})" if answer.reasons else ""
    console.print(
        f"{answer.outcome}{reasons}: confidence {answer.confidence:.2f}, live from"
        f" {answer.threshold:.2f}; motion {answer.motion.displacement:.3f} of the face's size."
    )
    table = Table("photo", "outcome", "score", "reasons")
    for photo, frame in zip(frames[-len(answer.frames) :], answer.frames, strict=True):
        table.add_row(photo.name, frame.outcome, f"{frame.score:.2f}", ", ".join(frame.reasons))
    console.print(table)


def _read(photo: Path) -> bytes:
    try:
        return photo.read_bytes()
    except OSError as error:
        raise FramesUnusable(f"{photo} can't be read: {error.strerror}.") from None
