"""A gzip stream, unpacked a little at a time."""

import zlib

from api.batches.archive_limits import ArchiveLimits, damaged, truncated
from api.offload import offload
from api.whole_body import Readable

#: Packed bytes read, and unpacked bytes made, in one step.
STEP_BYTES = 256 * 1024
_GZIP = 31  # zlib's window bits: 15, and a gzip header
#: Streams of parallel packers have members of 64 KB. Each costs a call of zlib however little is in
#: it: beyond some hundreds they have to hold something.
_FREE_MEMBERS = 1000
_LEAST_MEMBER_BYTES = 1024


class GzipStream:
    """The unpacked bytes of a gzip stream, of several members too.

    Args:
        packed: Where it is read.
        limits: Checked with every step.
    """

    def __init__(self, packed: Readable, limits: ArchiveLimits) -> None:
        self._packed = packed
        self._limits = limits
        self._inflate = zlib.decompressobj(_GZIP)
        #: Read and not yet unpacked.
        self._rest = b""
        self._packed_bytes = 0
        self._unpacked_bytes = 0
        self._members = 1

    def read(self, size: int, /) -> bytes:
        """At most that many bytes; none at the end.

        Raises:
            ApiError: it is no gzip stream, damaged, cut off, or beyond the limits.
        """
        while True:
            if not self._rest:
                self._rest = self._packed.read(STEP_BYTES)
                self._packed_bytes += len(self._rest)
                if not self._rest:
                    return self._end()
            if self._inflate.eof and not self._next_member():
                continue
            found = self._step(min(size, STEP_BYTES))
            if found:
                return found

    def _end(self) -> bytes:
        if not self._inflate.eof:
            raise truncated()
        return b""

    def _next_member(self) -> bool:
        """Begin what follows a member; False for the zeros that pad tapes."""
        self._rest = self._rest.lstrip(b"\x00")
        if not self._rest:
            return False
        self._members += 1
        if (self._members - _FREE_MEMBERS) * _LEAST_MEMBER_BYTES > self._unpacked_bytes:
            raise damaged("its gzip stream has too many members with next to nothing in them")
        self._inflate = zlib.decompressobj(_GZIP)
        return True

    def _step(self, size: int) -> bytes:
        try:
            found: bytes = offload(self._inflate.decompress, self._rest, size)
        except zlib.error:
            raise damaged("its gzip stream can't be unpacked") from None
        inflate = self._inflate
        self._rest = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        self._unpacked_bytes += len(found)
        self._limits.check_bytes(packed=self._packed_bytes, unpacked=self._unpacked_bytes)
        return found
