"""Without the store every route of accounts says so, soon, and lets nobody in."""

import dataclasses
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.accounts.opening import open_people
from api.accounts.sealing import Seal
from tests.unit.api.people.conftest import OTHER_PASSWORD, PASSWORD, Gateway, code_of

EMAIL = {"email": "ada@example.com"}
NEW = {"new_password": OTHER_PASSWORD, "confirm_password": OTHER_PASSWORD}
TOKEN = {"token": "t"}


@dataclass(frozen=True, kw_only=True)
class Silent:
    """A store that takes connections and never answers."""

    client: redis.Redis
    server: socket.socket

    @property
    def tries(self) -> int:
        """How often somebody tried since the last time this was asked."""
        self.server.setblocking(False)
        for number in range(100):
            try:
                connection, _ = self.server.accept()
            except BlockingIOError:
                return number
            connection.close()
        pytest.fail("it was tried again and again")


@pytest.fixture
def silent() -> Iterator[Silent]:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        redis.Redis(
            port=server.getsockname()[1],
            socket_timeout=0.2,
            socket_connect_timeout=0.2,
            retry=Retry(NoBackoff(), 1),
        ) as client,
    ):
        yield Silent(client=client, server=server)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("login", {**EMAIL, "password": PASSWORD}),
        ("refresh", {"refresh_token": "fs_refresh_" + "0" * 32 + "_" + "A" * 43}),
        ("verify-email", TOKEN),
        ("reset-password", EMAIL),
        ("reset-password/confirm", {**TOKEN, **NEW}),
        (
            "register",
            {
                **EMAIL,
                "password": PASSWORD,
                "confirm_password": PASSWORD,
                "name": "Ada",
                "terms_accepted": True,
            },
        ),
    ],
)
def test_a_store_that_is_away_is_told(
    gateway: Gateway, silent: Silent, path: str, body: dict[str, object]
) -> None:
    logins = gateway.parts.people.logins
    people = open_people(
        silent.client,
        gateway.parts.settings,
        seal=Seal("s" * 40, purpose="totp"),
        passwords=logins.passwords,
        postbox=logins.postbox,
    )
    away = Gateway(parts=dataclasses.replace(gateway.parts, people=people), mail=gateway.mail)

    response = away.post(path, **body)

    assert code_of(response) == (503, "store_unavailable")
    # One call, and tried again once: no route goes on to a second one.
    assert silent.tries == 2
    assert gateway.mail.sent == []
