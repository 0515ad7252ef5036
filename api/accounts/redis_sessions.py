"""Sessions on Redis or Valkey: thin calls to the scripts in `api/accounts/lua`."""

from collections.abc import Callable, Sequence
from typing import cast

import redis

from api.accounts.redis_users import user_of
from api.accounts.scripts import Scripts, pairs
from api.accounts.sessions import (
    Begun,
    Reused,
    Session,
    SessionTimes,
    Standing,
    new_refresh_token,
    new_session_id,
    refresh_digest,
    session_of_token,
)
from api.accounts.users import User
from api.principal import Role

#: How old the note of a session's last use may become while it is used.
TOUCH_MS = 60_000

_SCRIPTS = (
    "session_begin",
    "session_rotate",
    "session_look",
    "session_list",
    "session_end",
    "session_end_all",
)


class RedisSessions:
    """A `SessionStore` shared by all gateways that reach one server.

    Args:
        client: Its answers may be text or bytes.
        times: How long sessions last.
        clock_ms: Replaces the server's clock, for tests.
    """

    def __init__(
        self,
        client: redis.Redis,
        times: SessionTimes,
        *,
        clock_ms: Callable[[], int] | None = None,
    ) -> None:
        self._times = times
        self._scripts = Scripts(client, _SCRIPTS, clock_ms=clock_ms)

    def begin(self, user: User, *, remembered: bool, device: str, address: str) -> Begun | None:
        """See SessionStore."""
        times = self._times
        session_id = new_session_id()
        token = new_refresh_token(session_id)
        lifetime_seconds = times.remembered_seconds if remembered else times.plain_seconds
        outcome, *ends = self._scripts.call(
            "session_begin",
            session_id,
            user.id,
            refresh_digest(token),
            lifetime_seconds * 1000,
            times.longest_seconds * 1000,
            times.most,
            device,
            address,
            user.password,
        )
        if outcome != "begun":
            return None
        return Begun(session_id=session_id, user=user, refresh_token=token, expires_ms=int(ends[0]))

    def refresh(self, token: str) -> Begun | Reused | None:
        """See SessionStore."""
        session_id = session_of_token(token)
        if session_id is None:
            return None
        new_token = new_refresh_token(session_id)
        outcome, *rest = self._scripts.call(
            "session_rotate",
            session_id,
            refresh_digest(token),
            refresh_digest(new_token),
            self._times.grace_seconds * 1000,
        )
        if outcome == "reused":
            return Reused(session_id=session_id, user_id=rest[0])
        if outcome != "rotated":
            return None
        user_id, ends_ms, fields = rest
        return Begun(
            session_id=session_id,
            user=user_of(user_id, pairs(fields)),
            refresh_token=new_token,
            expires_ms=int(ends_ms),
        )

    def look(self, session_id: str) -> Standing | None:
        """See SessionStore."""
        found = self._scripts.call("session_look", session_id, TOUCH_MS)
        return Standing(user_id=found[0], role=cast("Role", found[1])) if found else None

    def of_user(self, user_id: str) -> Sequence[Session]:
        """See SessionStore."""
        flat = self._scripts.call("session_list", user_id)
        return tuple(
            _session_of(session_id, pairs(fields))
            for session_id, fields in zip(flat[::2], flat[1::2], strict=True)
        )

    def end(self, user_id: str, session_id: str) -> bool:
        """See SessionStore."""
        return bool(self._scripts.call("session_end", user_id, session_id))

    def end_all(self, user_id: str, *, spared: str = "") -> Sequence[str]:
        """See SessionStore."""
        return tuple(self._scripts.call("session_end_all", user_id, spared))


def _session_of(session_id: str, fields: dict[str, str]) -> Session:
    return Session(
        id=session_id,
        user_id=fields["user"],
        device=fields["device"],
        address=fields["address"],
        created_ms=int(fields["created_ms"]),
        last_ms=int(fields["last_ms"]),
        expires_ms=int(fields["expires_ms"]),
    )
