"""What the fleet says: read from all processes at once, logged, and shown with the name in front.

One selector reads every pipe in the caller's thread, so nothing is left behind when a process goes.
"""

import os
import selectors
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO

from rich.text import Text

from cli.plain_console import PlainConsole

_COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_magenta")
_LOG_BYTES = 10 * 1024 * 1024
#: A longer line is cut into several, so that a process without line ends can't fill our memory.
_LINE_BYTES = 64 * 1024
_READ_BYTES = 64 * 1024


class SteadyConsole(PlainConsole):
    """A console whose reader may leave: rich's own ends the program then."""

    def on_broken_pipe(self) -> None:
        """Go on in silence, `| head` has seen enough."""
        self.quiet = True
        # Python flushes what is left at exit, and would complain there.
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, no path
            os.dup2(nowhere.fileno(), self.file.fileno())


class RotatingLog:
    """A log file with one predecessor; together they stay below twice the limit.

    Args:
        path: The file; its predecessor is `<path>.1`.
        limit_bytes: Size at which the file becomes the predecessor.
    """

    def __init__(self, path: Path, *, limit_bytes: int = _LOG_BYTES) -> None:
        self.path = path
        self._limit_bytes = limit_bytes

    def write(self, line: bytes) -> None:
        """Append a line. A full disk loses the line: logs must not stop the fleet."""
        with suppress(OSError):
            if self.path.exists() and self.path.stat().st_size + len(line) > self._limit_bytes:
                self.path.replace(self.path.with_name(self.path.name + ".1"))
            with self.path.open("ab") as file:
                file.write(line + b"\n")


class LineBuffer:
    """Cuts what is read into lines, without their ends."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that are complete now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LINE_BYTES:
            lines.append(self.flush())
        return [line.rstrip(b"\r") for line in lines]

    def flush(self) -> bytes:
        """What came after the last line end."""
        rest, self._rest = self._rest, b""
        return rest


class Output:
    """Reads the processes' pipes and writes to their logs and to the console.

    Args:
        logs: Folder with `<name>.log`.
        console: Where people look.
        wake: Descriptor that ends `pump` early, e.g. of a signal.
    """

    def __init__(self, *, logs: Path, console: SteadyConsole, wake: int) -> None:
        self._logs = logs
        self._console = console
        self._wake = wake
        self._selector = selectors.DefaultSelector()
        self._selector.register(wake, selectors.EVENT_READ)

    def attach(self, name: str, pipe: IO[bytes]) -> None:
        """Read a process's output until it ends."""
        os.set_blocking(pipe.fileno(), False)
        log = RotatingLog(self.log_path(name))
        self._selector.register(pipe, selectors.EVENT_READ, (name, log, LineBuffer()))

    def log_path(self, name: str) -> Path:
        """Where a process's log is."""
        return self._logs / f"{name}.log"

    def pump(self, timeout_seconds: float) -> None:
        """Pass on what there is; wait up to the timeout if there is nothing."""
        for key, _ in self._selector.select(timeout_seconds):
            if key.data is None:
                with suppress(BlockingIOError):
                    os.read(self._wake, _READ_BYTES)
            else:
                self._read(key)

    def say(self, name: str, message: str, style: str = "bold") -> None:
        """Show a line of our own about a process."""
        self._show(name, Text(message, style))

    def close(self) -> None:
        """Pass on the last lines and close the pipes."""
        self.pump(0)
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                self._end(key)
        self._selector.close()

    def _read(self, key: selectors.SelectorKey) -> None:
        try:
            chunk = os.read(key.fd, _READ_BYTES)
        except BlockingIOError:
            return
        if not chunk:
            self._end(key)
            return
        name, log, buffer = key.data
        for line in buffer.feed(chunk):
            self._pass_on(name, log, line)

    def _end(self, key: selectors.SelectorKey) -> None:
        name, log, buffer = key.data
        if rest := buffer.flush():
            self._pass_on(name, log, rest)
        self._selector.unregister(key.fileobj)
        if not isinstance(key.fileobj, int):
            key.fileobj.close()  # type: ignore[attr-defined]  # registered by attach: an IO

    def _pass_on(self, name: str, log: RotatingLog, line: bytes) -> None:
        log.write(line)
        self._show(name, Text.from_ansi(line.decode("utf-8", errors="replace")))

    def _show(self, name: str, text: Text) -> None:
        # The same colour at each start; hash() of a string is not.
        colour = _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]
        # The terminal may be gone: the fleet goes on without it.
        with suppress(OSError):
            self._console.print(Text(f"{name:>11} │ ", colour) + text, soft_wrap=True)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ_BYTES))
            found = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(found[-lines:])
