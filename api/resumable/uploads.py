"""Which resumable uploads there are and how far each of them has got.

This is the port; `api.resumable.redis_uploads` implements it. The bytes are in the blob store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from api.resumable.pieces import Piece

#: Most pieces of an upload; one that is sent in crumbs is refused before its list grows large.
MOST_PIECES = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class NewUpload:
    """An upload as it is announced."""

    #: "upload_" and 32 hexadecimal digits.
    id: str
    #: Whose: a user's id.
    owner: str
    length_bytes: int
    #: As the client wrote it: `key base64,key base64`.
    metadata: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """An upload as the store knows it."""

    id: str
    owner: str
    length_bytes: int
    #: What has arrived and is stored.
    offset_bytes: int
    metadata: str
    #: Milliseconds since 1970 by the store's clock.
    created_ms: int
    expires_ms: int

    @property
    def is_complete(self) -> bool:
        """Whether all of it is here."""
        return self.offset_bytes == self.length_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """What one owner may have at a time, unexpired; lengths count as announced."""

    uploads: int
    total_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Appended:
    """What came of noting pieces."""

    #: As it is now; None: it is gone.
    upload: Upload | None
    #: Whether the pieces are part of it.
    is_noted: bool


class UploadStore(Protocol):
    """Uploads for many gateway processes. Every call is atomic and may be repeated without harm.

    Every method raises StoreUnavailable when the store does not answer in time.
    """

    def create(self, upload: NewUpload, quota: Quota) -> Upload | None:
        """Store an upload of which nothing has arrived; as it is there, if the id is known.

        Returns:
            None when the owner's quota is used up.
        """
        ...

    def get(self, upload_id: str, *, owner: str) -> Upload | None:
        """The upload; None when the owner has none of that id, or it has expired."""
        ...

    def append(self, upload: Upload, pieces: Sequence[Piece]) -> Appended:
        """Note that pieces have arrived, if the upload still is where it was.

        Two that go on at the same offset: the first wins. Nothing is noted beyond the announced
        length, or beyond MOST_PIECES.

        Args:
            upload: As the caller knows it; the pieces begin at its offset.
            pieces: Stored, in their order.
        """
        ...

    def pieces(self, upload: Upload) -> Sequence[Piece]:
        """What has arrived, in its order."""
        ...

    def delete(self, upload: Upload) -> Sequence[Piece]:
        """Forget an upload, give its quota back, and tell what is to be deleted."""
        ...
