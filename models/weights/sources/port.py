"""The port to a place that has weight files."""

from pathlib import Path
from typing import Any, Protocol

from models.weights.progress import Progress

#: No archive may be larger: the largest model package known has 1.1 GB.
MAX_ARCHIVE_BYTES = 4 * 1024**3


class Fetcher(Protocol):
    """Downloads what a source names. Never unpacks, installs or runs any of it."""

    # The source's type follows from the catalogue's `kind`, under which the fetcher is registered.
    def fetch(self, source: Any, folder: Path, limit_bytes: int, progress: Progress) -> Path:  # noqa: ANN401 - see above
        """Download the file, or the archive that has the source's member, into an empty folder.

        Nothing is verified; the caller knows the hash. Whatever else is left in the folder is
        the caller's to delete.

        Args:
            source: A source of the catalogue of the fetcher's kind.
            folder: Exists, empty, owned by the caller.
            limit_bytes: More than this is refused.
            progress: Told while bytes come in.

        Raises:
            SourceUnavailable: it could not be had; the message is one line and says why.
            StoreFull: the disk has no room.
        """
        ...
