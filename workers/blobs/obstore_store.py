"""The blob store on obstore: a local folder by default, S3, GCS or Azure by URL."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from workers.blobs.store import Content
from workers.errors import BlobMissing, BlobStoreFailed

#: Our part of a store that others may use too; nothing outside it is read, listed or deleted.
PREFIX = "facesocial/jobs/"
#: What outlives jobs: kept photos of known people, and snapshots of their indexes. Apart, so that
#: whoever looks for old images of jobs need not go through them.
IDENTITY_PREFIX = "facesocial/identities/"
#: A file is sent in parts of so many bytes, so many at a time: what a file takes in memory.
PART_BYTES, PARTS_AT_ONCE = 5 * 1024 * 1024, 2


class ObstoreBlobs:
    """A BlobStore anywhere obstore can reach, under a prefix of its own.

    Args:
        store: Where.
        folder: Of a local store: what a killed writer left half-written there is not listed by
            obstore, so it is deleted here.
        prefix: The part of the store.
    """

    def __init__(
        self, store: ObjectStore, *, folder: Path | None = None, prefix: str = PREFIX
    ) -> None:
        self._store = store
        self._folder = folder
        self._prefix = prefix

    def put(self, key: str, content: Content) -> None:
        """See BlobStore."""
        if not isinstance(content, (bytes, Generator)):
            content.seek(0)
        try:
            obstore.put(
                self._store,
                self._prefix + key,
                content,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(f"The image could not be stored: {error}.") from error

    def get(self, key: str) -> bytes:
        """See BlobStore."""
        try:
            return bytes(obstore.get(self._store, self._prefix + key).bytes())
        except (NotFoundError, FileNotFoundError):
            raise BlobMissing from None
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(f"The image could not be read: {error}.") from error

    def part(self, key: str, *, first: int, size_bytes: int) -> bytes:
        """See BlobStore."""
        path = self._prefix + key
        try:
            # Asked for what lies behind the end, stores refuse, each with an error of its own.
            there = obstore.head(self._store, path)["size"]
            size = min(size_bytes, there - first)
            if size <= 0:
                return b""
            return bytes(obstore.get_range(self._store, path, start=first, length=size))
        except (NotFoundError, FileNotFoundError):
            raise BlobMissing from None
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(f"The blob could not be read: {error}.") from error

    def delete(self, key: str) -> None:
        """See BlobStore."""
        try:
            obstore.delete(self._store, self._prefix + key)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(f"The image could not be deleted: {error}.") from error

    def older_than(self, age_seconds: float) -> Iterator[str]:
        """See BlobStore."""
        limit = datetime.now(UTC) - timedelta(seconds=age_seconds)
        try:
            self._delete_half_written(limit)
            for chunk in obstore.list(self._store, prefix=self._prefix):
                for meta in chunk:
                    if meta["last_modified"] < limit:
                        yield str(meta["path"]).removeprefix(self._prefix)
        except (BaseError, OSError) as error:
            raise BlobStoreFailed(f"The blob store could not be listed: {error}.") from error

    def _delete_half_written(self, limit: datetime) -> None:
        """Delete old staging files: obstore writes to `<key>#<number>` and renames."""
        if self._folder is None or not self._folder.is_dir():
            return
        for path in self._folder.glob("*#*"):
            # A writer that lives renames its file at any moment: what has gone was no leftover.
            with suppress(FileNotFoundError):
                if datetime.fromtimestamp(path.stat().st_mtime, UTC) < limit:
                    path.unlink()


def open_blobs(url: str, *, prefix: str = PREFIX) -> ObstoreBlobs:
    """A part of the blob store at a URL; a local folder is made, readable by this user only.

    Raises:
        BlobStoreFailed: the URL is not understood or the folder can't be made.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme == "file":
            folder = Path(unquote(parts.path))
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return ObstoreBlobs(LocalStore(folder), folder=folder / prefix, prefix=prefix)
        return ObstoreBlobs(from_url(url), prefix=prefix)
    except (BaseError, OSError, ValueError) as error:
        raise BlobStoreFailed(f"The blob store {url} can't be opened: {error}.") from error
