"""Label files of data sets, and the progress of a walk over them."""

import csv
from collections.abc import Callable
from pathlib import Path

from models.errors import EvaluationDataMissing

#: Told after each image or pair: how many are done, and how many there are.
Tick = Callable[[int, int], None]


def no_tick(_done: int, _total: int) -> None:
    """Ignore progress."""


def read_labels(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a CSV file with a header line.

    Args:
        path: The file.
        columns: Columns that must be there.

    Raises:
        EvaluationDataMissing: there is no such file, or a column is missing.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
            found = set(reader.fieldnames or ())
    except OSError as error:
        raise EvaluationDataMissing(f"{path} can't be read: {error.strerror}.") from error
    if missing := set(columns) - found:
        raise EvaluationDataMissing(f"{path} has no column {', '.join(sorted(missing))}.")
    return rows
