"""What is stored of credentials and told of them. Times are milliseconds since 1970, UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from api.principal import Role, Scope

#: `active` may log in and call; a `suspended` user's keys and tokens are refused.
UserState = Literal["pending_verification", "active", "suspended"]
KeyState = Literal["active", "expired", "revoked"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """What is known of an API key. The key itself is nowhere."""

    #: `key_` and a UUIDv7 without dashes.
    id: str
    user_id: str
    #: Its owner's word for it.
    name: str
    #: What it may do, as far as its owner still may.
    scopes: frozenset[Scope]
    #: Its last four letters, to tell keys apart.
    hint: str
    created_ms: int
    #: None: it does not expire.
    expires_ms: int | None = None
    #: None: never. Not more exact than a minute.
    last_used_ms: int | None = None
    #: None: it is not revoked.
    revoked_ms: int | None = None
    #: Until when the secret before the last rotation is taken; None: it is not.
    previous_until_ms: int | None = None

    def state(self, now_ms: int) -> KeyState:
        """Whether it can be used at that time."""
        if self.revoked_ms is not None:
            return "revoked"
        if self.expires_ms is not None and self.expires_ms <= now_ms:
            return "expired"
        return "active"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyOwner:
    """What decides about a key besides itself."""

    role: Role
    state: UserState


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundKey:
    """A key as it was looked up for a request."""

    key: ApiKey
    #: SHA-256 of the whole key, hexadecimal.
    digest: str
    #: Of the one before the last rotation; "" when there is none.
    previous_digest: str
    #: None: the user is gone.
    owner: KeyOwner | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One security-relevant act."""

    #: What happened: "key.created", "login.failed" …
    action: str
    #: Who did it; "" where that is not known.
    user_id: str
    #: Key or session that was used; "" where there was none.
    credential_id: str = ""
    #: Where from, without the last part; see `api.auditing`.
    address: str = ""
    request_id: str = ""
    #: Short plain words: ids, names of rights. Never a secret, e-mail or image.
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAuditEntry:
    """One of the log."""

    #: Place in the log: milliseconds and a number.
    id: str
    entry: AuditEntry
