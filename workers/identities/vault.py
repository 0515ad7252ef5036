"""The key vault: one file for each collection, apart from everything else.

This is the port with its in-memory implementation; `workers.identities.folder_vault` and
`workers.identities.obstore_vault` are the real ones.
"""

import threading
from typing import Protocol


class KeyVault(Protocol):
    """Keeps one small file for each collection, and no older one.

    Every method raises VaultUnavailable when files can't be read or written.
    """

    def read(self, uid: str) -> bytes | None:
        """A collection's file, whole; None: there is none."""
        ...

    def swap(self, uid: str, *, old: bytes | None, new: bytes) -> bool:
        """Replace a file, unless somebody else was faster. Once told, it outlives a power cut.

        The old content is not kept. What of it stays on the disk is said in
        docs/explanation/forgetting.md.

        Args:
            uid: Of the collection.
            old: What is there, as far as the caller knows; None: nothing.
            new: What is to be there.

        Returns:
            False: something else is there; nothing was changed.
        """
        ...


class MemoryVault:
    """A KeyVault in this process."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def read(self, uid: str) -> bytes | None:
        """See KeyVault."""
        with self._lock:
            return self._files.get(uid)

    def swap(self, uid: str, *, old: bytes | None, new: bytes) -> bool:
        """See KeyVault."""
        with self._lock:
            if self._files.get(uid) != old:
                return False
            self._files[uid] = new
            return True
