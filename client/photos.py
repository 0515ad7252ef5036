"""What may be sent: a path, bytes, or an open file; read again for each try, watched while sent."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

#: A file of the caller's.
PathLike = str | os.PathLike[str]
#: Told after each part that was read: bytes sent and bytes in all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """Bytes with a name; also for videos and archives."""

    name: str
    content: bytes | Path

    @classmethod
    def of(cls, source: "PhotoSource") -> "Photo":
        """A photo from what callers like to hand in.

        Raises:
            FileNotFoundError: there is no file at the path.
        """
        if isinstance(source, Photo):
            return source
        if isinstance(source, bytes):
            return cls(name="photo", content=source)
        path = Path(source)
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}.")
        return cls(name=path.name, content=path)

    @property
    def size_bytes(self) -> int:
        """Its length."""
        if isinstance(self.content, Path):
            return self.content.stat().st_size
        return len(self.content)

    def open(self) -> BinaryIO:
        """Its bytes, from the start."""
        return self.content.open("rb") if isinstance(self.content, Path) else BytesIO(self.content)


PhotoSource = Photo | bytes | str | os.PathLike[str]


class WatchedFile:
    """A file that tells how far it was read.

    Args:
        file: Open for reading; closed by its owner.
        total_bytes: Its length.
        progress: Told after each read.
    """

    def __init__(self, file: BinaryIO, total_bytes: int, progress: Progress) -> None:
        self._file = file
        self._total_bytes = total_bytes
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        data = self._file.read(size)
        self._progress(self._file.tell(), self._total_bytes)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where it is read."""
        return self._file.tell()

    def fileno(self) -> int:
        """Of the file below."""
        return self._file.fileno()
