"""`facesocial evaluate`: measure models on labelled data."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.command_logs import log_to_stderr
from models.errors import EvaluationUnavailable, ModelsError
from workers.errors import SettingsError

if TYPE_CHECKING:
    from models.evaluation.labels import Tick
    from models.evaluation.report import Figure, Report

app = typer.Typer(
    help="Measure models on labelled data.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

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


@app.callback()
def _set_up() -> None:
    # Standard output is for the report.
    if not structlog.is_configured():
        log_to_stderr("warning")


@app.command()
def verification(  # noqa: PLR0913 - a command's options
    data: Data,
    model: Annotated[
        list[str],
        typer.Option("--model", help="Model by id or alias, A+B or `ensemble`; may be repeated."),
    ],
    detector: Detector = None,
    plots: Plots = None,
    limit: Limit = None,
    *,
    as_json: AsJson = False,
    thresholds: Annotated[
        bool, typer.Option("--thresholds", help="Print the catalogue's threshold entries instead.")
    ] = False,
) -> None:
    """Recognition on pairs of photos: accuracy, TAR at stated FAR, thresholds."""
    with told_in_one_line():
        from cli.evaluators import Evaluators, threshold_entry  # noqa: PLC0415 - slow to import

        with _bar() as tick:
            results = list(Evaluators(detector).verification(data, model, limit=limit, tick=tick))
        if not thresholds:
            _show([result.report for result in results], plots=plots, as_json=as_json)
            return
        for result in results:
            print(threshold_entry(result))


@app.command()
def detection(
    data: Data,
    model: Model,
    plots: Plots = None,
    limit: Limit = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Detectors on photos with boxes: average precision."""
    with told_in_one_line():
        from cli.evaluators import Evaluators  # noqa: PLC0415 - slow to import

        with _bar() as tick:
            report = Evaluators().detection(data, model, limit=limit, tick=tick)
        _show([report], plots=plots, as_json=as_json)


@app.command()
def liveness(
    data: Data,
    model: Model = "ensemble",
    detector: Detector = None,
    plots: Plots = None,
    limit: Limit = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Anti-spoofing on live faces and attacks: APCER, BPCER, ACER."""
    with told_in_one_line():
        from cli.evaluators import Evaluators  # noqa: PLC0415 - slow to import

        with _bar() as tick:
            report = Evaluators(detector).liveness(data, model, limit=limit, tick=tick)
        _show([report], plots=plots, as_json=as_json)


@app.command()
def deepfake(
    data: Data,
    model: Annotated[
        str | None, typer.Option("--model", help="Model by id or alias; the default one.")
    ] = None,
    detector: Detector = None,
    plots: Plots = None,
    limit: Limit = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Deepfake detection on real and fake pictures: AUC and error rates."""
    with told_in_one_line():
        from cli.evaluators import Evaluators  # noqa: PLC0415 - slow to import

        with _bar() as tick:
            report = Evaluators(detector).deepfake(data, model, limit=limit, tick=tick)
        _show([report], plots=plots, as_json=as_json)


@app.command()
def demographics(
    data: Data,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Model of age and gender; the default pair of models."),
    ] = None,
    detector: Detector = None,
    plots: Plots = None,
    limit: Limit = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Age and gender on labelled faces: mean absolute error, accuracy, by group."""
    with told_in_one_line():
        from cli.evaluators import Evaluators  # noqa: PLC0415 - slow to import

        with _bar() as tick:
            report = Evaluators(detector).demographics(data, model, limit=limit, tick=tick)
        _show([report], plots=plots, as_json=as_json)


def _show(reports: "Sequence[Report]", *, plots: Path | None, as_json: bool) -> None:
    written: list[Path] = []
    if plots is not None:
        from models.evaluation.plots import write_plots  # noqa: PLC0415 - slow to import

        written = write_plots(reports, plots)
    console = Console()
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
def _bar() -> "Iterator[Tick]":
    """A progress bar on stderr; silent where that is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task("measuring", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """End the command with one line and exit code 1 for what a user can mend.

    Raises:
        typer.Exit: an error of the models or of the settings came up, or a library is missing.
    """
    try:
        with _extra_installed():
            yield
    except (ModelsError, SettingsError, OSError) as error:
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
