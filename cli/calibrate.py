"""`facesocial calibrate`: thresholds from a collection's own faces, or from a folder of people."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.bars import counted_bar
from cli.calibration_tables import comparisons_table, notes_of, searches_table, sentence
from cli.command_logs import log_to_stderr
from cli.connection import GatewayUrl, connected
from cli.errors import CliError
from cli.evaluation_output import told_in_one_line
from cli.plain_console import PlainConsole
from cli.record_tables import show_table
from workers.identities.calibration_answer import CalibrateAnswer

#: Longest time for a collection, seconds: ten thousand faces take a minute.
_PATIENCE_SECONDS = 600.0


class CollectionOrFolder(CliError):
    """Name a collection, or give a folder with --data."""


def calibrate(
    collection: Annotated[
        str | None, typer.Argument(metavar="[COLLECTION]", help="A collection of the gateway.")
    ] = None,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Instead: photos here, in a folder for each person or named PERSON_1.jpg."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="With --data: the recognition model.")
    ] = "sface",
    gateway: GatewayUrl = None,
    plots: Annotated[Path | None, typer.Option(help="Write PNG plots to this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Measure thresholds on your own faces.

    Tells which similarity keeps which rate of false accepts, with confidence intervals.
    """
    log_to_stderr("error")
    if (collection is None) is (data is None):
        raise CollectionOrFolder
    with told_in_one_line():
        answer = _of_folder(data, model) if data else _of_collection(collection, gateway)
        written = _write_plots(answer, plots) if plots else []
    if as_json:
        print(json.dumps(answer.model_dump(mode="json", exclude_unset=True), indent=2))
    else:
        _tell(answer)
    for path in written:
        print(path, file=sys.stderr)


def _of_collection(collection: str | None, gateway: str | None) -> CalibrateAnswer:
    assert collection is not None  # noqa: S101 - asked for above
    with connected(gateway) as client:
        job = client.collections.calibrate(collection, wait_seconds=25)
        ended = client.wait(job, timeout_seconds=_PATIENCE_SECONDS)
    return CalibrateAnswer.model_validate(ended.result)


def _of_folder(data: Path, model: str) -> CalibrateAnswer:
    from cli.labelled_folder import calibrate_folder  # noqa: PLC0415 - slow to import

    with counted_bar("measuring") as tick:
        return calibrate_folder(data, model, tick=tick)


def _write_plots(answer: CalibrateAnswer, folder: Path) -> list[Path]:
    from cli.calibration_report import calibration_report  # noqa: PLC0415 - slow to import
    from models.evaluation.plots import write_plots  # noqa: PLC0415 - slow to import

    return write_plots([calibration_report(answer)], folder)


def _tell(answer: CalibrateAnswer) -> None:
    console = PlainConsole()
    console.print(sentence(answer), soft_wrap=True)
    if answer.points:
        show_table(comparisons_table(answer))
    if answer.searches:
        show_table(searches_table(answer))
    for note in notes_of(answer):
        console.print(note, soft_wrap=True)
