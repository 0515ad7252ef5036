"""A gateway with accounts, over a store that can go away and that counts what it is asked."""

from collections.abc import Callable, Iterator
from typing import Any

import fakeredis
import pytest
import structlog
from flask.testing import FlaskClient
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.accounts.users import User
from api.app import create_app
from api.services import Services
from api.testing import memory_parts
from tests.unit.api.credentials.forge import Forge
from tests.unit.api.matrix.people import add_user
from workers.settings.process import Settings

DEVELOPMENT_KEY = "fs_dev_" + "d" * 32


class CountingRedis(fakeredis.FakeRedis):
    """Counts round trips."""

    round_trips = 0

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's
        self.round_trips += 1
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def _server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer(version=(7, 2))


@pytest.fixture
def server(_server: fakeredis.FakeServer) -> Iterator[fakeredis.FakeServer]:
    """`server.connected = False` takes it away until the test ends."""
    yield _server
    _server.connected = True


@pytest.fixture(scope="module")
def store(_server: fakeredis.FakeServer) -> Iterator[CountingRedis]:
    retry = Retry(NoBackoff(), 0)
    with CountingRedis(server=_server, decode_responses=True, retry=retry) as client:
        yield client


@pytest.fixture(scope="module")
def build(store: CountingRedis) -> Callable[..., tuple[Services, FlaskClient]]:
    """Another gateway on the store, with these settings."""

    def _build(**changed: object) -> tuple[Services, FlaskClient]:
        settings = {
            "development_key": SecretStr(DEVELOPMENT_KEY),
            "token_algorithm": "Ed25519",
            "access_log": False,
            "limit_address_per_minute": 0,
            **changed,
        }
        parts = memory_parts(Settings.model_validate(settings), store)
        return parts, create_app(parts).test_client()

    return _build


@pytest.fixture(scope="module")
def gateway(
    build: Callable[..., tuple[Services, FlaskClient]],
) -> tuple[Services, FlaskClient]:
    """One for all tests of a module: each has users of its own."""
    return build()


@pytest.fixture(scope="module")
def parts(gateway: tuple[Services, FlaskClient]) -> Services:
    return gateway[0]


@pytest.fixture(scope="module")
def client(gateway: tuple[Services, FlaskClient]) -> FlaskClient:
    return gateway[1]


@pytest.fixture
def owner(parts: Services) -> User:
    return add_user(parts)


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged meanwhile."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture(scope="module", params=["RS256", "Ed25519"])
def forge(request: pytest.FixtureRequest) -> Forge:
    return Forge(request.param)


@pytest.fixture(params=["RS256", "Ed25519"])
def own_forge(request: pytest.FixtureRequest) -> Forge:
    """For tests that turn its clock or change its ring."""
    return Forge(request.param)
