"""The scripts in `api/accounts/lua`: loaded once, called with the keys' prefix and the clock."""

from collections.abc import Callable, Sequence
from typing import Any

import redis

from workers.connections.calls import scripts_of, translated

#: Of all keys of accounts, with their hash tag.
PREFIX = "fs:{accounts}:"
#: The keys that the scripts make of it; docs/reference/redis-keys.md describes them.
EMAILS = PREFIX + "emails"
USERS = PREFIX + "users"
ADMINS = PREFIX + "admins"
USER_PREFIX = PREFIX + "user:"
BACKUP_PREFIX = PREFIX + "backup:"
SESSIONS_PREFIX = PREFIX + "sessions:"
SESSION_PREFIX = PREFIX + "session:"
TOKENS_PREFIX = PREFIX + "tokens:"
ONCE_PREFIX = PREFIX + "once:"
REGISTRATION_PREFIX = PREFIX + "registration:"
ATTEMPTS_PREFIX = PREFIX + "attempts:"
MAILS_PREFIX = PREFIX + "mails:"
KEY_PREFIX = PREFIX + "key:"
KEYS_PREFIX = PREFIX + "keys:"
USAGE_PREFIX = PREFIX + "usage:"
SIGNING_KEYS = PREFIX + "signing_keys"
RETIRED_KEYS = PREFIX + "retired_keys"
AUDIT = PREFIX + "audit"


class Scripts:
    """Some of the scripts on a client.

    Args:
        client: Its answers may be text or bytes.
        names: Of the files, each sent with `prelude.lua` before it.
        clock_ms: Replaces the server's clock, for tests.
    """

    def __init__(
        self,
        client: redis.Redis,
        names: Sequence[str],
        *,
        clock_ms: Callable[[], int] | None = None,
    ) -> None:
        self._clock_ms = clock_ms
        self._scripts = scripts_of(client, "api.accounts", names)

    def call(self, name: str, *arguments: str | float) -> Any:  # noqa: ANN401 - one type per script
        """What a script answers, as text where it is bytes.

        Raises:
            StoreUnavailable: the store did not answer; what was asked may have been done.
        """
        now = "" if self._clock_ms is None else self._clock_ms()
        with translated():
            return _decoded(self._scripts[name](keys=[PREFIX], args=[now, *arguments]))


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """Fields of a hash as a script answers it: name, value, name, value."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _decoded(answer: Any) -> Any:  # noqa: ANN401 - whatever a script returns
    if isinstance(answer, list):
        return [_decoded(part) for part in answer]
    return answer.decode() if isinstance(answer, bytes) else answer
