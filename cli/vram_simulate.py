"""`facesocial vram simulate`: what a load would do to a card, and how large a card it needs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.command_logs import log_to_stderr
from cli.plain_console import PlainConsole
from cli.vram_simulate_report import Simulation, print_simulation
from vram.errors import PlotUnavailable
from vram.records import Policy
from vram.simulator.report import POLICIES, Comparison, compare, sweep
from vram.simulator.synthetic import HABITS, synthetic
from vram.simulator.trace import Trace
from vram.simulator.trace_file import read_trace
from workers.settings.devices import limits_of
from workers.settings.process import Settings, load_settings

_QUEUES: Final = (
    "One card serves one request after another, in order and without batching: latencies compare"
    " policies and are no promise."
)
_ASSUMED: Final = (
    "Sizes of catalogue models come from the measured table. Their times on the CPU were measured"
    " on this machine just now. Their times on the card are those times {ratio:g}"
    " (FACESOCIAL_CPU_PERFORMANCE_RATIO), and loads last as long as here: both are assumptions."
)


def simulate(  # noqa: PLR0913 - a command's options
    *,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A load from a file, JSONL or CSV.")
    ] = None,
    habit: Annotated[
        str | None,
        typer.Option("--synthetic", metavar="NAME", help=f"A load by name: {', '.join(HABITS)}."),
    ] = None,
    photos: Annotated[
        float | None,
        typer.Option(metavar="N", min=0.01, help="So many photos a second, all analyses."),
    ] = None,
    faces: Annotated[
        float, typer.Option(min=1, help="With --photos: faces in each, on average.")
    ] = 2.0,
    minutes: Annotated[float, typer.Option(min=0.1, help="With --photos: for how long.")] = 3.0,
    batch: Annotated[
        int, typer.Option(min=1, help="Batch size that catalogue models have room for.")
    ] = 8,
    capacity: Annotated[
        int | None,
        typer.Option(metavar="MB", min=1, help="Room for models on the card; ten sizes without."),
    ] = None,
    policy: Annotated[str, typer.Option(metavar="P", help=f"{', '.join(POLICIES)}; or all.")] = (
        "all"
    ),
    cpu_processes: Annotated[int, typer.Option(min=1, help="Processes on the CPU.")] = 2,
    seed: Annotated[int, typer.Option(help="Of what is random in a load.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the ten sizes: .svg or .png.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Try a load on a card of any size: each policy, beside what is possible at best."""
    log_to_stderr("error")
    settings = load_settings()
    policies = _policies(policy)
    if plot is not None and plot.suffix not in {".svg", ".png"}:
        raise typer.BadParameter("the plot's name has to end with .svg or .png")
    load, notes = _load(
        settings,
        trace=trace,
        habit=habit,
        wish=_Photos(photos, faces=faces, minutes=minutes, batch=batch, seed=seed),
    )
    simulation = Simulation(
        trace=load,
        notes=(_QUEUES, *notes),
        around_mib=_around_mib(settings),
        at_capacity=None
        if capacity is None
        else compare(
            load,
            capacity,
            policies,
            limits=limits_of(settings),
            cpu_processes=cpu_processes,
        ),
        by_size=_by_size(load, policies, settings, cpu_processes)
        if capacity is None or plot is not None
        else (),
    )
    if plot is not None:
        _draw(simulation.by_size, plot)
    if as_json:
        print(json.dumps(simulation.as_json(), indent=2))
    else:
        print_simulation(simulation, PlainConsole())


class _Photos:
    """What `--photos` and what goes with it say."""

    def __init__(
        self, per_second: float | None, *, faces: float, minutes: float, batch: int, seed: int
    ) -> None:
        self.per_second, self.faces, self.minutes = per_second, faces, minutes
        self.batch, self.seed = batch, seed


def _load(
    settings: Settings, *, trace: Path | None, habit: str | None, wish: _Photos
) -> tuple[Trace, list[str]]:
    """The load that was asked for, and what is assumed in it."""
    if sum(given is not None for given in (trace, habit, wish.per_second)) != 1:
        raise typer.BadParameter("give one of --trace, --synthetic and --photos")
    if habit is not None:
        if habit not in HABITS:
            raise typer.BadParameter(f"there is no load '{habit}'. There are: {', '.join(HABITS)}")
        return synthetic(habit, seed=wish.seed), []
    # Named loads need no inference libraries, which take a second to import.
    from cli.simulated_models import SimulatedModels  # noqa: PLC0415 - see above

    models = SimulatedModels(settings, batch=wish.batch)
    if trace is not None:
        load = read_trace(trace, models.known)
    else:
        load = models.photos(
            per_second=wish.per_second or 0.0,
            faces=wish.faces,
            minutes=wish.minutes,
            seed=wish.seed,
        )
    assumed = [_ASSUMED.format(ratio=settings.cpu_performance_ratio)] if models.measured else []
    return load, assumed


def _policies(name: str) -> tuple[Policy, ...]:
    if name == "all":
        return POLICIES
    chosen = tuple(policy for policy in POLICIES if policy == name)
    if not chosen:
        raise typer.BadParameter(f"there is no policy '{name}'. There are: {', '.join(POLICIES)}")
    return chosen


def _by_size(
    load: Trace, policies: Sequence[Policy], settings: Settings, cpu_processes: int
) -> tuple[Comparison, ...]:
    return tuple(sweep(load, policies, limits=limits_of(settings), cpu_processes=cpu_processes))


def _around_mib(settings: Settings) -> int:
    """What a card needs besides the room for models."""
    return settings.vram_driver_mb + settings.vram_context_mb + settings.vram_headroom_mb


def _draw(by_size: Sequence[Comparison], path: Path) -> None:
    """Draw the sweep.

    Raises:
        PlotUnavailable: Matplotlib is not installed.
    """
    try:
        from vram.simulator.plot import draw  # noqa: PLC0415 - needs the extra `evaluation`
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise PlotUnavailable from error
    draw(by_size, path)
