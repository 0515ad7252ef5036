"""What `facesocial models list` shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.table import Table

from models.catalogue import fetchable
from models.errors import WeightsCorrupt, WeightsMissing
from models.spec import ModelSpec, PinnedFile, UnpinnedFile
from models.weights.store import WeightStore

_MIB = 1024 * 1024
#: Narrower terminals get no column of licences; `--json` and the reference have them.
LICENCE_FROM_WIDTH = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRow:
    """What `models list` tells of a model."""

    id: str
    title: str
    task: str
    profile: str
    licence: str
    commercial_use: bool
    #: No source delivers it: `models import` takes it from disk.
    import_only: bool
    #: Of the file the catalogue pins or the store recorded; before its import about what is said.
    size_bytes: int | None
    sha256: str | None
    state: str


def row_of(spec: ModelSpec, store: WeightStore) -> ModelRow:
    """What the catalogue and the store have of a model."""
    file = _known_file(spec, store)
    return ModelRow(
        id=spec.id,
        title=spec.title,
        task=spec.task,
        profile=spec.profile,
        licence=spec.licence,
        commercial_use=spec.commercial_use,
        import_only=not fetchable([spec]),
        size_bytes=file.size_bytes if isinstance(file, PinnedFile) else file.size_hint_bytes,
        sha256=file.sha256 if isinstance(file, PinnedFile) else None,
        state=store.model_state(spec).value,
    )


def _known_file(spec: ModelSpec, store: WeightStore) -> PinnedFile | UnpinnedFile:
    try:
        return store.known(spec).file
    except (WeightsMissing, WeightsCorrupt):
        return spec.file


def table_of(rows: Sequence[ModelRow], *, width: int) -> Table:
    """The rows for a terminal: no id is ever cut, and licences are told where there is room.

    Args:
        rows: One of each model.
        width: Of the terminal, characters.
    """
    has_room = width >= LICENCE_FROM_WIDTH
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), expand=has_room)
    for name in ("id", "task", "profile", "commercial use", "MiB", "state"):
        table.add_column(name, no_wrap=name == "id")
    if has_room:
        table.add_column("licence", no_wrap=True, ratio=1)
    for row in rows:
        size = "?" if row.size_bytes is None else f"{row.size_bytes / _MIB:.3g}"
        state = f"{row.state} (import only)" if row.import_only else row.state
        use = "yes" if row.commercial_use else "no"
        licence = [row.licence] if has_room else []
        table.add_row(row.id, row.task, row.profile, use, size, state, *licence)
    return table
