"""Label files of data sets, and the progress of a walk over them."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from models.errors import EvaluationDataMissing

Item = TypeVar("Item")

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


def thinned(items: Sequence[Item], limit: int | None) -> list[Item]:
    """At most so many items, evenly spread over all of them and in their order.

    Args:
        items: Sorted by whatever each part of must stay represented.
        limit: At least 1; None for all.
    """
    if limit is None or limit >= len(items):
        return list(items)
    return [items[int(i)] for i in np.linspace(0, len(items) - 1, limit).round()]
