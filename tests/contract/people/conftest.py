"""Accounts of people on an imitation of Redis and on a real server; tests turn the clock."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import redis

from api.accounts.lockout import LockoutRule
from api.accounts.redis_lockout import RedisLockout
from api.accounts.redis_sessions import RedisSessions
from api.accounts.redis_users import RedisUsers
from api.accounts.sessions import Begun, SessionTimes
from api.accounts.users import User, new_user_id

TIMES = SessionTimes(
    plain_seconds=600,
    remembered_seconds=3600,
    longest_seconds=7200,
    grace_seconds=10,
    most=3,
)
RULE = LockoutRule(
    account_failures=3,
    address_failures=6,
    base_seconds=2,
    longest_seconds=60,
    memory_seconds=3600,
)


@dataclass(kw_only=True)
class Place:
    """The three stores on one server, and their clock."""

    client: redis.Redis
    now_ms: int = 1_700_000_000_000

    def __post_init__(self) -> None:
        clock = {"clock_ms": lambda: self.now_ms}
        self.users = RedisUsers(self.client, **clock)
        self.sessions = RedisSessions(self.client, TIMES, **clock)
        self.lockout = RedisLockout(self.client, RULE, **clock)

    def advance(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.redis)])
def place(request: pytest.FixtureRequest) -> Place:
    return Place(client=request.getfixturevalue(f"{request.param}_redis"))


@pytest.fixture
def someone(place: Place) -> Callable[..., User]:
    """Stores a user and reads it back."""

    def _someone(email: str = "ada@example.com", **fields: object) -> User:
        made = User(
            id=new_user_id(),
            email=email,
            **{"password": "hash", "role": "user", **fields},  # type: ignore[arg-type]  # by name
        )
        place.users.add(made)
        stored = place.users.get(made.id)
        assert stored is not None
        return stored

    return _someone


@pytest.fixture
def begun(place: Place, someone: Callable[..., User]) -> Begun:
    """A session of a new user."""
    started = place.sessions.begin(
        someone(), remembered=False, device="curl/8", address="192.0.2.7"
    )
    assert started is not None
    return started
