"""Images and videos between the gateway and the worker: kept until processed, then deleted.

This is the port with its in-memory implementation; `workers.blobs.obstore_store` is the real one.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO, Protocol

from workers.errors import BlobMissing

#: What can be stored; see `BlobStore.put`.
Content = bytes | BinaryIO | Generator[bytes, None, None]


class BlobStore(Protocol):
    """Bytes by key. Keys are job ids; they hold no path separators.

    Every method raises BlobStoreFailed when the store refuses.
    """

    def put(self, key: str, content: Content) -> None:
        """Store the content whole or not at all, replacing what was there.

        Args:
            key: Of the content.
            content: Bytes, or a file that can seek: read from its beginning, and never held in
                memory as a whole by stores that are not. Or parts, each made when the one before
                was taken; what making them raises is raised here, and nothing is stored.
        """
        ...

    def get(self, key: str) -> bytes:
        """The content.

        Raises:
            BlobMissing: there is none.
        """
        ...

    def part(self, key: str, *, first: int, size_bytes: int) -> bytes:
        """So many bytes of the content from the first one on, fewer at its end.

        Raises:
            BlobMissing: there is none.
        """
        ...

    def delete(self, key: str) -> None:
        """Forget a key. Forgetting an unknown key changes nothing."""
        ...

    def older_than(self, age_seconds: float) -> Iterator[str]:
        """Keys stored longer ago than that."""
        ...


class MemoryBlobs:
    """A BlobStore in this process."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._blobs: dict[str, tuple[float, bytes]] = {}
        self._lock = threading.Lock()

    def put(self, key: str, content: Content) -> None:
        """See BlobStore."""
        if isinstance(content, Generator):
            content = b"".join(content)
        elif not isinstance(content, bytes):
            content.seek(0)
            content = content.read()
        with self._lock:
            self._blobs[key] = (self._clock(), content)

    def get(self, key: str) -> bytes:
        """See BlobStore."""
        with self._lock:
            if key not in self._blobs:
                raise BlobMissing
            return self._blobs[key][1]

    def part(self, key: str, *, first: int, size_bytes: int) -> bytes:
        """See BlobStore."""
        return self.get(key)[first : first + size_bytes]

    def delete(self, key: str) -> None:
        """See BlobStore."""
        with self._lock:
            self._blobs.pop(key, None)

    def older_than(self, age_seconds: float) -> Iterator[str]:
        """See BlobStore."""
        limit = self._clock() - age_seconds
        with self._lock:
            keys = [key for key, (stored_at, _) in self._blobs.items() if stored_at < limit]
        yield from keys
