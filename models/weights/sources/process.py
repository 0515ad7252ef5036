"""Running a package manager's client as a child process, with progress and an end."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from models.errors import SourceUnavailable, StoreFull
from models.weights.progress import Progress

#: How often the folder's size is looked at.
POLL_SECONDS = 0.2
#: Longest any client may take; a slow line needs minutes for the largest packages.
TIMEOUT_SECONDS = 1800.0
#: Lines of the client's complaint that go into the error.
COMPLAINT_LINES = 3


def run_client(
    name: str,
    command: Sequence[str],
    folder: Path,
    progress: Progress,
    *,
    limit_bytes: int,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> None:
    """Run a command that downloads into a folder, and wait for it.

    Its temporary files go into the folder too, so the folder's growth is the progress: these
    clients report none that a program could read. The child ends with the caller's wait, for
    whatever reason that ends.

    Args:
        name: What an error calls the client.
        command: The program and its arguments.
        folder: Where it downloads to.
        progress: Told of the folder's size.
        limit_bytes: The client is ended when the folder outgrows this.
        timeout_seconds: The client is ended after this time.

    Raises:
        SourceUnavailable: it failed, took too long or wrote too much; the message ends with what
            it last said.
        StoreFull: it ran out of disk.
    """
    temporary = folder / "tmp"
    temporary.mkdir()
    # A child gets all of our environment, above all the user's index and proxy settings.
    environment = {**os.environ, "TMPDIR": str(temporary)}  # noqa: TID251 - handed on, not read
    try:
        child = subprocess.Popen(  # noqa: S603 - a fixed program; names come from the catalogue
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            # Its own group, so that a wrapper script's children end with it.
            start_new_session=True,
        )
    except OSError as error:
        raise SourceUnavailable(f"{command[0]} can't be started: {error.strerror}") from error
    with child, _complaint(child) as complaint:
        try:
            _wait(child, folder, progress, limit_bytes, time.monotonic() + timeout_seconds)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    if child.returncode:
        raise _failure(name, complaint)
    _report(folder, progress, limit_bytes)


@contextmanager
def _complaint(child: subprocess.Popen[bytes]) -> Iterator[deque[str]]:
    """The last lines the child says: complete once the context has ended.

    Kept in memory, because the disk a complaint is about may be full.
    """
    assert child.stdout is not None  # noqa: S101 - it was started with a pipe
    stream, lines = child.stdout, deque[str](maxlen=COMPLAINT_LINES)

    def listen() -> None:
        for line in stream:
            if text := line.decode(errors="replace").strip():
                lines.append(text)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield lines
    finally:
        listener.join()


def _wait(
    child: subprocess.Popen[bytes],
    folder: Path,
    progress: Progress,
    limit_bytes: int,
    deadline: float,
) -> None:
    while True:
        try:
            child.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            _report(folder, progress, limit_bytes)
            if time.monotonic() > deadline:
                raise SourceUnavailable("the download took too long; stopped") from None
        else:
            return


def _report(folder: Path, progress: Progress, limit_bytes: int) -> None:
    size_bytes = _folder_bytes(folder)
    progress.update(size_bytes)
    if size_bytes > limit_bytes:
        raise SourceUnavailable(f"more than {limit_bytes} bytes came")


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue  # The child moved or deleted it between listing and looking.
    return total


def _failure(name: str, complaint: Iterable[str]) -> SourceUnavailable | StoreFull:
    last = " | ".join(complaint) or "it said nothing"
    if "No space left on device" in last or "ENOSPC" in last:
        return StoreFull()
    return SourceUnavailable(f"{name} failed: {last}")
