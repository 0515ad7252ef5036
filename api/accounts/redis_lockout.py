"""Failed logins on Redis or Valkey: thin calls to the scripts in `api/accounts/lua`."""

from collections.abc import Callable

import redis

from api.accounts.lockout import LockoutRule, MayTry, MustWait, account_mark, address_mark
from api.accounts.scripts import Scripts


class RedisLockout:
    """A `Lockout` shared by all gateways that reach one server.

    Args:
        client: Its answers may be text or bytes.
        rule: How much guessing is let through.
        clock_ms: Replaces the server's clock, for tests.
    """

    def __init__(
        self,
        client: redis.Redis,
        rule: LockoutRule,
        *,
        clock_ms: Callable[[], int] | None = None,
    ) -> None:
        self._rule = rule
        self._scripts = Scripts(client, ("attempt_begin", "attempt_succeeded"), clock_ms=clock_ms)

    def begin(self, email: str, address: str) -> MayTry | MustWait:
        """See Lockout."""
        rule = self._rule
        outcome, figure = self._scripts.call(
            "attempt_begin",
            account_mark(email),
            rule.account_failures,
            address_mark(address),
            rule.address_failures,
            int(rule.base_seconds * 1000),
            int(rule.longest_seconds * 1000),
            int(rule.memory_seconds * 1000),
        )
        if outcome == "wait":
            return MustWait(seconds=int(figure) / 1000)
        return MayTry(attempts_remaining=int(figure))

    def succeeded(self, email: str, address: str) -> None:
        """See Lockout."""
        self._take_back(email, address, forget=1)

    def withdraw(self, email: str, address: str) -> None:
        """See Lockout."""
        self._take_back(email, address, forget=0)

    def _take_back(self, email: str, address: str, *, forget: int) -> None:
        account, sender = account_mark(email), address_mark(address)
        free = (self._rule.account_failures, self._rule.address_failures)
        self._scripts.call("attempt_succeeded", account, free[0], sender, free[1], forget)
