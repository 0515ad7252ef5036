"""`facesocial models`: list, fetch, check and import weights."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, get_args

import structlog
import typer

from cli.models_list import row_of, table_of
from cli.models_measure import measure
from cli.models_tune import tune
from cli.plain_console import PlainConsole
from cli.transfer_bars import transfer_bars
from models.catalogue import Catalogue, fetchable, load_catalogue
from models.errors import ModelsError, VariantRefused, WeightsCorrupt, WeightsError, WeightsMissing
from models.spec import ModelSpec, PinnedFile, Profile
from models.weights.records import how_to_import
from models.weights.store import State, WeightStore
from workers.errors import SettingsError
from workers.settings.process import load_settings

app = typer.Typer(
    help="List, fetch, check and import model weights.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="lite|full|ID", help="Profiles, or models by id, alias or name of an engine."
    ),
]
PROFILES: tuple[str, ...] = get_args(Profile)


@app.callback()
def _set_up() -> None:
    # Standard output is for what was asked: `$(facesocial models path yunet)` must be a path.
    if not structlog.is_configured():
        structlog.configure(
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            # What succeeds, the bars and the command's own output tell.
            wrapper_class=structlog.make_filtering_bound_logger("warning"),
        )


app.command()(tune)
app.command()(measure)


@app.command("list")
def list_models(
    *,
    profile: Annotated[
        Profile | None, typer.Option("--profile", help="Only the models of this profile.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every model: profile, licence, size, and whether its weights are here."""
    with _told_in_one_line():
        catalogue, store = load_catalogue(), _store()
        specs = [spec for spec in catalogue.models.values() if profile in (None, spec.profile)]
        rows = [row_of(spec, store) for spec in specs]
        if as_json:
            print(json.dumps([asdict(row) for row in rows], indent=2))
        else:
            console = PlainConsole()
            console.print(table_of(rows, width=console.width))


@app.command()
def pull(
    names: Names = None,
    *,
    samples: Annotated[
        bool, typer.Option("--samples", help="Fetch the sample photos too.")
    ] = False,
) -> None:
    """Fetch weights that are missing and prepare them for the runtime; `lite` unless told.

    One that can't be had does not stop the others. Those of a profile that no source delivers are
    listed with the command that imports them.
    """
    with _told_in_one_line():
        catalogue, store = load_catalogue(), _store()
        photos = list(catalogue.samples.values()) if samples else []
        asked = {name: _named(catalogue, name) for name in names or ["lite"]}
        specs = {spec.id: spec for group in asked.values() for spec in group}
        with transfer_bars() as progress:
            failures = store.try_pull(
                [*fetchable(specs.values()), *(photo.file for photo in photos)], progress
            )
        outcomes = {spec.id: _outcome(store, spec, failures) for spec in specs.values()}
    problems = [str(outcome) for outcome in outcomes.values() if isinstance(outcome, ModelsError)]
    for photo in photos:
        if failure := failures.get(photo.file.sha256):
            problems.append(str(failure))
        else:
            print(f"{photo.id}: {store.path(photo.file)}")
    for name, outcome in outcomes.items():
        if isinstance(outcome, Path):
            print(f"{name}: {outcome}")
        elif outcome is None:
            print(f"{name}: no source has it; {how_to_import(specs[name])}", file=sys.stderr)
    problems += [
        f"'{name}' can only be imported."
        for name, group in asked.items()
        if name not in PROFILES and all(outcomes[spec.id] is None for spec in group)
    ]
    _end_with(problems)


@app.command()
def verify(names: Names = None, *, as_json: AsJson = False) -> None:
    """Hash weight files; exit with 1 when one is missing or damaged.

    Without names: what the profile `lite` has must be there, and whatever else is must be good.
    """
    with _told_in_one_line():
        catalogue, store = load_catalogue(), _store()
        due = {spec.id for name in names or ["lite"] for spec in _named(catalogue, name)}
        specs = [
            spec
            for spec in catalogue.models.values()
            if spec.id in due or (not names and store.model_state(spec) is not State.MISSING)
        ]
        problems = {spec.id: _problem(store, spec) for spec in specs}
    if as_json:
        print(json.dumps([{"id": name, "problem": text} for name, text in problems.items()]))
    else:
        for name, text in problems.items():
            print(f"{name}: {text or 'good'}")
    if any(problems.values()):
        raise typer.Exit(1)


@app.command("import")
def import_weights(
    path: Annotated[Path, typer.Argument(help="A folder, an archive (zip, tar, wheel) or a file.")],
    *,
    model: Annotated[
        str | None,
        typer.Option("--as", metavar="ID", help="Take the file as this model's weights."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="With --as: take it in place of an earlier file.")
    ] = False,
) -> None:
    """Take weights from disk, where there is no network.

    Files are known by their hash. One whose hash nobody has published is taken with --as: its
    graph is checked against the catalogue, and its hash is recorded for every later load.
    """
    with _told_in_one_line():
        catalogue, store = load_catalogue(), _store()
        if model is not None:
            spec = catalogue.model(model)
            imported = store.import_as(path, spec, replace=replace)
            print(f"{imported.file.name}: from {imported.origin}, sha256 {imported.file.sha256}")
            print(f"{spec.id}: {store.prepared(spec)}")
            return
        found = store.import_from(path, catalogue)
        for imported in found:
            print(f"{imported.file.name}: from {imported.origin}")
        if not found:
            raise WeightsMissing(
                f"{path} has no file of the catalogue. A model without a published hash is taken"
                " with `facesocial models import FILE --as ID`."
            )
        here = {imported.file for imported in found}
        for spec in catalogue.models.values():
            if spec.file in here:
                print(f"{spec.id}: {store.prepared(spec)}")


@app.command("path")
def show_path(
    model: Annotated[
        str,
        typer.Argument(metavar="ID", help="A model's id, alias or name, or a sample photo's id."),
    ],
) -> None:
    """Print the path of the graph that is run; of several models, of the first that is here."""
    with _told_in_one_line():
        store, catalogue = _store(), load_catalogue()
        if sample := catalogue.samples.get(model):
            print(store.path(sample.file))
            return
        specs = catalogue.resolve(model)
        here = (spec for spec in specs if store.model_state(spec) is not State.MISSING)
        print(store.prepared(next(here, specs[0])))


def _store() -> WeightStore:
    return WeightStore(load_settings().weights_path)


def _named(catalogue: Catalogue, name: str) -> tuple[ModelSpec, ...]:
    """The models of a profile, or those a name stands for, with their parts."""
    if name in PROFILES:
        return catalogue.of_profile("full" if name == "full" else "lite")
    return tuple(part for spec in catalogue.resolve(name) for part in catalogue.with_parts(spec))


def _outcome(
    store: WeightStore, spec: ModelSpec, failures: Mapping[str, WeightsError]
) -> Path | ModelsError | None:
    """Where the graph to run lies, why it is not there, or None: no source has the file."""
    if isinstance(spec.file, PinnedFile) and spec.file.sha256 in failures:
        return failures[spec.file.sha256]
    if not fetchable([spec]) and store.model_state(spec) is State.MISSING:
        return None
    try:
        path = store.prepared(spec)
        _make_default_variant(store, spec)
    except ModelsError as error:
        return error
    return path


def _make_default_variant(store: WeightStore, spec: ModelSpec) -> None:
    """Make what a CPU runs by default now: workers may see the store read-only."""
    try:
        # Fetching alone must work where no runtime is installed.
        from models.loading import fused_graph, runs_variants  # noqa: PLC0415 - see above
    except ImportError:
        return
    known = store.known(spec)
    if runs_variants(known, "cpu"):
        # Most graphs have nothing to rewrite; the prepared one is run then.
        with suppress(VariantRefused):
            fused_graph(store, known)


def _problem(store: WeightStore, spec: ModelSpec) -> str | None:
    try:
        store.verify_model(spec)
    except (WeightsMissing, WeightsCorrupt) as error:
        return str(error)
    return None


def _end_with(problems: Sequence[str]) -> None:
    """Tell each problem in one line.

    Raises:
        typer.Exit: there are any.
    """
    for problem in problems:
        print(" ".join(problem.split()), file=sys.stderr)
    if problems:
        raise typer.Exit(1)


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """End the command with one line and exit code 1 for what a user can mend.

    Raises:
        typer.Exit: an error of the models or of the settings came up.
    """
    try:
        yield
    except (ModelsError, SettingsError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        raise typer.Exit(1) from error
