"""Users and all kinds of credentials for them, made through the gateway's own stores."""

import time

from api.accounts.keys import make_key
from api.accounts.records import ApiKey, AuditEntry
from api.accounts.tokens import TokenIssuer
from api.accounts.users import User, new_user_id
from api.principal import Role, Scope
from api.services import Services

HOUR_MS = 3_600_000
NOBODY_NOTES = AuditEntry(action="test", user_id="")


def add_user(parts: Services, role: Role = "admin") -> User:
    """A new active user."""
    user_id = new_user_id()
    made = User(
        id=user_id,
        email=f"{user_id}@example.com",
        password="not a hash",  # noqa: S106 - nobody logs in with it
        role=role,
        email_verified=True,
    )
    parts.people.users.add(made)
    return made


def add_key(
    parts: Services,
    user: User,
    *scopes: Scope,
    expires_ms: int | None = None,
    revoked: bool = False,
) -> str:
    """A new API key of a user's."""
    made = make_key()
    parts.credentials.keys.create(
        ApiKey(
            id=made.id,
            user_id=user.id,
            name="of a test",
            scopes=frozenset(scopes),
            hint=made.hint,
            created_ms=0,
            expires_ms=expires_ms,
        ),
        made.digest,
        most=1000,
        audit=NOBODY_NOTES,
    )
    if revoked:
        parts.credentials.keys.revoke(user.id, made.id, audit=NOBODY_NOTES)
    return made.text


def add_token(parts: Services, user: User, *, ended: bool = False, age_ms: int = 0) -> str:
    """An access token of a new session of a user's."""
    begun = parts.people.sessions.begin(user, remembered=False, device="test", address="127.0.0.1")
    assert begun is not None
    issuer = TokenIssuer(
        parts.credentials.ring,
        token_seconds=parts.settings.access_token_seconds,
        now_ms=lambda: time.time_ns() // 1_000_000 - age_ms,
    )
    text = issuer.issue(user_id=user.id, role=user.role, session_id=begun.session_id).text
    if ended:
        assert parts.people.sessions.end(user.id, begun.session_id)
    return text


def bearer(credential: str) -> dict[str, str]:
    """As every client can send it."""
    return {"Authorization": f"Bearer {credential}"}


def key_header(key: str) -> dict[str, str]:
    """The other way, for keys only."""
    return {"X-API-Key": key}
