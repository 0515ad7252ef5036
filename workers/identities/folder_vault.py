"""The key vault in a folder of this machine, or of one that several machines mount."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.identities.errors import VaultUnavailable
from workers.identities.records import COLLECTION_UID

_LOOK_SECONDS = 0.002
#: In the folder: who holds its lock may read, or read and write.
_LOCK_NAME = "lock"


class FolderVault:
    """A KeyVault in a folder, readable by this user only.

    Writers exclude each other by a lock of the system's, which ends with the process that holds
    it. A file is written beside the old one, forced to the disk and renamed, so that it is there
    whole or not at all, whenever the power fails.

    Args:
        folder: Made if it is not there.
        lock_seconds: Longest wait for others who read or write; each takes milliseconds.

    Raises:
        VaultUnavailable: it can't be made.
    """

    def __init__(self, folder: Path, *, lock_seconds: float = 5.0) -> None:
        self._folder = folder
        self._lock_seconds = lock_seconds
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise VaultUnavailable(
                f"The key vault {folder} can't be made: {error.strerror}."
            ) from error

    def read(self, uid: str) -> bytes | None:
        """See KeyVault."""
        with self._locked(fcntl.LOCK_SH):
            return self._content(uid)

    def swap(self, uid: str, *, old: bytes | None, new: bytes) -> bool:
        """See KeyVault."""
        with self._locked(fcntl.LOCK_EX) as folder:
            if self._content(uid) != old:
                return False
            path = self._path(uid)
            # Always the same name: what a killed writer left there is overwritten by the next.
            beside = path.with_suffix(".new")
            _write(beside, new)
            outdated = path.open("r+b", buffering=0) if old is not None else None
            try:
                beside.replace(path)
                os.fsync(folder)
                if outdated is not None:
                    # Where the disk writes in place, nothing of it is left. Many do not.
                    outdated.write(bytes(len(old or b"")))
                    os.fsync(outdated.fileno())
            finally:
                if outdated is not None:
                    outdated.close()
            return True

    def copy_to(self, folder: Path) -> int:
        """Copy every file, whole, whatever is destroyed meanwhile; how many.

        Args:
            folder: That of the copies; is there.
        """
        count = 0
        for path in sorted(self._folder.glob("*.keys")):
            # Read under the lock: an outdated file is overwritten while it is still open.
            content = self.read(path.stem)
            if content is not None:
                _write(folder / path.name, content)
                count += 1
        return count

    def _path(self, uid: str) -> Path:
        if not COLLECTION_UID.fullmatch(uid):
            raise ValueError(f"'{uid}' is no collection's uid.")
        return self._folder / f"{uid}.keys"

    def _content(self, uid: str) -> bytes | None:
        try:
            return self._path(uid).read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def _locked(self, mode: int) -> Iterator[int]:
        """Hold the folder's lock; gives the folder's descriptor."""
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                lock = os.open(self._folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    self._take(lock, mode)
                    yield folder
                finally:
                    os.close(lock)
            finally:
                os.close(folder)
        except OSError as error:
            raise VaultUnavailable(
                f"The key vault {self._folder} can't be used: {error.strerror}."
            ) from error

    def _take(self, lock: int, mode: int) -> None:
        deadline = time.monotonic() + self._lock_seconds
        while True:
            try:
                fcntl.flock(lock, mode | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise VaultUnavailable("Others hold the key vault for too long.") from None
                time.sleep(_LOOK_SECONDS)
            else:
                return


def _write(path: Path, content: bytes) -> None:
    """Write a file, readable by this user only, and wait until the disk has it."""
    path.touch(mode=0o600)
    with path.open("wb", buffering=0) as file:
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) or 0 :]
        os.fsync(file.fileno())
