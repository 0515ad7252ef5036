"""`facesocial video`: is a video manipulated? Judged in this process, without a server."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from cli.command_logs import log_to_stderr
from cli.plain_console import PlainConsole
from workers.settings.process import load_settings


def video(
    file: Annotated[Path, typer.Argument(help="An MP4, MOV, WebM or AVI file.")],
    limit_seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.1, help="Look only at the beginning."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another deepfake model than the default.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Judge whether the faces in a video look manipulated.

    Each person is authentic, manipulated, or inconclusive.
    """
    log_to_stderr("error")
    # Other commands need no inference libraries, which take a second to import.
    from cli.in_process import open_residency  # noqa: PLC0415 - see above
    from cli.video_report import show  # noqa: PLC0415 - see above
    from models.video.reader import VideoReader  # noqa: PLC0415 - see above
    from workers.videos.answer import video_answer  # noqa: PLC0415 - see above
    from workers.videos.models import video_detector  # noqa: PLC0415 - see above

    # A file that is no video is refused now, not after the models are loaded.
    VideoReader(file).close()
    with video_detector(open_residency(load_settings()), model=model) as using:
        with _progress() as tick:
            verdict = using.detector.judge(file, until_seconds=limit_seconds, tick=tick)
        answer = video_answer(verdict, models=using.models)
    if as_json:
        body = {"file": str(file), **answer.model_dump(mode="json", exclude_unset=True)}
        print(json.dumps(body, indent=2))
    else:
        show(PlainConsole(), file, verdict)


@contextmanager
def _progress() -> Iterator[Callable[[float, float], None]]:
    """A bar on stderr; silent where that is no terminal."""
    with Progress(console=PlainConsole(stderr=True), disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task("Looking", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
        bars.update(task, completed=1, total=1)
