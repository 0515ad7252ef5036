"""A TAR archive's blocks: headers as POSIX 1003.1-1988, GNU tar and pax (2001) write them.

The standard library's reader is not used for archives of strangers: it reads a long name of any
length into memory, and takes a damaged header in the middle of a stream for the archive's end.
"""

import struct
from dataclasses import dataclass

from api.batches.archive_limits import damaged

BLOCK_BYTES = 512
#: name, size, checksum, type, magic, prefix.
_HEADER = struct.Struct("100s 24x 12s 12x 8s c 100x 6s 82x 155s 12x")
_CHECKSUM = slice(148, 156)
#: A size in binary: the first bit is set. All ones: a negative number, which no size is.
_BINARY, _NEGATIVE = 0x80, 0xFF
#: Old archives mark folders by their name only.
REGULAR = frozenset({b"0", b"\0", b"7"})
FOLDER = b"5"
LONG_NAME, LONG_LINK = b"L", b"K"
PAX, PAX_GLOBAL = b"x", b"g"
#: Types without content, whatever size they tell: links, devices, folders, pipes.
WITHOUT_CONTENT = frozenset({b"1", b"2", b"3", b"4", FOLDER, b"6"})


@dataclass(frozen=True, kw_only=True, slots=True)
class TarHeader:
    """What a header says of what follows."""

    name: bytes
    size_bytes: int
    #: One byte.
    type: bytes


def read_header(block: bytes) -> TarHeader | None:
    """A header; None for the block of zeros that ends an archive.

    Raises:
        ApiError: `archive_damaged`.
    """
    if not block.strip(b"\0"):
        return None
    name, size, checksum, type_, magic, prefix = _HEADER.unpack(block)
    if _number(checksum) not in _sums(block):
        raise damaged("a header's checksum is wrong")
    name = name.partition(b"\0")[0]
    if magic == b"ustar\0" and (folder := prefix.partition(b"\0")[0]):
        name = folder + b"/" + name
    return TarHeader(name=name, size_bytes=_number(size), type=type_)


def pax_records(content: bytes) -> dict[bytes, bytes]:
    """The records of an extended header: `length key=value` and a line end each.

    Raises:
        ApiError: `archive_damaged`.
    """
    records: dict[bytes, bytes] = {}
    while content.strip(b"\0"):
        digits, _, _ = content.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < len("1000000") else 0
        record = content[len(digits) + 1 : length]
        key, equals, value = record.partition(b"=")
        if length > len(content) or not equals or not value.endswith(b"\n"):
            raise damaged("an extended header can't be read")
        records[key] = value[:-1]
        content = content[length:]
    return records


def size_of(text: bytes) -> int:
    """The size that an extended header tells.

    Raises:
        ApiError: `archive_damaged`.
    """
    if not text.isdigit() or len(text) > len(str(2**63)):
        raise damaged("a size is no number")
    return int(text)


def _number(field: bytes) -> int:
    first = field[0]
    if first == _NEGATIVE:
        raise damaged("a size is negative")
    if first & _BINARY:
        return int.from_bytes(bytes([first & ~_BINARY]) + field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise damaged("a number in a header can't be read")
    return int(digits or b"0", 8)


def _sums(block: bytes) -> tuple[int, int]:
    """The checksum, of unsigned bytes and, as some old writers made it, of signed ones."""
    rest = block[: _CHECKSUM.start] + b" " * 8 + block[_CHECKSUM.stop :]
    unsigned = sum(rest)
    return unsigned, unsigned - 256 * sum(byte > 127 for byte in rest)  # noqa: PLR2004 - the sign
