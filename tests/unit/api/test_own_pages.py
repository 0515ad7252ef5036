"""With authentication off, a browser still calls for no page but this machine's own."""

import secrets
from collections.abc import Callable

import pytest
import redis
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.app import create_app
from api.testing import memory_parts
from workers.settings.process import Settings

Served = Callable[..., FlaskClient]
REFUSED = (403, "origin_forbidden")


@pytest.fixture
def served(fake_redis: redis.Redis) -> Served:
    """A gateway without accounts."""

    def _served(**values: str | bool) -> FlaskClient:
        settings = Settings.model_validate({"auth": "off", **values})
        return create_app(memory_parts(settings, fake_redis)).test_client()

    return _served


def asked(client: FlaskClient, path: str = "/api/v1/jobs", **headers: str) -> tuple[int, str]:
    answer = client.get(path, headers=headers)
    return answer.status_code, (answer.get_json() or {}).get("code", "")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "[::1]:8000", "localhost:8000", "localhost.", "faces.localhost"]
)
def test_a_request_to_this_machine_is_served(served: Served, host: str) -> None:
    assert asked(served(), Host=host) == (200, "")
    assert asked(served(), Host=host, Origin=f"http://{host}") == (200, "")


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example:8000",
        "10.0.0.1",
        "0.0.0.0:8000",  # leads to this machine, and is nobody's own name
        "127.0.0.1.example",
        "[",
        "[::1",
    ],
)
def test_a_site_s_name_that_was_made_to_mean_this_machine_is_refused(
    served: Served, host: str
) -> None:
    assert asked(served(), Host=host) == REFUSED
    assert asked(served(), Host=host, Origin=f"http://{host}") == REFUSED


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://[", ""])
def test_a_page_of_another_origin_is_refused(served: Served, origin: str) -> None:
    assert asked(served(), Origin=origin) == REFUSED
    assert asked(served(auth_off_anywhere=True), Origin=origin) == REFUSED


def test_a_page_of_an_allowed_origin_is_served(served: Served) -> None:
    page = "https://app.example.org"

    assert asked(served(cors_origins=page), Origin=page) == (200, "")


def test_whoever_says_that_it_is_meant_is_served_by_any_name(served: Served) -> None:
    assert asked(served(auth_off_anywhere=True), Host="faces.example") == (200, "")


def test_a_connection_by_a_site_s_name_is_refused_too(served: Served) -> None:
    assert asked(served(), "/ws/notifications", Host="rebound.example") == REFUSED


def test_health_is_told_by_any_name(served: Served) -> None:
    assert asked(served(), "/health/live", Host="rebound.example")[0] == 200


def test_where_a_credential_tells_who_asks_the_host_s_name_matters_not(
    fake_redis: redis.Redis,
) -> None:
    settings = Settings(gateway_secret=SecretStr(secrets.token_hex()))
    client = create_app(memory_parts(settings, fake_redis)).test_client()

    assert asked(client, Host="faces.example", Origin="https://faces.example") == (
        401,
        "auth_required",
    )
