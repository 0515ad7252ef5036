"""The data folder: who may use it, and what the launcher keeps in it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from cli.errors import AlreadyRunning, LauncherError
from cli.launcher.run_files import read_run_file, write_private, write_run_file

_PRIVATE = 0o700


@dataclass(frozen=True, kw_only=True, slots=True)
class DataDir:
    """One machine's data. Everything the launcher itself writes is under run, logs and store."""

    root: Path

    @property
    def run(self) -> Path:
        """Lock, run files and generated secrets."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log per process of the fleet."""
        return self.root / "logs"

    @property
    def store(self) -> Path:
        """The embedded store's files."""
        return self.root / "store"

    @property
    def children_file(self) -> Path:
        """Run file with the living children."""
        return self.run / "children.json"

    def create(self) -> None:
        """Make the folders, closed to other users. A root that exists keeps its mode.

        Raises:
            LauncherError: a folder can't be made or belongs to somebody else.
        """
        try:
            self.root.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            for folder in (self.run, self.logs, self.store):
                folder.mkdir(mode=_PRIVATE, exist_ok=True)
                folder.chmod(_PRIVATE)
        except OSError as error:
            raise LauncherError(
                f"The data folder {self.root} can't be used: {error}. Give another --data-dir."
            ) from error

    def secret(self, name: str, *, prefix: str = "") -> str:
        """A random password, made at the first call and the same at each later one."""
        path = self.run / f"{name}.secret"
        if path.exists() and not path.read_text(encoding="utf-8").strip():
            path.unlink(missing_ok=True)  # emptied by a full disk or by hand
        if not path.exists():
            # Of several processes that make one at once, one's counts: a link appears whole, and
            # only where nothing is.
            own = path.with_name(f"{path.name}.{os.getpid()}")
            write_private(own, prefix + secrets.token_urlsafe(24) + "\n")
            with suppress(FileExistsError):
                path.hardlink_to(own)
            own.unlink()
        return path.read_text(encoding="utf-8").strip()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder: nobody else may start a fleet on it meanwhile.

        The lock is the kernel's and ends with this process, however it ends. Children don't
        inherit it.

        Raises:
            AlreadyRunning: another process holds it; the message says which and where.
        """
        lock = FileLock(self.run / "lock", timeout=0, fallback_to_soft=False)
        try:
            lock.acquire()
        except Timeout:
            raise AlreadyRunning(self._holder()) from None
        try:
            self.announce("an address not settled yet")
            yield
        finally:
            lock.release()

    def announce(self, gateway_url: str) -> None:
        """Leave word, for whoever tries to start a second fleet here, where the first one is."""
        write_run_file(self.run / "up.json", {"pid": os.getpid(), "gateway": gateway_url})

    def _holder(self) -> str:
        holder = read_run_file(self.run / "up.json")
        return (
            f"FaceSocial is already running on {self.root} (pid {holder.get('pid', 'unknown')}), "
            f"gateway at {holder.get('gateway', 'an unknown address')}. "
            "Stop it with Ctrl-C, or give another --data-dir."
        )
