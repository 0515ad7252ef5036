"""What is kept of credentials, on an imitation of Redis and on a real server."""

from dataclasses import dataclass

import pytest
import redis

from api.accounts.keys import MadeKey, make_key
from api.accounts.records import ApiKey, AuditEntry
from api.accounts.redis_audit import RedisAudit
from api.accounts.redis_key_ring import RedisKeyRing
from api.accounts.redis_keys import RedisKeys
from api.accounts.redis_usage import RedisUsage
from api.principal import Scope

NOTE = AuditEntry(action="of a test", user_id="user_1")


@dataclass(kw_only=True)
class Place:
    """The stores on one server, and the clock of those that ask it."""

    client: redis.Redis
    now_ms: int = 1_700_000_000_000

    def __post_init__(self) -> None:
        def clock() -> int:
            return self.now_ms

        self.audit = RedisAudit(self.client, entries_kept=1000)
        self.keys = RedisKeys(self.client, self.audit, clock_ms=clock)
        self.ring = RedisKeyRing(self.client, clock_ms=clock)
        self.usage = RedisUsage(self.client, kept_days=2)

    def advance(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    def add_key(
        self, user_id: str = "user_1", *, expires_ms: int | None = None, most: int = 50
    ) -> MadeKey:
        made = make_key()
        key = ApiKey(
            id=made.id,
            user_id=user_id,
            name="a key",
            scopes=frozenset({Scope.ANALYZE, Scope.BATCH}),
            hint=made.hint,
            created_ms=0,
            expires_ms=expires_ms,
        )
        self.keys.create(key, made.digest, most=most, audit=NOTE)
        return made


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.redis)])
def place(request: pytest.FixtureRequest) -> Place:
    return Place(client=request.getfixturevalue(f"{request.param}_redis"))
