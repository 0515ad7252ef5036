"""Tickets and places, in memory and on Redis: one suite for all."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from api.live.places import MemoryPlaces, Places
from api.live.redis_live import TICKET_KEY, RedisPlaces, RedisTickets
from api.live.tickets import TICKET_SECONDS, MemoryTickets, Tickets
from api.principal import Principal, Scope

CALLER = Principal(
    user_id="user_1",
    role="developer",
    scopes=frozenset({Scope.ANALYZE, Scope.MONITOR}),
    kind="key",
    credential_id="key_1",
)
STORES = ["memory", "fake_redis", pytest.param("real_redis", marks=pytest.mark.redis)]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> redis.Redis | None:
    """A client, or None for what needs none."""
    if request.param == "memory":
        return None
    client: redis.Redis = request.getfixturevalue(request.param)
    return client


@pytest.fixture
def tickets(store: redis.Redis | None) -> Tickets:
    return MemoryTickets() if store is None else RedisTickets(store)


@pytest.fixture
def places(store: redis.Redis | None) -> Places:
    return MemoryPlaces() if store is None else RedisPlaces(store)


def test_a_ticket_stands_for_its_caller_once(tickets: Tickets) -> None:
    ticket = tickets.issue(CALLER)

    found = tickets.redeem(ticket)

    assert found is not None
    assert (found.user_id, found.role, found.scopes) == ("user_1", "developer", CALLER.scopes)
    assert (found.kind, found.credential_id) == ("ticket", "key_1")
    assert tickets.redeem(ticket) is None


@pytest.mark.parametrize("ticket", ["", "ticket_x", "\ud800", "x" * 10_000])
def test_what_is_no_ticket_stands_for_nobody(tickets: Tickets, ticket: str) -> None:
    assert tickets.redeem(ticket) is None


def test_of_many_that_redeem_a_ticket_at_once_one_does(tickets: Tickets) -> None:
    ticket = tickets.issue(CALLER)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(tickets.redeem, [ticket] * 8))

    assert len([one for one in found if one is not None]) == 1


def test_a_ticket_is_too_old_after_half_a_minute() -> None:
    now = [0.0]
    tickets = MemoryTickets(clock=lambda: now[0])
    old, young = tickets.issue(CALLER), tickets.issue(CALLER)

    now[0] = TICKET_SECONDS - 0.1
    assert tickets.redeem(young) is not None
    now[0] = TICKET_SECONDS
    assert tickets.redeem(old) is None


def test_of_a_ticket_only_a_digest_is_stored_and_not_for_long(fake_redis: redis.Redis) -> None:
    ticket = RedisTickets(fake_redis).issue(CALLER)

    [key] = fake_redis.keys(f"{TICKET_KEY}*")

    assert ticket not in f"{key!r}{fake_redis.get(key)!r}"
    assert 0 < fake_redis.ttl(key) <= TICKET_SECONDS


def test_a_user_has_so_many_places_and_others_have_theirs(places: Places) -> None:
    assert [places.take("user_1", f"live_{n}", most=2) for n in range(3)] == [True, True, False]
    assert places.take("user_2", "live_9", most=2)


def test_a_place_is_kept_and_given_back(places: Places) -> None:
    places.take("user_1", "live_1", most=1)
    assert places.take("user_1", "live_1", most=1), "it has the place already"

    places.leave("user_1", "live_1")
    places.leave("user_1", "live_1")

    assert places.take("user_1", "live_2", most=1)


def test_of_many_that_take_the_last_place_one_has_it(places: Places) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: places.take("u", f"live_{n}", most=3), range(8)))

    assert taken.count(True) == 3


def test_a_place_that_is_not_kept_is_free(fake_redis: redis.Redis) -> None:
    brief, kept = (RedisPlaces(fake_redis, place_seconds=seconds) for seconds in (0.05, 600))
    assert brief.take("user_1", "live_1", most=2)
    assert kept.take("user_1", "live_2", most=2)

    time.sleep(0.06)

    assert not kept.take("user_1", "live_3", most=1)
    assert kept.take("user_1", "live_3", most=2)
