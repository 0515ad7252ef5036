"""Progress bars on stderr; silent where that is no terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cli.plain_console import PlainConsole

#: Told how far it is, and the whole; 0 where nobody knows that.
Tell = Callable[[int, int], None]


@contextmanager
def counted_bar(name: str) -> Iterator[Tell]:
    """A bar of things that are counted."""
    with _bar(name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as tell:
        yield tell


@contextmanager
def byte_bar(name: str) -> Iterator[Tell]:
    """A bar of bytes that are sent or fetched."""
    with _bar(name, BarColumn(), DownloadColumn(), TransferSpeedColumn()) as tell:
        yield tell


@contextmanager
def _bar(name: str, *columns: ProgressColumn) -> Iterator[Tell]:
    hidden = not sys.stderr.isatty()
    what = TextColumn("{task.description}", markup=False)
    console = PlainConsole(stderr=True)
    with Progress(what, *columns, console=console, disable=hidden) as bars:
        task = bars.add_task(name, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total or None)
