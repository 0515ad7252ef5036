"""`facesocial models tune`: which graph and batch sizes of a model run fastest here."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.plain_console import PlainConsole
from models.catalogue import Catalogue, load_catalogue
from models.spec import ModelSpec, Variant
from models.weights.store import State, WeightStore
from workers.settings.process import load_settings

if TYPE_CHECKING:
    from models.tuning.tune import Tuned


def tune(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Models by id or alias; all installed by default."),
    ] = None,
    *,
    pin: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=VARIANT", help="Decide: fp32, fused or int8. Nothing is timed."),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget measurements and pins of these models.")
    ] = False,
    seconds: Annotated[float, typer.Option(min=0.1, help="Measure each model so long.")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure each model's graphs on this machine's CPU, and run the fastest from then on.

    A model may have further graphs that compute the same faster: `fused` (float32, equal to
    rounding) and, for recognition, `int8` (8 bits, refused where it is not close to float32).
    Running workers take the result up when they are started again.
    """
    settings = load_settings()
    catalogue, store = load_catalogue(), WeightStore(settings.weights_path)
    specs = _chosen(catalogue, store, names)
    if reset or pin:
        _decide(store, catalogue, specs=specs if reset else (), pins=pin or [])
        return
    # Listing and pinning need no inference libraries, which take a second to import.
    from models.tuning.tune import tune as tune_model  # noqa: PLC0415 - see above

    tuned = []
    for spec in specs:
        print(f"{spec.id} ...", file=sys.stderr)
        tuned.append(
            tune_model(store, catalogue, spec, threads=settings.ort_threads, seconds=seconds)
        )
    if as_json:
        print(json.dumps([asdict(one) for one in tuned], indent=2))
        return
    for one in tuned:
        _show(one, PlainConsole())


def _chosen(
    catalogue: Catalogue, store: WeightStore, names: list[str] | None
) -> tuple[ModelSpec, ...]:
    if names:
        return tuple({spec.id: spec for spec in map(catalogue.model, names)}.values())
    here = (State.PRESENT, State.PREPARED)
    # A part is measured with nobody: the models that run it decide how often.
    return tuple(
        spec
        for spec in catalogue.models.values()
        if spec.task != "part"
        and all(store.model_state(one) in here for one in catalogue.with_parts(spec))
    )


def _decide(
    store: WeightStore, catalogue: Catalogue, *, specs: Sequence[ModelSpec], pins: Sequence[str]
) -> None:
    from models.tuning.tune import pinnable, reset  # noqa: PLC0415 - see `tune`
    from models.weights.tuning_file import TuningFile  # noqa: PLC0415 - see `tune`

    if specs:
        reset(store, specs)
    decided: dict[str, Variant] = {}
    for text in pins:
        name, _, wanted = text.partition("=")
        spec = catalogue.model(name)
        decided[spec.id] = pinnable(store, catalogue, spec, wanted)
    if decided:
        TuningFile(store.root).pin(decided)
    for name, variant in decided.items():
        print(f"{name}: {variant}")


def _show(tuned: "Tuned", console: Console) -> None:
    batches = sorted({speed.batch for speed in tuned.speeds})
    table = Table("graph", *(f"batch {batch}" for batch in batches), "", title=tuned.model)
    rates: dict[str, dict[int, float]] = {}
    for speed in tuned.speeds:
        rates.setdefault(speed.variant, {})[speed.batch] = speed.per_second
    for variant, by_batch in rates.items():
        mark = "runs from now on" if variant == tuned.chosen.variant else ""
        table.add_row(variant, *(f"{by_batch[batch]:.1f}/s" for batch in batches), mark)
    buckets = ", ".join(map(str, tuned.chosen.batch_buckets or (1,)))
    table.caption = f"Batch sizes from now on: {buckets}."
    console.print(table)
    for reason in tuned.refused.values():
        console.print(reason, soft_wrap=True)
