"""Starting, recognising and ending processes."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, Self

import psutil

from cli.errors import LauncherError

_PR_SET_PDEATHSIG = 1
#: Clock corrections move a process's reported start a little; a reused pid is farther away.
_SAME_START_SECONDS = 1.0


class Running(Protocol):
    """A process of ours."""

    @property
    def pid(self) -> int:
        """Its process id, which is also its group's."""
        ...

    @property
    def output(self) -> IO[bytes] | None:
        """What it writes, if we read it."""
        ...

    def ended(self) -> str | None:
        """How it ended, for people; None while it lives."""
        ...

    def send(self, signum: signal.Signals) -> None:
        """Signal the process, not its group. Ignored when it has ended."""
        ...

    def kill_group(self) -> None:
        """Kill it and whatever it started, or what is left of that."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A process to start: calling it starts one."""

    argv: tuple[str, ...]
    #: All of the process's environment. Hidden from logs: it holds secrets.
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    #: File that gets the output, appended; None: we read it through a pipe.
    log: Path | None = None

    def __call__(self) -> "Spawned":
        """Start the process in a session of its own, so that Ctrl-C reaches only us.

        On Linux the kernel sends it SIGTERM when we die, however we die. That is bound to the
        calling *thread*: call this from the main thread, which lives as long as we do.

        Raises:
            LauncherError: the program can't be run.
        """
        try:
            if self.log is None:
                return Spawned(self._popen(subprocess.PIPE))
            with self.log.open("ab") as log:
                return Spawned(self._popen(log))
        except OSError as error:
            raise LauncherError(f"{self.argv[0]} can't be started: {error}.") from error

    def _popen(self, output: int | IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - our own commands, no shell
            self.argv,
            env=dict(self.env),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
            umask=0o077,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - two system calls, no locks, no imports
        )


class Spawned:
    """A process we started."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """See Running."""
        return self._process.pid

    @property
    def output(self) -> IO[bytes] | None:
        """See Running."""
        return self._process.stdout

    def ended(self) -> str | None:
        """See Running. Also reaps it."""
        code = self._process.poll()
        if code is None:
            return None
        if code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
        return f"killed by signal {-code}"

    def send(self, signum: signal.Signals) -> None:
        """See Running."""
        self._process.send_signal(signum)

    def kill_group(self) -> None:
        """See Running."""
        _kill_group(self.pid)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessMark:
    """Tells a process from a later one with the same id."""

    pid: int
    #: Seconds since the epoch, as the operating system reports its start.
    started_at_seconds: float

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The mark of a living process."""
        with suppress(psutil.Error):
            return cls(pid=pid, started_at_seconds=psutil.Process(pid).create_time())
        return None

    @classmethod
    def read(cls, record: Mapping[str, object]) -> Self | None:
        """The mark in a run file; None when there is no well-formed one."""
        pid, started = record.get("pid"), record.get("started_at_seconds")
        if type(pid) is not int or pid <= 1 or not isinstance(started, float | int):
            return None
        return cls(pid=pid, started_at_seconds=float(started))

    def record(self) -> dict[str, object]:
        """What `read` reads."""
        return {"pid": self.pid, "started_at_seconds": self.started_at_seconds}

    def process(self) -> psutil.Process | None:
        """The process, if it lives and is the one marked."""
        with suppress(psutil.Error):
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started_at_seconds) < _SAME_START_SECONDS
            if same and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None


class Adopted:
    """A process an earlier launcher started."""

    output = None

    def __init__(self, process: psutil.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """See Running."""
        return self._process.pid

    def ended(self) -> str | None:
        """See Running."""
        with suppress(psutil.NoSuchProcess):
            if self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE:
                return None
        return "ended"

    def send(self, signum: signal.Signals) -> None:
        """See Running. psutil refuses to signal a reused pid."""
        with suppress(psutil.NoSuchProcess):
            self._process.send_signal(signum)

    def kill_group(self) -> None:
        """See Running."""
        if self.ended() is None:
            _kill_group(self.pid)


def end_processes(processes: Iterable[psutil.Process], *, grace_seconds: float) -> None:
    """SIGTERM, then after the grace SIGKILL to the groups of those that are left."""
    asked = list(processes)
    for process in asked:
        Adopted(process).send(signal.SIGTERM)
    _, alive = psutil.wait_procs(asked, timeout=grace_seconds)
    for process in alive:
        Adopted(process).kill_group()
    psutil.wait_procs(alive, timeout=grace_seconds)


def _kill_group(pid: int) -> None:
    # Each of ours leads its own group, which can outlive it. macOS answers PermissionError for a
    # group of zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _die_with_parent() -> Callable[[], None] | None:
    """What the child runs between fork and exec; None where the system can't do it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        # The parent may have died before the request: then no signal would ever come.
        if os.getppid() != parent:
            os._exit(1)

    return ask
