"""How the commands of `facesocial evaluate` are asked and how they answer."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.plain_console import PlainConsole
from client import ClientError
from models.errors import EvaluationUnavailable, ModelsError
from workers.errors import SettingsError

if TYPE_CHECKING:
    from models.evaluation.report import Figure, Report

#: Top-level modules of the extra `evaluation`.
_EXTRA = {"sklearn", "scipy", "matplotlib"}

Data = Annotated[Path, typer.Option("--data", help="Folder of the labelled set.")]
Model = Annotated[str, typer.Option("--model", help="Model by id or alias, or `ensemble`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one line for each model.")]
Plots = Annotated[Path | None, typer.Option("--plots", help="Write PNG plots to this folder.")]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Only so many items, evenly spread.")
]
Detector = Annotated[
    str | None, typer.Option("--detector", help="What finds the faces; the default detector.")
]


def show(reports: "Sequence[Report]", *, plots: Path | None, as_json: bool) -> None:
    """Print reports as tables or as JSON, and draw their curves."""
    written: list[Path] = []
    if plots is not None:
        from models.evaluation.plots import write_plots  # noqa: PLC0415 - slow to import

        written = write_plots(reports, plots)
    console = PlainConsole()
    for report in reports:
        if as_json:
            print(json.dumps(asdict(report)))
        else:
            _print_tables(console, report)
    for path in written:
        print(path, file=sys.stderr)


def _print_tables(console: Console, report: "Report") -> None:
    counted = ", ".join(f"{count} {what}" for what, count in report.counts.items())
    console.print(f"{report.task}: {report.model} on {report.data}", style="bold")
    console.print(f"{report.protocol} {counted}.", soft_wrap=True)
    table = Table("group", "figure", "value", "95 % interval")
    for group, figures in {"all": report.figures, **report.groups}.items():
        for figure in figures:
            interval = ""
            if figure.low is not None and figure.high is not None:
                interval = f"{figure.low:.4f} to {figure.high:.4f}"
            table.add_row(group, figure.name, _value(figure), interval)
    console.print(table)
    for note in report.notes:
        console.print(f"Note: {note}", soft_wrap=True)


def _value(figure: "Figure") -> str:
    if figure.unit == "count":
        return f"{figure.value:g}"
    return f"{figure.value:.4f}" + {"years": " years", "cosine": " (cosine)"}.get(figure.unit, "")


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """End the command with one line and exit code 1 for what a user can mend.

    Raises:
        typer.Exit: an error of the models, the settings or the gateway came up, or a library is
            missing.
    """
    try:
        with _extra_installed():
            yield
    except (ModelsError, SettingsError, ClientError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        raise typer.Exit(1) from error


@contextmanager
def _extra_installed() -> Iterator[None]:
    """Turn a missing library of the extra into what to do about it.

    Raises:
        EvaluationUnavailable: one is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise EvaluationUnavailable(
            f"{error.name} is missing: install facesocial[evaluation]."
        ) from error
