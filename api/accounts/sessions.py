"""Logins that last: one session per device, kept alive by refresh tokens that are used once."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import uuid_utils

from api.accounts.users import User, digest_of
from api.principal import Role

#: `fs_refresh_`, the session's id without its prefix, 256 random bits.
REFRESH_TOKEN = re.compile(r"fs_refresh_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionTimes:
    """How long sessions last."""

    #: From the latest refresh, of one that is not to be remembered.
    plain_seconds: int
    #: The same of one that is.
    remembered_seconds: int
    #: From the login, however often it is refreshed.
    longest_seconds: int
    #: After a refresh: a client that asked twice at once, or lost the answer, is taken for honest.
    grace_seconds: int
    #: Sessions a user can have; the login beyond ends the one that would end first.
    most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A login as its owner is shown it."""

    #: `session_` and a UUIDv7 without dashes.
    id: str
    user_id: str
    #: What the client called itself at the login, cut.
    device: str
    #: Where the login came from.
    address: str
    #: Milliseconds since 1970; the last use is not more exact than a minute.
    created_ms: int
    last_ms: int
    expires_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Who a living session is of, as the store says now."""

    user_id: str
    role: Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A new session, or the next step of one."""

    session_id: str
    user: User
    #: Shown to the client once; its SHA-256 is stored.
    refresh_token: str
    expires_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reused:
    """A refresh token came that had been used before: the session was ended."""

    session_id: str
    user_id: str


class SessionStore(Protocol):
    """Where sessions are kept. Each call is one step; every method raises StoreUnavailable."""

    def begin(self, user: User, *, remembered: bool, device: str, address: str) -> Begun | None:
        """Begin a session; None: the user is suspended or gone, or has another password by now."""
        ...

    def refresh(self, token: str) -> Begun | Reused | None:
        """Take a refresh token for a new one.

        A token of the newest generation begins the next one. One of the generation before is taken
        too, for the grace time: two requests of an honest client may carry the same token, and an
        answer may be lost. It then gets another token of the newest generation. Every other token
        that was given out before ends the session, whoever sent it: there are two owners of it,
        and nobody can tell which is the thief.

        Returns:
            None: the token is none of a living session.
        """
        ...

    def look(self, session_id: str) -> Standing | None:
        """Who a session is of; None: it has ended, or its user is suspended or gone.

        Notes the time of the session's last use, at most once a minute.
        """
        ...

    def of_user(self, user_id: str) -> Sequence[Session]:
        """All sessions of a user that are alive, the one that lasts longest first."""
        ...

    def end(self, user_id: str, session_id: str) -> bool:
        """End one of a user's sessions. False: there is no such session of that user."""
        ...

    def end_all(self, user_id: str, *, spared: str = "") -> Sequence[str]:
        """End all sessions of a user but one; the ids of those that were alive."""
        ...


def new_session_id() -> str:
    """An id."""
    return f"session_{uuid_utils.uuid7().hex}"


def new_refresh_token(session_id: str) -> str:
    """A token of a session."""
    return f"fs_refresh_{session_id.removeprefix('session_')}_{secrets.token_urlsafe(32)}"


def session_of_token(token: str) -> str | None:
    """Id of the session a refresh token says it is of; None: it is no refresh token."""
    found = REFRESH_TOKEN.fullmatch(token)
    return f"session_{found[1]}" if found else None


def refresh_digest(token: str) -> str:
    """What is stored of a refresh token."""
    return digest_of(token)
