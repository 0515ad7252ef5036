"""Files that are whole or absent: hashed while read, replaced in one step, safe after a crash."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock

from models.errors import StoreFull, WeightsError

_CHUNK_BYTES = 1024 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def sha256_of(path: Path) -> str:
    """Hash of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_stream(stream: IO[bytes]) -> str:
    """Hash of what is left in a stream, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def git_blob_sha1_of(path: Path) -> str:
    """What `git hash-object` answers for a file, as 40 hexadecimal digits.

    SHA-1 over "blob", a space, the size in decimal, a zero byte, and the content. No defence
    against a forger: it tells a mix-up of files where a project publishes nothing better.
    """
    digest = hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def copy_hashed(stream: IO[bytes], target: Path, limit_bytes: int) -> str:
    """Copy a stream into a file, to the disk itself, and answer its hash.

    Stops one byte after the limit, so that what claims to be small can't fill the disk.
    """
    digest = hashlib.sha256()
    left = limit_bytes + 1
    with target.open("wb") as output:
        while left and (chunk := stream.read(min(_CHUNK_BYTES, left))):
            left -= len(chunk)
            digest.update(chunk)
            output.write(chunk)
        output.flush()
        os.fsync(output.fileno())
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file: after a crash it has its old content or the new, never a part."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as output:
        output.write(content)
        output.flush()
        os.fsync(output.fileno())
    put_in_place(temporary, path)


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a finished file its name, for good."""
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def lock_of(path: Path, *, wait: bool = True) -> FileLock:
    """A lock between processes and threads; the system frees it when its holder dies."""
    # A lock that survives its holder would block the store for good after a kill.
    return FileLock(path, blocking=wait, fallback_to_soft=False)


@contextmanager
def disk_errors(root: Path) -> Iterator[None]:
    """Translate errors of the file system into the store's own.

    Raises:
        FileNotFoundError: passed on; what is missing is the caller's to say.
        StoreFull: no space, or the quota is used up.
        WeightsError: the folder can't be written or locked.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(f"{root}: {StoreFull.__doc__}") from error
        raise WeightsError(f"The weight store {root} can't be used: {error}.") from error
    except NotImplementedError as error:
        raise WeightsError(f"The file system of {root} offers no locks.") from error
