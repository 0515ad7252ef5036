"""`facesocial evaluate identification` and `served`: naming people, and pairs over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from cli.bars import counted_bar
from cli.connection import GatewayUrl, connected
from cli.evaluation_output import AsJson, Data, Detector, Limit, Plots, show, told_in_one_line

Vectors = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Keep the embeddings there, or take them from there."),
]


def identification(  # noqa: PLR0913 - a command's options
    data: Data,
    model: Annotated[str, typer.Option("--model", help="Model by id or alias, A+B or `ensemble`.")],
    *,
    detector: Detector = None,
    plots: Plots = None,
    splits: Annotated[
        int, typer.Option(min=1, help="How often people are divided into known ones and strangers.")
    ] = 10,
    persons: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Enrol so many of the half; may be repeated.", show_default="all"),
    ] = None,
    vectors: Vectors = None,
    same: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="People the set has twice: columns `name`, `same_as`."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Naming people, half of whom are strangers: FPIR, FNIR, at the stated rates."""
    with told_in_one_line():
        from cli.people_evaluators import PeopleEvaluators  # noqa: PLC0415 - slow to import

        with counted_bar("measuring") as tick:
            report = PeopleEvaluators(detector).identification(
                data,
                model,
                count=splits,
                sizes=[*(persons or ()), None],
                kept=vectors,
                same=same,
                tick=tick,
            )
        show([report], plots=plots, as_json=as_json)


def served(  # noqa: PLR0913 - a command's options
    data: Data,
    model: Annotated[str, typer.Option("--model", help="The gateway's recognition model.")],
    *,
    gateway: GatewayUrl = None,
    far: Annotated[
        float, typer.Option(help="False accept rate that decides: a measured one.")
    ] = 1e-3,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Pairs sent at once.")] = 8,
    limit: Limit = None,
    vectors: Vectors = None,
    as_json: AsJson = False,
) -> None:
    """Pairs of photos through a running gateway, beside the same pairs here."""
    with told_in_one_line():
        from cli.people_evaluators import PeopleEvaluators  # noqa: PLC0415 - slow to import
        from cli.served_pairs import Sending  # noqa: PLC0415 - slow to import

        with counted_bar("measuring") as tick, connected(gateway) as client:
            report = PeopleEvaluators().served(
                data,
                model,
                Sending(client=client, model=model, far=far, at_once=at_once),
                limit=limit,
                kept=vectors,
                tick=tick,
            )
        show([report], plots=None, as_json=as_json)
