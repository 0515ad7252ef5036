"""The photos of a TAR archive, read from a stream that is never kept."""

from collections.abc import Iterator

from api.batches.archive_limits import ArchiveLimits, damaged, truncated
from api.batches.entries import Entries, Entry, Photo, Refused, is_litter, unnamed, wrong_id
from api.batches.tar_header import (
    BLOCK_BYTES,
    FOLDER,
    LONG_LINK,
    LONG_NAME,
    PAX,
    PAX_GLOBAL,
    REGULAR,
    WITHOUT_CONTENT,
    TarHeader,
    pax_records,
    read_header,
    size_of,
)
from api.offload import give_way
from api.whole_body import Readable

#: Longest extended header that is read; names take a few hundred bytes.
LONGEST_EXTENSION_BYTES = 64 * 1024
_STEP_BYTES = 64 * 1024
#: So many are read before others may go on; a header takes some 30 µs.
_HEADERS_AT_A_TIME = 100


def tar_entries(stream: Readable, limits: ArchiveLimits) -> Entries:
    """Each file of the archive as it arrives.

    Folders and what operating systems leave are passed over; links, devices and sparse files are
    refused as items.

    Args:
        stream: The archive, unpacked.
        limits: What it may hold.

    Raises:
        ApiError: it is damaged, cut off or beyond the limits. What came before stays good.
    """
    return _TarReader(stream, limits).entries()


class _TarReader:
    def __init__(self, stream: Readable, limits: ArchiveLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._count = 0
        self._unpacked_bytes = 0

    def entries(self) -> Iterator[Entry]:
        name: bytes | None = None
        records: dict[bytes, bytes] = {}
        while (header := read_header(self._read(BLOCK_BYTES))) is not None:
            self._count += 1
            self._limits.check_entries(self._count)
            if self._count % _HEADERS_AT_A_TIME == 0:
                give_way()  # an archive of nothing but folders makes nobody wait
            if header.type == LONG_NAME:
                name = self._extension(header).partition(b"\0")[0]
            elif header.type == PAX:
                records = pax_records(self._extension(header))
            elif header.type in {PAX_GLOBAL, LONG_LINK}:
                self._extension(header)
            else:
                yield from self._entry(header, name, records)
                name, records = None, {}
        self._drain()

    def _entry(
        self, header: TarHeader, long_name: bytes | None, records: dict[bytes, bytes]
    ) -> Iterator[Entry]:
        size_bytes = size_of(records[b"size"]) if b"size" in records else header.size_bytes
        size_bytes = 0 if header.type in WITHOUT_CONTENT else size_bytes
        self._unpacked_bytes += size_bytes
        self._limits.check_bytes(packed=self._unpacked_bytes, unpacked=self._unpacked_bytes)
        told = records.get(b"path", long_name or header.name)
        # `tar -C folder .` writes it before every name.
        name = told.decode(errors="replace").removeprefix("./")
        if header.type == FOLDER or name.endswith("/") or is_litter(name):
            self._skip(size_bytes)
            return
        refused = self._refused(header, name, size_bytes, records)
        if refused is None:
            yield Photo(id=name, content=self._content(size_bytes))
        else:
            self._skip(size_bytes)
            yield refused

    def _refused(
        self, header: TarHeader, name: str, size_bytes: int, records: dict[bytes, bytes]
    ) -> Refused | None:
        if why := wrong_id(name):
            return Refused(id=unnamed(self._count), code="unsafe_name", message=why)
        if header.type not in REGULAR or any(key.startswith(b"GNU.sparse") for key in records):
            message = "Links, devices and sparse files are not followed or opened."
            return Refused(id=name, code="unsupported_entry", message=message)
        if size_bytes > self._limits.item_bytes:
            message = f"The file is larger than {self._limits.item_bytes} bytes."
            return Refused(id=name, code="file_too_large", message=message)
        return None

    def _extension(self, header: TarHeader) -> bytes:
        if header.size_bytes > LONGEST_EXTENSION_BYTES:
            raise damaged(f"an extended header is longer than {LONGEST_EXTENSION_BYTES} bytes")
        return self._content(header.size_bytes)

    def _content(self, size_bytes: int) -> bytes:
        content = self._read(size_bytes)
        self._read(-size_bytes % BLOCK_BYTES)
        return content

    def _skip(self, size_bytes: int) -> None:
        left = size_bytes + -size_bytes % BLOCK_BYTES
        while left:
            left -= len(self._read(min(left, _STEP_BYTES)))

    def _drain(self) -> None:
        """Read what fills up the last record: a second archive behind it must not be lost."""
        while rest := self._stream.read(_STEP_BYTES):
            if rest.strip(b"\0"):
                raise damaged("something follows its end")

    def _read(self, size_bytes: int) -> bytes:
        """Exactly that many bytes."""
        parts: list[bytes] = []
        left = size_bytes
        while left:
            part = self._stream.read(left)
            if not part:
                raise truncated()
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
