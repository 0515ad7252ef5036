"""Requests are counted alike in memory, on the imitation and on a real server."""

from collections.abc import Iterator, Mapping

import fakeredis
import pytest
import redis

from api.redis_traffic import RedisTraffic
from api.traffic import BOUNDS_SECONDS, MemoryTraffic, Traffic, TrafficStore
from workers.errors import StoreRefused, StoreUnavailable

ROUTE = "/api/v1/face/detect"


@pytest.fixture(params=["memory", "fake", pytest.param("real", marks=pytest.mark.redis)])
def store(request: pytest.FixtureRequest) -> Iterator[TrafficStore]:
    if request.param == "memory":
        yield MemoryTraffic()
    elif request.param == "fake":
        with fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2))) as client:
            yield RedisTraffic(client)
    else:
        port = request.getfixturevalue("valkey_port")
        with redis.Redis(port=port, decode_responses=True) as client:
            client.flushall()
            yield RedisTraffic(client)


def test_figures_are_the_sums_of_all_processes(store: TrafficStore) -> None:
    one, other = Traffic(store), Traffic(store)
    one.count("POST", ROUTE, 202, 0.004)
    one.count("POST", ROUTE, 202, 0.3)
    other.count("POST", ROUTE, 503, 60.0)
    other.count("GET", "/ws/realtime", 101, None)

    other.figures()
    found = one.figures()

    assert found.requests == {
        ("POST", ROUTE, 202): 2,
        ("POST", ROUTE, 503): 1,
        ("GET", "/ws/realtime", 101): 1,
    }
    [(where, times)] = found.times.items()
    assert where == ("POST", ROUTE)
    expected = [0] * (len(BOUNDS_SECONDS) + 1)
    expected[0] = expected[BOUNDS_SECONDS.index(0.5)] = expected[-1] = 1
    assert list(times.counts) == expected
    assert times.seconds == pytest.approx(60.304)


def test_a_time_at_a_bound_is_counted_below_it(store: TrafficStore) -> None:
    traffic = Traffic(store)
    traffic.count("GET", ROUTE, 200, BOUNDS_SECONDS[3])

    assert traffic.figures().times["GET", ROUTE].counts[3] == 1


def test_what_was_added_is_not_added_again(store: TrafficStore) -> None:
    traffic = Traffic(store)
    traffic.count("GET", ROUTE, 200, 0.1)

    assert traffic.figures() == traffic.figures()


class OnceNot:
    """A store that takes nothing the first time, for a reason."""

    def __init__(self, store: TrafficStore, why: StoreUnavailable) -> None:
        self._store = store
        self._why = [why]

    def add(self, counts: Mapping[str, int]) -> None:
        if self._why:
            raise self._why.pop()
        self._store.add(counts)

    def read(self) -> Mapping[str, int]:
        return self._store.read()


def test_what_the_store_did_not_take_is_added_when_it_is_back(store: TrafficStore) -> None:
    traffic = Traffic(OnceNot(store, StoreUnavailable()))
    traffic.count("GET", ROUTE, 503, 0.1)
    with pytest.raises(StoreUnavailable):
        traffic.figures()
    traffic.count("GET", ROUTE, 503, 0.1)

    assert traffic.figures().requests == {("GET", ROUTE, 503): 2}


def test_a_store_that_is_full_still_tells_what_it_holds(store: TrafficStore) -> None:
    store.add({f"requests GET {ROUTE} 200": 7})
    traffic = Traffic(OnceNot(store, StoreRefused()))
    traffic.count("GET", ROUTE, 503, 0.1)

    assert traffic.figures().requests == {("GET", ROUTE, 200): 7}
    assert traffic.figures().requests == {("GET", ROUTE, 200): 7, ("GET", ROUTE, 503): 1}


def test_in_the_background_it_is_added_by_itself_and_at_the_end(store: TrafficStore) -> None:
    traffic = Traffic(store, add_seconds=60)
    traffic.start()
    traffic.count("GET", ROUTE, 200, None)

    traffic.close()

    assert store.read() == {f"requests GET {ROUTE} 200": 1}
