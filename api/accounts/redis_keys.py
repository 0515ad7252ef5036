"""API keys on Redis or Valkey: thin calls to the scripts in `api/accounts/lua`."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import redis

from api.accounts.errors import KeyEnded, KeyNotFound, TooManyKeys
from api.accounts.keys import MadeKey
from api.accounts.records import ApiKey, AuditEntry, FoundKey, KeyOwner, UserState
from api.accounts.redis_audit import RedisAudit
from api.accounts.scripts import Scripts, pairs
from api.principal import Role, Scope

#: How long a revoked or expired key can still be seen in its owner's list.
ENDED_SECONDS = 30 * 86_400
_SCRIPTS = ("key_create", "key_find", "key_list", "key_rotate", "key_revoke")


class RedisKeys:
    """KeyStore on a client.

    Args:
        client: Its answers may be text or bytes.
        audit: Where what is done is written down.
        clock_ms: Replaces the server's clock, for tests.
    """

    def __init__(
        self,
        client: redis.Redis,
        audit: RedisAudit,
        *,
        clock_ms: Callable[[], int] | None = None,
    ) -> None:
        self._scripts = Scripts(client, _SCRIPTS, clock_ms=clock_ms)
        self._audit = audit

    def create(self, key: ApiKey, digest: str, *, most: int, audit: AuditEntry) -> ApiKey:
        """See KeyStore."""
        fields = {
            "name": key.name,
            "scopes": " ".join(sorted(key.scopes)),
            "hint": key.hint,
            "digest": digest,
            **({} if key.expires_ms is None else {"expires_ms": str(key.expires_ms)}),
        }
        flat = [part for pair in fields.items() for part in pair]
        head = (key.id, key.user_id, most, ENDED_SECONDS)
        outcome, *stored = self._scripts.call(
            "key_create", *head, *flat, "audit", *self._audit.args(audit)
        )
        if outcome == "too_many":
            raise TooManyKeys
        kept = _key_of(key.id, pairs(stored[0]))
        if kept.user_id != key.user_id:
            raise KeyNotFound
        return kept

    def find(self, key_id: str) -> FoundKey | None:
        """See KeyStore."""
        answer = self._scripts.call("key_find", key_id)
        if not answer:
            return None
        flat, role, status = answer
        fields = pairs(flat)
        owner = KeyOwner(role=cast("Role", role), state=cast("UserState", status))
        return FoundKey(
            key=_key_of(key_id, fields),
            digest=fields["digest"],
            previous_digest=fields.get("previous_digest", ""),
            owner=owner if role and status else None,
        )

    def list(self, user_id: str) -> Sequence[ApiKey]:
        """See KeyStore."""
        found = self._scripts.call("key_list", user_id)
        return [_key_of(key_id, pairs(flat)) for key_id, flat in found]

    def get(self, user_id: str, key_id: str) -> ApiKey:
        """See KeyStore."""
        found = self.find(key_id)
        if found is None or found.key.user_id != user_id:
            raise KeyNotFound
        return found.key

    def rotate(
        self, user_id: str, made: MadeKey, *, overlap_seconds: int, audit: AuditEntry
    ) -> ApiKey:
        """See KeyStore."""
        head = (user_id, made.id, made.digest, made.hint, overlap_seconds * 1000)
        outcome, *stored = self._scripts.call("key_rotate", *head, *self._audit.args(audit))
        if outcome == "missing":
            raise KeyNotFound
        if outcome == "ended":
            raise KeyEnded
        return _key_of(made.id, pairs(stored[0]))

    def revoke(self, user_id: str, key_id: str, *, audit: AuditEntry) -> None:
        """See KeyStore."""
        head = (user_id, key_id, ENDED_SECONDS)
        if self._scripts.call("key_revoke", *head, *self._audit.args(audit)) == "missing":
            raise KeyNotFound


def _key_of(key_id: str, fields: Mapping[str, str]) -> ApiKey:
    def time_of(name: str) -> int | None:
        return int(fields[name]) if name in fields else None

    return ApiKey(
        id=key_id,
        user_id=fields["user"],
        name=fields["name"],
        scopes=frozenset(map(Scope, fields["scopes"].split())),
        hint=fields["hint"],
        created_ms=int(fields["created_ms"]),
        expires_ms=time_of("expires_ms"),
        last_used_ms=time_of("last_used_ms"),
        revoked_ms=time_of("revoked_ms"),
        previous_until_ms=time_of("previous_until_ms"),
    )
