"""Large bodies in the blob store, in pieces: written while they arrive, read anywhere."""

import secrets
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gunicorn.http.errors import (
    ParseException,
)
from werkzeug.exceptions import HTTPException

from api.errors import ApiError
from api.whole_body import Readable
from workers.blobs.store import BlobStore
from workers.errors import BlobStoreFailed, StoreUnavailable

#: A piece is no larger: this much of a body is in memory at a time.
PIECE_BYTES = 2 * 1024 * 1024
_READ_BYTES = 64 * 1024
#: How a body breaks: its client has gone or sends nonsense, there is too much of it, or the limits
#: are reached or can't be asked while it arrives.
_BREAKS = (OSError, ParseException, HTTPException, ApiError, StoreUnavailable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Part of a body."""

    #: In the blob store; no two pieces ever have the same.
    key: str
    size_bytes: int


def store_pieces(stream: Readable, blobs: BlobStore, *, name: str) -> Iterator[Piece]:
    """Store what a stream gives, a piece at a time, each before it is told.

    Args:
        stream: Read to its end.
        blobs: Where the pieces go.
        name: What their keys begin with.

    Raises:
        Exception: what reading the stream raises, after what had arrived was stored and told.
    """
    while True:
        content, error = _read_piece(stream)
        if content:
            piece = Piece(key=f"{name}.{secrets.token_hex(8)}", size_bytes=len(content))
            blobs.put(piece.key, content)
            yield piece
        if error:
            raise error
        if len(content) < PIECE_BYTES:
            return


def _read_piece(stream: Readable) -> tuple[bytes, Exception | None]:
    """The next piece, shorter at the stream's end; and how the stream broke, if it did."""
    content = bytearray()
    while len(content) < PIECE_BYTES:
        try:
            part = stream.read(min(_READ_BYTES, PIECE_BYTES - len(content)))
        except _BREAKS as error:
            return bytes(content), error
        if not part:
            break
        content += part
    return bytes(content), None


def delete_pieces(pieces: Sequence[Piece], blobs: BlobStore) -> None:
    """Delete them; those that can't be deleted now are left to the sweep."""
    for piece in pieces:
        with suppress(BlobStoreFailed):
            blobs.delete(piece.key)


class PieceFile:
    """A body in pieces, read at any place; one piece is in memory.

    Args:
        pieces: In their order.
        blobs: Where they are.
    """

    def __init__(self, pieces: Sequence[Piece], blobs: BlobStore) -> None:
        self._pieces = pieces
        self._blobs = blobs
        self._starts: list[int] = []
        total = 0
        for piece in pieces:
            self._starts.append(total)
            total += piece.size_bytes
        self._size_bytes = total
        #: The piece in memory; None before the first.
        self._held: tuple[int, bytes] | None = None
        #: Where `read` goes on.
        self._place = 0

    @property
    def size_bytes(self) -> int:
        """Of all of it."""
        return self._size_bytes

    def read(self, size: int, /) -> bytes:
        """At most that many bytes, from where the last read ended; none at the end."""
        found = self.read_at(self._place, size)
        self._place += len(found)
        return found

    def read_at(self, offset: int, size: int) -> bytes:
        """That many bytes from there, fewer only at the end.

        Raises:
            BlobMissing: a piece is gone.
            BlobStoreFailed: the blob store refuses.
        """
        parts = []
        while size > 0 and offset < self._size_bytes:
            number = bisect_right(self._starts, offset) - 1
            content = self._piece(number)
            begin = offset - self._starts[number]
            part = content[begin : begin + size]
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _piece(self, number: int) -> bytes:
        if self._held is None or self._held[0] != number:
            # Let go of first: two in memory are one too many.
            self._held = None
            self._held = (number, self._blobs.get(self._pieces[number].key))
        return self._held[1]
