"""`python -m benchmarks NAME`: measure, then print a table or JSON. Progress goes to stderr."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.baseline import fetch, measure_baseline
from benchmarks.batching import measure_batching, print_batching
from benchmarks.bulk import measure_bulk
from benchmarks.bulk_table import print_bulk
from benchmarks.contention import measure_contention, print_contention
from benchmarks.engine import engine
from benchmarks.enrollment import measure_enrollment
from benchmarks.enrollment_table import print_enrollment
from benchmarks.errors import BenchmarkFailed
from benchmarks.eviction import measure_eviction
from benchmarks.eviction_table import print_eviction
from benchmarks.gateway import Load, measure_gateway
from benchmarks.gateway_table import print_gateway
from benchmarks.gpu_check.command import gpu_check
from benchmarks.identify import ENGINES, Plan, measure_identify
from benchmarks.identify_engines import CANDIDATES
from benchmarks.identify_table import print_identify
from benchmarks.keys import keys
from benchmarks.ledger import measure_ledger
from benchmarks.ledger_table import print_ledger
from benchmarks.model_speed import measure_models
from benchmarks.model_table import print_models
from benchmarks.people_store import people_store
from benchmarks.table import print_baseline
from cli.errors import CliError
from models.errors import ModelsError
from vram.errors import VramError
from workers.errors import WorkersError
from workers.logs import configure_logging
from workers.settings.process import load_settings

app = typer.Typer(
    help="Measurements of FaceSocial on this machine.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _choose() -> None:
    """Each command is one measurement."""


app.command("gpu-check")(gpu_check)
app.command("keys")(keys)
app.command("engine")(engine)
app.command("people-store")(people_store)


@app.command()
def baseline(
    *,
    photos: Annotated[int, typer.Option(min=1, help="Photos per phase and repetition.")] = 100,
    repetitions: Annotated[int, typer.Option(min=1, help="Medians are taken over these.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Compare the pipeline alone with the whole service, in one run."""
    settings = load_settings()
    configure_logging(settings)
    report = measure_baseline(
        settings, photos=photos, repetitions=repetitions, console=Console(stderr=True)
    )
    if not _written(report, as_json=as_json, out=out):
        print_baseline(report, Console())


@app.command()
def models(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="All installed when not given.")
    ] = None,
    *,
    seconds: Annotated[float, typer.Option(min=0.1, help="Measure each model so long.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Compare the graphs of each model: float32, fused, int8; and batch sizes, in one run."""
    settings = load_settings()
    configure_logging(settings)
    report = measure_models(
        settings, names=names or [], seconds=seconds, console=Console(stderr=True)
    )
    if not _written(report, as_json=as_json, out=out):
        print_models(report, Console())


@app.command()
def ledger(
    *,
    calls: Annotated[int, typer.Option(min=1, help="Of each kind, for each size.")] = 2000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Measure routing and reserving beside a bare script, for fleets of four sizes."""
    report = measure_ledger(calls=calls, console=Console(stderr=True))
    if not _written(report, as_json=as_json, out=out):
        print_ledger(report, Console())


@app.command()
def batching(
    *,
    jobs: Annotated[int, typer.Option(min=16, help="Per phase and repetition.")] = 64,
    repetitions: Annotated[int, typer.Option(min=1, help="Medians are taken over these.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Compare jobs claimed in batches with jobs claimed one by one and with the pipeline alone."""
    settings = load_settings()
    configure_logging(settings)
    report = measure_batching(
        settings, jobs=jobs, repetitions=repetitions, console=Console(stderr=True)
    )
    if not _written(report, as_json=as_json, out=out):
        print_batching(report, Console())


@app.command()
def contention(
    *,
    items: Annotated[int, typer.Option(min=100, help="Of the batch.")] = 2000,
    photos: Annotated[int, typer.Option(min=10, help="Idle, and again beside the batch.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Compare the latency of single photos on an idle fleet with that beside a batch."""
    settings = load_settings()
    configure_logging(settings)
    report = measure_contention(settings, items=items, photos=photos, console=Console(stderr=True))
    if not _written(report, as_json=as_json, out=out):
        print_contention(report, Console())


@app.command()
def eviction(
    *,
    seeds: Annotated[int, typer.Option(min=1, help="Each with other models and chance.")] = 5,
    requests: Annotated[int, typer.Option(min=100, help="Length of a load.")] = 4000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Compare the ledger's policies by simulation: total work against LRU and against a bound."""
    console = Console(stderr=True)
    report = measure_eviction(seeds=seeds, requests=requests, tell=console.print)
    if not _written(report, as_json=as_json, out=out):
        print_eviction(report, Console())


@app.command()
def batch(
    *,
    items: Annotated[int, typer.Option(min=10, help="Photos of the batch.")] = 10_000,
    photo_kib: Annotated[int, typer.Option(min=0, help="Least size of each file.")] = 0,
    kill: Annotated[
        str, typer.Option(help="Killed once on the way: any of gateway,worker,store.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Send many tiny photos as one ZIP: acceptance, memory of the gateway, counts, exports."""
    settings = load_settings()
    configure_logging(settings)
    killed = [name.strip() for name in kill.split(",") if name.strip()]
    report = measure_bulk(
        settings, items=items, photo_kib=photo_kib, killed=killed, console=Console(stderr=True)
    )
    if not _written(report, as_json=as_json, out=out):
        print_bulk(report, Console())


@app.command()
def enrollment(
    folder: Annotated[Path, typer.Argument(help="Photos named `<person>_<number>.jpg`.")],
    *,
    photos: Annotated[int, typer.Option(min=10, help="Files of the archive.")] = 5000,
    kill: Annotated[
        str, typer.Option(help="Killed once on the way: any of gateway,worker,store.")
    ] = "",
    control: Annotated[
        bool, typer.Option(help="Enrol all once more without kills, and compare.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Enrol many people as one ZIP with a list and troubles: is the report complete and right?"""
    settings = load_settings()
    configure_logging(settings)
    killed = [name.strip() for name in kill.split(",") if name.strip()]
    report = measure_enrollment(
        settings,
        folder=folder,
        photos=photos,
        killed=killed,
        control=control,
        console=Console(stderr=True),
    )
    if not _written(report, as_json=as_json, out=out):
        print_enrollment(report, Console())


@app.command()
def gateway(
    *,
    waiting: Annotated[int, typer.Option(min=3, help="Clients that wait.")] = 1000,
    seconds: Annotated[float, typer.Option(min=0.5, help="Of each phase.")] = 10.0,
    repetitions: Annotated[int, typer.Option(min=1, help="Medians are taken over these.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Let a thousand clients wait while others send photos; compare with a bare route."""
    settings = load_settings()
    configure_logging(settings)
    console = Console(stderr=True)
    load = Load(waiting=waiting, seconds=seconds, repetitions=repetitions)
    report = measure_gateway(settings, fetch(settings, console)["t1"], load, console=console)
    if not _written(report, as_json=as_json, out=out):
        print_gateway(report, Console())


@app.command()
def identify(
    sizes: Annotated[
        list[int] | None, typer.Argument(metavar="[FACES]...", help="10000 and 100000 by default.")
    ] = None,
    *,
    queries: Annotated[int, typer.Option(min=20, help="Genuine, and as many strangers.")] = 1000,
    engines: Annotated[str, typer.Option(help="Separated by commas; all when not given.")] = "",
    candidates: Annotated[
        int, typer.Option(min=1, help="Kept by graphs during a search.")
    ] = CANDIDATES,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
) -> None:
    """Find faces among many: time, memory and rightness beside numpy, faiss and usearch."""
    configure_logging(load_settings())
    chosen = [name.strip() for name in engines.split(",") if name.strip()] or list(ENGINES)
    if unknown := set(chosen) - set(ENGINES):
        raise BenchmarkFailed(f"There is no engine {', '.join(sorted(unknown))}.")
    plan = Plan(
        sizes=sizes or [10_000, 100_000],
        queries=queries,
        engines=chosen,
        candidates=candidates,
    )
    report = measure_identify(plan, console=Console(stderr=True))
    if not _written(report, as_json=as_json, out=out):
        print_identify(report, Console())


def _written(report: dict[str, Any], *, as_json: bool, out: Path | None) -> bool:
    """Write the report where that was asked for; whether it was printed."""
    text = json.dumps(report, indent=2)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")
    if as_json:
        print(text)
    return as_json


def run() -> None:
    """Run a measurement: 0 when it was made, 1 when not, 2 when it was asked for wrongly."""
    try:
        app(prog_name="python -m benchmarks")
    except (BenchmarkFailed, CliError, ModelsError, VramError, WorkersError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run()
