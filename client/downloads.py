"""Answers that go to a file as they come, never whole in memory."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from client.calls import Call, Flow, perform
from client.errors import BadAnswer
from client.photos import Progress
from client.retries import Retries

#: What a file is called until all of it is there.
PART_SUFFIX = ".part"
#: An export's last line is far shorter.
_TAIL_BYTES = 4096


class FileSink:
    """A file that is there when the whole answer is; one of the same name is replaced.

    Args:
        path: Where.
        progress: Told after each part: bytes so far and, since nobody knows the whole, 0.
    """

    def __init__(self, path: Path, progress: Progress | None = None) -> None:
        self._path = path
        self._part = path.with_name(path.name + PART_SUFFIX)
        self._progress = progress
        self._file: BinaryIO | None = None

    def begin(self) -> None:
        """Start, or start anew after a broken connection.

        Raises:
            OSError: the file can't be made.
        """
        self.close()
        self._file = self._part.open("wb")

    def write(self, part: bytes) -> None:
        """Take what came next."""
        assert self._file is not None  # noqa: S101 - `begin` was called
        self._file.write(part)
        if self._progress:
            self._progress(self._file.tell(), 0)

    def close(self) -> None:
        """Close what was written so far."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def finish(self) -> None:
        """Give the file its name."""
        self.close()
        self._part.replace(self._path)

    def drop(self) -> None:
        """Take away what is there of it."""
        self.close()
        self._part.unlink(missing_ok=True)

    def last_kind(self) -> str | None:
        """The member `kind` of the last line; None where that is no JSON object with one."""
        self.close()
        with self._part.open("rb") as file:
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(max(0, size_bytes - _TAIL_BYTES))
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
        try:
            kind = json.loads(last)["kind"]
        except (ValueError, TypeError, KeyError):
            return None
        return kind if isinstance(kind, str) else None


def download(
    path: str,
    target: Path,
    retries: Retries,
    *,
    progress: Progress | None,
    query: Mapping[str, str] | None = None,
    last_kind: str | None = None,
) -> Flow[None]:
    """Write what an address answers to a file; there is none unless all of it came.

    Args:
        path: The address, from the root.
        target: The file.
        retries: How patient it is.
        progress: See FileSink.
        query: Parameters of the address.
        last_kind: Of answers in lines: `kind` of the last one, which proves that it is all.

    Raises:
        BadAnswer: it broke off before its end.
        OSError: the file can't be written.
    """
    sink = FileSink(target, progress)
    try:
        yield from perform(Call(method="GET", path=path, query=query or {}, sink=sink), retries)
        if last_kind is None or sink.last_kind() == last_kind:
            sink.finish()
            return
    finally:
        # Nothing is left of it, unless it has its own name by now.
        sink.drop()
    raise BadAnswer(f"{path} broke off before its end: ask for it again.")
