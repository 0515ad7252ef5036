"""The servers that every promise of the stores of known people is tested on."""

from collections.abc import Callable, Iterator

import fakeredis
import pytest
from pydantic import SecretStr

from tests.contract.identities.gallery import Gallery, gallery
from workers.blobs.store import MemoryBlobs
from workers.connections.client import connect
from workers.identities.forgetting import Forgetting, Forgotten
from workers.identities.kept_images import KeptImages
from workers.settings.process import Settings


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.redis)])
def it(request: pytest.FixtureRequest) -> Iterator[Gallery]:
    if request.param == "fake":
        server = fakeredis.FakeServer(version=(7, 2))
        with fakeredis.FakeRedis(server=server) as client:
            yield gallery(client)
    else:
        port = request.getfixturevalue("valkey_port")
        settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))
        with connect(settings, role="test", is_binary=True) as client:
            client.flushall()
            yield gallery(client)


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def images(it: Gallery, blobs: MemoryBlobs) -> KeptImages:
    return KeptImages(blobs, it.stores.forgetting)


@pytest.fixture
def forget(it: Gallery, blobs: MemoryBlobs) -> Callable[[], Forgotten]:
    """One round, as any process does it."""
    return lambda: Forgetting(it.stores, blobs).round()
