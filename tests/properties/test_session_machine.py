"""Sessions on a real server against a model; and what happens when tokens are used at once."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from api.accounts.redis_sessions import RedisSessions
from api.accounts.redis_users import RedisUsers
from api.accounts.sessions import Begun, Reused, SessionTimes, session_of_token
from api.accounts.users import User, new_user_id

TIMES = SessionTimes(
    plain_seconds=100, remembered_seconds=300, longest_seconds=400, grace_seconds=10, most=3
)

#: Nobody logs in with it.
HASH = "hash"


@dataclass(kw_only=True)
class ModelSession:
    """What the rules in SessionStore.refresh say of one session."""

    lifetime_ms: int
    longest_ms: int
    expires_ms: int
    rotated_ms: int
    generation: int = 1
    generations: dict[str, int] = field(default_factory=dict)

    def refresh(self, token: str, now_ms: int) -> str:
        given = self.generations.get(token)
        if given is None:
            return "void"
        in_time = now_ms - self.rotated_ms <= TIMES.grace_seconds * 1000
        if given == self.generation:
            self.generation += 1
            self.rotated_ms = now_ms
        elif given < self.generation - 1 or not in_time:
            return "reused"
        self.expires_ms = min(now_ms + self.lifetime_ms, self.longest_ms)
        return "rotated"


class SessionMachine(RuleBasedStateMachine):
    """Random logins, refreshes with any token ever seen, logouts and pauses."""

    client: redis.Redis
    tokens: Bundle[str] = Bundle("tokens")

    @initialize()
    def begin(self) -> None:
        self.client.flushall()
        self.now_ms = 1_700_000_000_000
        clock: dict[str, Any] = {"clock_ms": lambda: self.now_ms}
        self.users = RedisUsers(self.client, **clock)
        # Two gateways.
        self.stores = [RedisSessions(self.client, TIMES, **clock) for _ in range(2)]
        made = User(id=new_user_id(), email="ada@example.com", password=HASH, role="user")
        self.users.add(made)
        self.user = made
        self.alive: dict[str, ModelSession] = {}

    @rule(target=tokens, remembered=st.booleans(), gateway=st.integers(0, 1))
    def log_in(self, remembered: bool, gateway: int) -> str:
        begun = self.stores[gateway].begin(self.user, remembered=remembered, device="", address="")
        assert begun is not None
        lifetime_ms = 1000 * (TIMES.remembered_seconds if remembered else TIMES.plain_seconds)
        if len(self.alive) == TIMES.most:
            # The one that would end first; of several, the one made first.
            first = min(self.alive, key=lambda one: (self.alive[one].expires_ms, one))
            del self.alive[first]
        self.alive[begun.session_id] = ModelSession(
            lifetime_ms=lifetime_ms,
            longest_ms=self.now_ms + TIMES.longest_seconds * 1000,
            expires_ms=self.now_ms + lifetime_ms,
            rotated_ms=self.now_ms,
            generations={begun.refresh_token: 1},
        )
        return begun.refresh_token

    @rule(target=tokens, token=tokens, gateway=st.integers(0, 1))
    def refresh(self, token: str, gateway: int) -> Any:  # noqa: ANN401 - a token or nothing
        session_id = session_of_token(token)
        assert session_id is not None
        session = self.alive.get(session_id)
        expected = session.refresh(token, self.now_ms) if session else "void"

        found = self.stores[gateway].refresh(token)

        if expected != "rotated":
            assert isinstance(found, Reused) == (expected == "reused")
            assert not isinstance(found, Begun)
            if expected == "reused":
                del self.alive[session_id]
            return multiple()
        assert session is not None
        assert isinstance(found, Begun)
        assert found.refresh_token not in session.generations
        assert found.expires_ms == session.expires_ms
        session.generations[found.refresh_token] = session.generation
        return found.refresh_token

    @rule(target=tokens, data=st.data(), times=st.integers(1, 3))
    def go_on(self, data: st.DataObject, times: int) -> Any:  # noqa: ANN401 - tokens
        """An honest client: refreshes with the newest token."""
        assume(self.alive)
        session = self.alive[data.draw(st.sampled_from(sorted(self.alive)))]
        return multiple(
            *[
                self.refresh(max(session.generations, key=session.generations.__getitem__), 0)
                for _ in range(times)
            ]
        )

    @rule(token=tokens)
    def log_out(self, token: str) -> None:
        session_id = session_of_token(token)
        assert session_id is not None

        was_alive = self.stores[0].end(self.user.id, session_id)

        assert was_alive == (session_id in self.alive)
        self.alive.pop(session_id, None)

    @rule()
    def log_out_everywhere(self) -> None:
        assert set(self.stores[1].end_all(self.user.id)) == set(self.alive)
        self.alive.clear()

    @rule(token=tokens)
    def suspend_for_a_moment(self, token: str) -> None:
        self.users.set_standing(self.user.id, status="suspended")
        self.alive.clear()
        assert self.stores[0].begin(self.user, remembered=False, device="", address="") is None
        assert self.stores[0].refresh(token) is None
        self.users.set_standing(self.user.id, status="active")

    @rule(seconds=st.sampled_from([1, 5, 10, 11, 60, 99, 100, 250]))
    def wait(self, seconds: int) -> None:
        self.now_ms += seconds * 1000
        for session_id in [one for one, s in self.alive.items() if s.expires_ms <= self.now_ms]:
            del self.alive[session_id]

    @invariant()
    def what_is_alive_is_what_the_model_says(self) -> None:
        if not hasattr(self, "alive"):
            return
        listed = {one.id: one.expires_ms for one in self.stores[0].of_user(self.user.id)}
        assert listed == {one: s.expires_ms for one, s in self.alive.items()}
        for session_id in listed:
            assert self.stores[1].look(session_id) is not None


@pytest.mark.redis
def test_sessions_are_what_their_rules_say(real_redis: redis.Redis) -> None:
    class Machine(SessionMachine):
        client = real_redis

    search = settings(
        max_examples=200,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=search)


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Runs calls in threads that start together; their answers."""

    def _at_once(*calls: Callable[[], Any]) -> list[Any]:
        gate = threading.Barrier(len(calls))
        answers: list[Any] = [None] * len(calls)

        def run(place: int, call: Callable[[], Any]) -> None:
            gate.wait()
            answers[place] = call()

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    return _at_once


@pytest.fixture
def sessions(real_redis: redis.Redis) -> tuple[RedisSessions, User]:
    user = User(id=new_user_id(), email="ada@example.com", password=HASH, role="user")
    RedisUsers(real_redis).add(user)
    return RedisSessions(real_redis, TIMES), user


@pytest.mark.redis
def test_many_refreshes_of_one_token_at_once_keep_an_honest_client_in(
    sessions: tuple[RedisSessions, User], at_once: Callable[..., list[Any]]
) -> None:
    store, user = sessions
    for _ in range(20):
        begun = store.begin(user, remembered=False, device="", address="")
        assert begun is not None

        found = at_once(*[partial(store.refresh, begun.refresh_token)] * 8)

        assert all(isinstance(one, Begun) for one in found)
        assert len({one.refresh_token for one in found}) == 8
        # The client keeps any one of them, and goes on with it.
        assert isinstance(store.refresh(found[3].refresh_token), Begun)
        assert store.look(begun.session_id) is not None


@pytest.mark.redis
def test_no_token_outlives_a_logout_that_ran_beside_its_refresh(
    sessions: tuple[RedisSessions, User], at_once: Callable[..., list[Any]]
) -> None:
    store, user = sessions
    for _ in range(20):
        begun = store.begin(user, remembered=False, device="", address="")
        assert begun is not None

        *found, ended = at_once(
            *[partial(store.refresh, begun.refresh_token)] * 6,
            partial(store.end, user.id, begun.session_id),
        )

        assert ended
        assert store.look(begun.session_id) is None
        given = [begun, *(one for one in found if isinstance(one, Begun))]
        assert [store.refresh(one.refresh_token) for one in given] == [None] * len(given)
        assert not any(isinstance(one, Reused) for one in found)


@pytest.mark.redis
def test_of_many_resets_with_one_token_one_counts(
    sessions: tuple[RedisSessions, User],
    real_redis: redis.Redis,
    at_once: Callable[..., list[Any]],
) -> None:
    _, user = sessions
    users = RedisUsers(real_redis)
    users.put_once("reset", "digest", user.id, ttl_seconds=60)

    found = at_once(
        *[lambda new=f"new{n}": users.reset_password("digest", user.id, new) for n in range(8)]
    )

    stored = users.get(user.id)
    assert found.count(True) == 1
    assert stored is not None
    assert stored.password == f"new{found.index(True)}"
