"""The ledger on an imitation of Redis and on a real server, each with both kinds of client."""

from collections.abc import Iterator

import fakeredis
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.contract.ledger.desk import Desk, desk_on


@pytest.fixture(
    params=[
        "fake-bytes",
        "fake-text",
        pytest.param("real-bytes", marks=pytest.mark.redis),
        pytest.param("real-text", marks=pytest.mark.redis),
    ]
)
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """An empty store; answers come as bytes or as text."""
    store, _, spelling = request.param.partition("-")
    decode = spelling == "text"
    if store == "fake":
        server = fakeredis.FakeServer(version=(7, 2))
        with fakeredis.FakeRedis(server=server, decode_responses=decode) as fake:
            yield fake
        return
    port = request.getfixturevalue("valkey_port")
    retry = Retry(NoBackoff(), 0)
    with redis.Redis(port=port, socket_timeout=5, retry=retry, decode_responses=decode) as real:
        real.flushall()
        yield real


@pytest.fixture
def desk(client: redis.Redis) -> Desk:
    """A desk whose card is registered."""
    desk = desk_on(client)
    desk.register()
    return desk


@pytest.fixture
def empty_desk(client: redis.Redis) -> Desk:
    """A desk whose card nobody has registered yet."""
    return desk_on(client)
