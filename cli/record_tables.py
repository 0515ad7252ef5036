"""Jobs and batches of a gateway as tables and lines."""

from collections.abc import Sequence
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from cli.plain_console import PlainConsole
from client import Batch, Job

#: "batch_" and 32 digits.
_ID_COLUMNS = 38
#: Wide enough for every table here.
_FILE_COLUMNS = 160


def jobs_table(jobs: Sequence[Job]) -> Table:
    """Jobs, a row each."""
    table = plain_table("job", "state", "created", "tags", "error", id_columns=_ID_COLUMNS)
    for job in jobs:
        code = job.error.code if job.error else ""
        table.add_row(job.id, job.state, _time(job.created_at), ", ".join(job.tags), code)
    return table


def batches_table(batches: Sequence[Batch]) -> Table:
    """Batches, a row each."""
    table = plain_table(
        "batch", "state", "created", "done", "failed", "left", id_columns=_ID_COLUMNS
    )
    for batch in batches:
        counts = batch.counts
        table.add_row(
            batch.id,
            batch.state,
            _time(batch.created_at),
            f"{counts.ended}/{counts.total}",
            str(counts.failed),
            _left(batch),
        )
    return table


def batch_line(batch: Batch) -> str:
    """How a batch stands, in a sentence."""
    counts = batch.counts
    told = f"{counts.succeeded} of {counts.total} items succeeded"
    if counts.failed:
        told += f", {counts.failed} failed"
    if counts.cancelled:
        told += f", {counts.cancelled} cancelled"
    return f"{batch.id} {batch.state}: {told}."


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%m-%d %H:%M:%S")


def _left(batch: Batch) -> str:
    return "" if batch.eta_ms is None else f"{batch.eta_ms / 1000:.0f} s"


def show_table(table: Table) -> None:
    """Print a table: as wide as the terminal, or as it needs where there is none."""
    console = PlainConsole()
    if not console.is_terminal:
        console = PlainConsole(width=_FILE_COLUMNS)
    print_table(table, console)


def print_table(table: Table, console: Console) -> None:
    """Print a table; where its words don't fit, each row as a paragraph of lines instead."""
    # Measured where there is room: on a narrow terminal a table says that it fits into anything.
    roomy = console.options.update_width(_FILE_COLUMNS)
    if Measurement.get(console, roomy, table).minimum <= console.width:
        console.print(table)
        return
    headings = [str(column.header) for column in table.columns]
    for row in zip(*(column.cells for column in table.columns), strict=True):
        lines = (f"{name}: {cell}" for name, cell in zip(headings, row, strict=True) if cell)
        console.print("\n  ".join(lines), soft_wrap=True, highlight=False)


def plain_table(*headings: str, id_columns: int | None = None) -> Table:
    """A table whose first column is never cut: it is what one copies.

    Args:
        headings: Of the columns.
        id_columns: How wide the first one is at least, characters.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(headings[0], no_wrap=True, min_width=id_columns)
    for heading in headings[1:]:
        table.add_column(heading, overflow="fold")
    return table
