"""The servers that every promise of the batch stores is tested on."""

from collections.abc import Iterator

import fakeredis
import pytest
from pydantic import SecretStr

from tests.contract.batches.world import World, world
from workers.connections.client import connect
from workers.settings.process import Settings


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.redis)])
def it(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        server = fakeredis.FakeServer(version=(7, 2))
        with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
            yield world(client)
    else:
        port = request.getfixturevalue("valkey_port")
        settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
        with connect(settings, role="test") as client:
            client.flushall()
            yield world(client)
