"""The photos of a ZIP archive that is here as a whole."""

import stat
import struct
import zlib
from collections.abc import Callable, Sequence

from api.batches.archive_limits import ArchiveLimits
from api.batches.entries import Entries, Photo, Refused, is_litter, unnamed, wrong_id
from api.batches.zip_directory import LOCAL_BYTES, RandomAccess, ZipFile, read_directory
from api.offload import offload

#: APPNOTE.TXT 6.3.10, section 4.3.7.
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MARK = b"PK\x03\x04"
_STORED, _DEFLATED = 0, 8
#: Bits of the flags, 4.4.4: encrypted, strongly encrypted, encrypted directory; name in UTF-8.
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UTF_8 = 0x800


def zip_entries(
    archive: RandomAccess, limits: ArchiveLimits, *, turn: Callable[[str], int] = lambda _: 0
) -> Entries:
    """Each file of the archive, in the order of their places.

    Folders and what operating systems leave are passed over; links, devices and encrypted files
    are refused as items.

    Args:
        archive: The file.
        limits: What it may hold.
        turn: By name when a file is given: those of lower numbers first.

    Raises:
        ApiError: it is damaged or beyond the limits; nothing was given then.
    """
    files = read_directory(archive, limits)
    for number in sorted(range(1, len(files) + 1), key=lambda one: turn(_name(files[one - 1]))):
        file = files[number - 1]
        name = _name(file)
        if name.endswith("/") or stat.S_ISDIR(file.mode) or is_litter(name):
            continue
        if refused := _refused(file, name, number, limits):
            yield refused
            continue
        content = _content(archive, file, files[number].offset if number < len(files) else None)
        if content is None:
            message = "The file can't be unpacked, or is not what the archive's directory says."
            yield Refused(id=name, code="entry_damaged", message=message)
        else:
            yield Photo(id=name, content=content)


def _name(file: ZipFile) -> str:
    if file.name is None:
        return ""
    # Without the flag it is the code page of the first PCs, or whatever its writer uses.
    try:
        return file.name.decode()
    except UnicodeDecodeError:
        return file.name.decode("utf-8" if file.flags & _UTF_8 else "cp437", errors="replace")


def _refused(file: ZipFile, name: str, number: int, limits: ArchiveLimits) -> Refused | None:
    if why := wrong_id(name):
        return Refused(id=unnamed(number), code="unsafe_name", message=why)
    if stat.S_IFMT(file.mode) not in {0, stat.S_IFREG}:
        message = "Links and devices are not followed or opened."
        return Refused(id=name, code="unsupported_entry", message=message)
    if file.flags & _ENCRYPTED:
        return Refused(id=name, code="encrypted_entry", message="The file is encrypted.")
    if file.method not in {_STORED, _DEFLATED}:
        message = "Files are stored or deflated; this one is packed otherwise."
        return Refused(id=name, code="unsupported_compression", message=message)
    if file.unpacked_bytes > limits.item_bytes:
        message = f"The file is larger than {limits.item_bytes} bytes."
        return Refused(id=name, code="file_too_large", message=message)
    return None


def _content(archive: RandomAccess, file: ZipFile, following: int | None) -> bytes | None:
    """The file's bytes; None when they are not those the directory tells of."""
    start = _start(archive, file, following)
    if start is None:
        return None
    # No more is read than a file of the told size can take, however small it says it is packed.
    most_packed = file.unpacked_bytes + file.unpacked_bytes // 1000 + 1024
    if file.packed_bytes > most_packed:
        return None
    packed = archive.read_at(start, file.packed_bytes)
    content = packed if file.method == _STORED else offload(_inflate, packed, file.unpacked_bytes)
    if content is None or len(content) != file.unpacked_bytes:
        return None
    return content if offload(zlib.crc32, content) == file.crc else None


def _start(archive: RandomAccess, file: ZipFile, following: int | None) -> int | None:
    """Where the content begins; None when the local header contradicts the directory."""
    header = archive.read_at(file.offset, LOCAL_BYTES)
    if len(header) < LOCAL_BYTES or not header.startswith(_LOCAL_MARK):
        return None
    fields: Sequence[int] = _LOCAL.unpack(header)[1:]
    method, name_bytes, extra_bytes = fields[2], fields[8], fields[9]
    name = archive.read_at(file.offset + LOCAL_BYTES, name_bytes)
    start = file.offset + LOCAL_BYTES + name_bytes + extra_bytes
    overlaps = following is not None and start + file.packed_bytes > following
    return None if method != file.method or name != file.name or overlaps else start


def _inflate(packed: bytes, size_bytes: int) -> bytes | None:
    """Unpack to exactly that size; one byte more is never made."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflate.decompress(packed, size_bytes + 1)
    except zlib.error:
        return None
    return content if inflate.eof and len(content) == size_bytes else None
