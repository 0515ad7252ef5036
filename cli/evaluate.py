"""`facesocial evaluate`: measure models on labelled data."""

from typing import Annotated

import structlog
import typer

from cli.bars import counted_bar
from cli.command_logs import log_to_stderr
from cli.evaluate_people import identification, served
from cli.evaluation_output import (
    AsJson,
    Data,
    Detector,
    Limit,
    Model,
    Plots,
    show,
    told_in_one_line,
)

app = typer.Typer(
    help="Measure models on labelled data.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


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

        with counted_bar("measuring") as tick:
            results = list(Evaluators(detector).verification(data, model, limit=limit, tick=tick))
        if not thresholds:
            show([result.report for result in results], plots=plots, as_json=as_json)
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

        with counted_bar("measuring") as tick:
            report = Evaluators().detection(data, model, limit=limit, tick=tick)
        show([report], plots=plots, as_json=as_json)


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

        with counted_bar("measuring") as tick:
            report = Evaluators(detector).liveness(data, model, limit=limit, tick=tick)
        show([report], plots=plots, as_json=as_json)


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

        with counted_bar("measuring") as tick:
            report = Evaluators(detector).deepfake(data, model, limit=limit, tick=tick)
        show([report], plots=plots, as_json=as_json)


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

        with counted_bar("measuring") as tick:
            report = Evaluators(detector).demographics(data, model, limit=limit, tick=tick)
        show([report], plots=plots, as_json=as_json)


app.command()(identification)
app.command()(served)
