"""A ZIP archive's directory: what it says of its files, checked before any of them is read.

The directory stands at an archive's end and decides; what stands before the files is only compared
with it. Reading ahead without the directory would be unsafe: other readers see other files then.
The standard library's reader takes the whole directory into memory, however long it is.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from api.batches.archive_limits import ArchiveLimits, damaged

#: APPNOTE.TXT 6.3.10: 4.3.16 (end), 4.3.15 (its locator), 4.3.14 (end, 64 bits), 4.3.12 (file).
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_FILE = struct.Struct("<4s2B5H3L5H2L")
_END_MARK, _LOCATOR_MARK, _END_64_MARK = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_FILE_MARK = b"PK\x01\x02"
LOCAL_BYTES = 30
#: A field of 32 bits with nothing but ones is told by the extra field with 64 bits.
_FULL_32 = 0xFFFFFFFF
_EXTRA_64 = 1
#: The end may be followed by a comment of so many bytes.
_LONGEST_COMMENT = 0xFFFF
#: Longest name that is kept; longer ones can't be ids.
_LONGEST_NAME_BYTES = 1024
_STEP_BYTES = 64 * 1024


class RandomAccess(Protocol):
    """An archive that is here as a whole."""

    @property
    def size_bytes(self) -> int:
        """Of all of it."""
        ...

    def read_at(self, offset: int, size: int) -> bytes:
        """That many bytes from there, fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class ZipFile:
    """What the directory says of a file."""

    #: Where its local header begins.
    offset: int
    flags: int
    method: int
    crc: int
    packed_bytes: int
    unpacked_bytes: int
    #: None: longer than any id.
    name: bytes | None
    #: Type and rights as Unix keeps them; 0 when another system made the archive.
    mode: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """Where the directory is."""

    entries: int
    offset: int
    size_bytes: int


def read_directory(archive: RandomAccess, limits: ArchiveLimits) -> Sequence[ZipFile]:
    """All files in the order of their places, which is the order they are read in.

    Raises:
        ApiError: the archive is damaged, begins with something else, has files that share bytes,
            or is beyond the limits.
    """
    end = _find_end(archive)
    limits.check_entries(end.entries)
    files = sorted(_files(archive, end), key=lambda file: file.offset)
    if len(files) != end.entries:
        raise damaged("its directory has another number of files than it says")
    if files and files[0].offset != 0:
        raise damaged("something else stands before its first file")
    for one, following in pairwise(files):
        if _least_end(one) > following.offset:
            raise damaged("files share the same bytes")
    if files and _least_end(files[-1]) > end.offset:
        raise damaged("a file reaches into the directory")
    unpacked = sum(file.unpacked_bytes for file in files)
    limits.check_bytes(packed=archive.size_bytes, unpacked=unpacked)
    return files


def _least_end(file: ZipFile) -> int:
    """Where a file ends if its local header holds nothing but the name."""
    return file.offset + LOCAL_BYTES + len(file.name or b"") + file.packed_bytes


def _find_end(archive: RandomAccess) -> _End:
    length = min(archive.size_bytes, _END.size + _LONGEST_COMMENT)
    tail = archive.read_at(archive.size_bytes - length, length)
    place = tail.rfind(_END_MARK)
    while place >= 0 and not _ends_here(tail[place:]):
        place = tail.rfind(_END_MARK, 0, place)
    if place < 0:
        raise damaged("it has no directory at its end")
    _, disk, first_disk, here, entries, size, offset, _ = _END.unpack_from(tail, place)
    where = archive.size_bytes - length + place
    found = _End(entries=entries, offset=offset, size_bytes=size)
    if where >= _LOCATOR.size:
        locator = archive.read_at(where - _LOCATOR.size, _LOCATOR.size)
        if locator.startswith(_LOCATOR_MARK):
            found, where = _end_64(archive, locator)
            disk = first_disk = 0
            here = found.entries
    if disk or first_disk or here != found.entries:
        raise damaged("it is one of several parts")
    if found.offset + found.size_bytes != where:
        raise damaged("something else stands before its first file or after its last")
    return found


def _ends_here(tail: bytes) -> bool:
    """Whether a comment of the told length reaches exactly to the end."""
    return len(tail) >= _END.size and len(tail) == _END.size + _END.unpack_from(tail)[-1]


def _end_64(archive: RandomAccess, locator: bytes) -> tuple[_End, int]:
    where: int = _LOCATOR.unpack(locator)[2]
    block = archive.read_at(where, _END_64.size) if where < archive.size_bytes else b""
    if len(block) < _END_64.size or not block.startswith(_END_64_MARK):
        raise damaged("its directory is not where it says")
    _, _, _, _, disk, first_disk, here, entries, size, offset = _END_64.unpack(block)
    if disk or first_disk or here != entries:
        raise damaged("it is one of several parts")
    return _End(entries=entries, offset=offset, size_bytes=size), where


def _files(archive: RandomAccess, end: _End) -> Iterator[ZipFile]:
    """Read the directory a little at a time; at most as many files as it says, and one more."""
    buffer, place, stop = b"", end.offset, end.offset + end.size_bytes
    for _ in range(end.entries + 1):
        if not buffer and place >= stop:
            return
        # A header with its three texts is no longer than four steps.
        while len(buffer) < _FILE.size or len(buffer) < _length(buffer):
            step = archive.read_at(place, min(_STEP_BYTES, stop - place))
            if not step:
                raise damaged("its directory is cut off")
            buffer, place = buffer + step, place + len(step)
        length = _length(buffer)
        yield _file(buffer[:length])
        buffer = buffer[length:]


def _length(header: bytes) -> int:
    if not header.startswith(_FILE_MARK):
        raise damaged("its directory can't be read")
    fields = _FILE.unpack_from(header)
    texts: tuple[int, int, int] = fields[11:14]
    return _FILE.size + sum(texts)


def _file(header: bytes) -> ZipFile:
    fields = _FILE.unpack_from(header)
    made_by, flags, method = fields[2], fields[4], fields[5]
    crc, packed, unpacked, name_bytes, extra_bytes = fields[8:13]
    attributes, offset = fields[16:18]
    name = header[_FILE.size : _FILE.size + name_bytes]
    extra = header[_FILE.size + name_bytes :][:extra_bytes]
    unpacked, packed, offset = _of_64_bits(extra, (unpacked, packed, offset))
    return ZipFile(
        offset=offset,
        flags=flags,
        method=method,
        crc=crc,
        packed_bytes=packed,
        unpacked_bytes=unpacked,
        name=name if name_bytes <= _LONGEST_NAME_BYTES else None,
        mode=attributes >> 16 if made_by == 3 else 0,  # noqa: PLR2004 - 4.4.2.2: Unix
    )


def _of_64_bits(extra: bytes, told: tuple[int, int, int]) -> tuple[int, int, int]:
    """Sizes and offset, those that don't fit 32 bits from the extra field (4.5.3)."""
    if _FULL_32 not in told:
        return told
    wide = _wide_numbers(extra)
    if len(wide) < told.count(_FULL_32):
        raise damaged("a size is missing in its directory")
    following = iter(wide)
    unpacked, packed, offset = [next(following) if one == _FULL_32 else one for one in told]
    return unpacked, packed, offset


def _wide_numbers(extra: bytes) -> Sequence[int]:
    while len(extra) >= 4:  # noqa: PLR2004 - id and length, 16 bits each
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _EXTRA_64:
            field = extra[4 : 4 + length]
            return struct.unpack_from(f"<{len(field) // 8}Q", field)
        extra = extra[4 + length :]
    return ()
