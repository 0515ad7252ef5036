"""The log of security-relevant acts: appended to, never changed, cut at its far end."""

from collections.abc import Sequence
from typing import Protocol

from api.accounts.records import AuditEntry, StoredAuditEntry


class AuditLog(Protocol):
    """Where acts are written down. Every method raises StoreUnavailable."""

    def note(self, entry: AuditEntry) -> None:
        """Append an entry."""
        ...

    def read(
        self, *, limit: int, before: str | None, user_id: str | None, action: str | None
    ) -> Sequence[StoredAuditEntry]:
        """Entries, newest first.

        Args:
            limit: At most so many.
            before: Id of an entry: only older ones.
            user_id: Only what this user did.
            action: Only acts of this name.
        """
        ...
