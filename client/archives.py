"""Many photos as one TAR, made while it is sent: no temporary file, no photo twice in memory."""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from client.calls import Body
from client.photos import Photo

#: TAR counts in blocks of this size, and ends with two empty ones, filled up to a record.
BLOCK_BYTES = 512
_PART_BYTES = 256 * 1024
#: What the gateway takes.
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


def photos_in(folder: Path) -> list[Photo]:
    """The photos below a folder, in the order of their names; items are named by their path in it.

    Raises:
        NotADirectoryError: it is none.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no folder {folder}.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return [
        Photo(name=path.relative_to(folder).as_posix(), content=path)
        for path in found
        if path.is_file()
    ]


def tar_of(photos: Sequence[Photo]) -> Body:
    """A TAR of photos.

    Args:
        photos: With names that differ.
    """
    headers = [_header(photo) for photo in photos]
    size_bytes = 2 * BLOCK_BYTES + sum(
        len(header) + _padded(photo.size_bytes)
        for photo, header in zip(photos, headers, strict=True)
    )

    def make() -> Iterator[bytes]:
        for photo, header in zip(photos, headers, strict=True):
            yield header
            yield from _content(photo)
        yield bytes(2 * BLOCK_BYTES)

    return Body(media_type="application/x-tar", size_bytes=size_bytes, make=make)


def file_body(path: Path, *, media_type: str) -> Body:
    """A file as it is."""

    def make() -> Iterator[bytes]:
        with path.open("rb") as file:
            while part := file.read(_PART_BYTES):
                yield part

    return Body(media_type=media_type, size_bytes=path.stat().st_size, make=make)


def _header(photo: Photo) -> bytes:
    info = tarfile.TarInfo(photo.name)
    info.size = photo.size_bytes
    return info.tobuf(format=tarfile.PAX_FORMAT)


def _padded(size_bytes: int) -> int:
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES


def _content(photo: Photo) -> Iterator[bytes]:
    # The header has told the length: a file that has changed since must not shift the next one.
    left = photo.size_bytes
    padding = _padded(left) - left
    with photo.open() as file:
        while left and (part := file.read(min(left, _PART_BYTES))):
            left -= len(part)
            yield part
    yield bytes(left + padding)
