"""`facesocial models`: list, fetch, check and import weights."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table

from models.catalogue import Catalogue, load_catalogue
from models.errors import ModelsError, WeightsCorrupt, WeightsMissing
from models.spec import ModelSpec
from models.store import State, WeightStore
from workers.errors import SettingsError
from workers.settings import load_settings

app = typer.Typer(
    help="List, fetch, check and import model weights.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
_MIB = 1024 * 1024


@app.callback()
def _set_up() -> None:
    # Standard output is for what was asked: `$(facesocial models path yunet)` must be a path.
    if not structlog.is_configured():
        structlog.configure(
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            # What succeeds, the bars and the command's own output tell.
            wrapper_class=structlog.make_filtering_bound_logger("warning"),
        )


class ProgressBars:
    """Transfer progress as bars on stderr; silent where that is no terminal."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def start(self, name: str, total_bytes: int | None) -> None:
        """Add a bar; one without a total pulses."""
        self._task = self._bars.add_task(name, total=total_bytes)

    def update(self, done_bytes: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.update(self._task, completed=done_bytes)

    def finish(self) -> None:
        """Stop the bar's clock."""
        if self._task is not None:
            self._bars.stop_task(self._task)
        self._task = None


@app.command("list")
def list_models(*, as_json: AsJson = False) -> None:
    """Show every model: licence, size, and whether its weights are here."""
    with _told_in_one_line():
        catalogue, store = load_catalogue(), _store()
        rows = [_row(spec, store.model_state(spec)) for spec in catalogue.models.values()]
        if as_json:
            print(json.dumps(rows, indent=2))
            return
        table = Table("id", "task", "licence", "commercial use", "MiB", "state")
        for row in rows:
            use = "yes" if row["commercial_use"] else "no"
            size = f"{int(str(row['size_bytes'])) / _MIB:.1f}"
            named = (str(row[key]) for key in ("id", "task", "licence"))
            table.add_row(*named, use, size, str(row["state"]))
        Console().print(table)


@app.command()
def pull(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Models by id or alias; all when none is given.")
    ] = None,
    *,
    samples: Annotated[
        bool, typer.Option("--samples", help="Fetch the sample photos too.")
    ] = False,
) -> None:
    """Fetch weights that are missing and prepare them for the runtime."""
    with _told_in_one_line():
        catalogue, store = load_catalogue(), _store()
        specs = _chosen(catalogue, ids)
        files = [spec.file for spec in specs]
        if samples:
            files += [sample.file for sample in catalogue.samples.values()]
        with _bars() as progress:
            store.pull_all(files, progress)
        for spec in specs:
            print(f"{spec.id}: {store.prepared(spec)}")
        for sample in catalogue.samples.values() if samples else ():
            print(f"{sample.id}: {store.path(sample.file)}")


@app.command()
def verify(*, as_json: AsJson = False) -> None:
    """Hash every weight file; exit with 1 when one is missing or damaged."""
    with _told_in_one_line():
        catalogue, store = load_catalogue(), _store()
        problems = {spec.id: _problem(store, spec) for spec in catalogue.models.values()}
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
) -> None:
    """Take weights from disk, where there is no network. Files are known by their hash."""
    with _told_in_one_line():
        catalogue, store = load_catalogue(), _store()
        found = store.import_from(path, catalogue)
        for imported in found:
            print(f"{imported.file.name}: from {imported.origin}")
        if not found:
            raise WeightsMissing(f"{path} has no file of the catalogue.")
        here = {imported.file.sha256 for imported in found}
        for spec in catalogue.models.values():
            if spec.file.sha256 in here:
                print(f"{spec.id}: {store.prepared(spec)}")


@app.command("path")
def show_path(
    model: Annotated[str, typer.Argument(metavar="ID", help="A model's id or alias.")],
) -> None:
    """Print the path of the graph that is run."""
    with _told_in_one_line():
        print(_store().prepared(load_catalogue().model(model)))


def _store() -> WeightStore:
    return WeightStore(load_settings().weights_path)


def _chosen(catalogue: Catalogue, ids: list[str] | None) -> list[ModelSpec]:
    if not ids:
        return list(catalogue.models.values())
    chosen = {spec.id: spec for spec in map(catalogue.model, ids)}
    return list(chosen.values())


def _row(spec: ModelSpec, state: State) -> dict[str, str | int | bool]:
    return {
        "id": spec.id,
        "title": spec.title,
        "task": spec.task,
        "licence": spec.licence,
        "commercial_use": spec.commercial_use,
        "size_bytes": spec.file.size_bytes,
        "state": state.value,
    }


def _problem(store: WeightStore, spec: ModelSpec) -> str | None:
    try:
        store.verify(spec.file)
        store.verify_prepared(spec)
    except (WeightsMissing, WeightsCorrupt) as error:
        return str(error)
    return None


@contextmanager
def _bars() -> Iterator[ProgressBars]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        yield ProgressBars(bars)


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
