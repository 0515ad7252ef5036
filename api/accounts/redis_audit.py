"""The audit log as a stream of Redis or Valkey."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import redis

from api.accounts.records import AuditEntry, StoredAuditEntry
from api.accounts.scripts import AUDIT
from workers.connections.calls import text, texts, translated

#: Entries read at a time while looking for those of one user or act.
_PAGE = 500
#: Most entries looked through for one answer: the log may be long, and what is sought rare.
_MOST_LOOKED_AT = 20_000


def audit_fields(entry: AuditEntry) -> dict[str, str]:
    """An entry as names and values of the stream; empty ones are left out."""
    told = {
        "action": entry.action,
        "user": entry.user_id,
        "credential": entry.credential_id,
        "address": entry.address,
        "request": entry.request_id,
        "detail": json.dumps(dict(entry.detail)) if entry.detail else "",
    }
    return {name: value for name, value in told.items() if value}


class RedisAudit:
    """AuditLog on a client.

    Args:
        client: Its answers may be text or bytes.
        entries_kept: About how many entries stay.
    """

    def __init__(self, client: redis.Redis, *, entries_kept: int) -> None:
        self._client = client
        self._kept = entries_kept

    def args(self, entry: AuditEntry) -> list[str]:
        """What `write_audit` of lua/prelude.lua takes, for scripts that append by themselves."""
        flat = [part for pair in audit_fields(entry).items() for part in pair]
        return [str(self._kept), *flat]

    def note(self, entry: AuditEntry) -> None:
        """See AuditLog."""
        with translated():
            fields: Any = audit_fields(entry)
            self._client.xadd(AUDIT, fields, maxlen=self._kept, approximate=True)

    def read(
        self, *, limit: int, before: str | None, user_id: str | None, action: str | None
    ) -> Sequence[StoredAuditEntry]:
        """See AuditLog. Gives up after some twenty thousand entries that don't fit."""
        found: list[StoredAuditEntry] = []
        for stored in self._backwards(before):
            entry = stored.entry
            if user_id in (None, entry.user_id) and action in (None, entry.action):
                found.append(stored)
            if len(found) >= limit:
                break
        return found

    def _backwards(self, before: str | None) -> Iterator[StoredAuditEntry]:
        end = f"({before}" if before else "+"
        for _ in range(_MOST_LOOKED_AT // _PAGE):
            with translated():
                page: Any = self._client.xrevrange(AUDIT, max=end, count=_PAGE)
            for entry_id, fields in page:
                yield _stored(text(entry_id), texts(fields))
            if len(page) < _PAGE:
                return
            end = f"({text(page[-1][0])}"


def _stored(entry_id: str, fields: dict[str, str]) -> StoredAuditEntry:
    return StoredAuditEntry(
        id=entry_id,
        entry=AuditEntry(
            action=fields["action"],
            user_id=fields.get("user", ""),
            credential_id=fields.get("credential", ""),
            address=fields.get("address", ""),
            request_id=fields.get("request", ""),
            detail=json.loads(fields.get("detail", "{}")),
        ),
    )
