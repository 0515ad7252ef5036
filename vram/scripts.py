"""The ledger's scripts: an operation, preceded by the shared topics that its first line names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: Where the scripts are: one file per operation, what they share in `shared/`.
FOLDER: Final = Path(__file__).parent / "lua"
#: First line of an operation that shares something: "-- uses: book models".
_USES: Final = "-- uses: "

OPERATIONS: Final = (
    "next_incarnation",
    "register",
    "withdraw",
    "beat",
    "reserve",
    "begin",
    "loaded",
    "adjust",
    "fail",
    "pin",
    "unpin",
    "drain",
    "unloading",
    "unloaded",
    "keep",
    "observe",
    "relieve",
    "version",
    "sweep",
    "out_of_memory",
    "command",
    "done",
    "state",
)


def load(folder: Path = FOLDER) -> dict[str, str]:
    """Whole text of every operation of the ledger, by name."""
    return {name: "\n".join(_parts(folder, name)) for name in OPERATIONS}


def _parts(folder: Path, name: str) -> Iterator[str]:
    text = (folder / f"{name}.lua").read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    if first.startswith(_USES):
        for topic in first.removeprefix(_USES).split():
            yield (folder / "shared" / f"{topic}.lua").read_text(encoding="utf-8")
    yield text
