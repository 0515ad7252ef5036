"""Who a credential is of: one call of the store for a key, one for a token."""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from api.accounts.errors import (
    CredentialExpired,
    CredentialInvalid,
    UserSuspended,
)
from api.accounts.keys import KeyStore, digest_of, id_in, is_secret_of
from api.accounts.records import FoundKey, KeyOwner
from api.accounts.sessions import Standing
from api.accounts.tokens import TokenIssuer
from api.principal import LOCAL, SCOPES_OF_ROLE, Principal, Scope

#: Id by which the development key is known.
DEVELOPMENT_KEY_ID = "key_development"
#: When a key was used last is not noted more often than this.
NOTE_USE_MS = 60_000


class Sessions(Protocol):
    """What is asked of the sessions."""

    def look(self, session_id: str) -> Standing | None:
        """Who a session is of; None: it has ended, or its user is suspended or gone."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """A caller whose credential was good."""

    principal: Principal
    #: When a key was used, where that is to be noted.
    key_used_ms: int | None = None


class Callers:
    """Tells callers by their credentials.

    Args:
        keys: API keys.
        tokens: Access tokens.
        sessions: Their sessions.
        development_key: A key with every right; None: there is none.
        is_local: Whether the gateway listens on a loopback address. Only then are the development
            key and the keys made with it taken.
        now_ms: Clock.
    """

    def __init__(
        self,
        keys: KeyStore,
        tokens: TokenIssuer,
        sessions: Sessions,
        *,
        development_key: str | None,
        is_local: bool,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._keys, self._tokens, self._sessions = keys, tokens, sessions
        self._is_local, self._now_ms = is_local, now_ms
        known = development_key if is_local else None
        self._development_digest = "" if known is None else digest_of(known)

    def principal_of(self, credential: str) -> Principal:
        """Who sent this key or token.

        Raises:
            CredentialInvalid: it is malformed, unknown or revoked.
            CredentialExpired: its time is over.
            UserSuspended: its user may not call.
            StoreUnavailable: the store does not answer.
        """
        return self.identify(credential).principal

    def identify(self, credential: str) -> Caller:
        """The same, with what is to be noted of the use of a key."""
        if self._is_development_key(credential):
            return Caller(
                principal=Principal(
                    user_id=LOCAL.user_id,
                    role=LOCAL.role,
                    scopes=LOCAL.scopes,
                    kind="key",
                    credential_id=DEVELOPMENT_KEY_ID,
                )
            )
        key_id = id_in(credential)
        return self._by_token(credential) if key_id is None else self._by_key(credential, key_id)

    def _is_development_key(self, credential: str) -> bool:
        return hmac.compare_digest(
            digest_of(credential), self._development_digest or "-" * len(digest_of(""))
        )

    def _by_key(self, credential: str, key_id: str) -> Caller:
        found = self._keys.find(key_id)
        now_ms = self._now_ms()
        if found is None or not is_secret_of(credential, found, now_ms=now_ms):
            raise CredentialInvalid
        role = self._owner_of(found, now_ms).role
        used_ms = found.key.last_used_ms
        return Caller(
            principal=Principal(
                user_id=found.key.user_id,
                role=role,
                scopes=found.key.scopes & SCOPES_OF_ROLE[role],
                kind="key",
                credential_id=key_id,
            ),
            key_used_ms=now_ms if used_ms is None or used_ms + NOTE_USE_MS <= now_ms else None,
        )

    def _owner_of(self, found: FoundKey, now_ms: int) -> KeyOwner:
        """The owner of a key that may be used."""
        match found.key.state(now_ms):
            case "revoked":
                raise CredentialInvalid(credential_id=found.key.id)
            case "expired":
                raise CredentialExpired(credential_id=found.key.id)
        owner = found.owner
        if found.key.user_id == LOCAL.user_id:
            owner = KeyOwner(role=LOCAL.role, state="active") if self._is_local else None
        if owner is None:
            raise CredentialInvalid(credential_id=found.key.id)
        if owner.state != "active":
            raise UserSuspended
        return owner

    def _by_token(self, credential: str) -> Caller:
        claims = self._tokens.verify(credential)
        standing = self._sessions.look(claims.session_id)
        if standing is None or standing.user_id != claims.user_id:
            raise CredentialInvalid(credential_id=claims.session_id)
        scopes: frozenset[Scope] = SCOPES_OF_ROLE[standing.role]
        return Caller(
            principal=Principal(
                user_id=standing.user_id,
                role=standing.role,
                scopes=scopes,
                kind="token",
                credential_id=claims.session_id,
            )
        )
