"""Transfers as bars on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from cli.plain_console import PlainConsole


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


@contextmanager
def transfer_bars() -> Iterator[ProgressBars]:
    """Bars for the time of the context."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Bars(*columns, console=PlainConsole(stderr=True), disable=not sys.stderr.isatty()) as bars:
        yield ProgressBars(bars)
