"""Tickets and places on Redis or Valkey."""

import threading
from importlib import resources

import redis

from api.live.connections import Connections, Live
from api.live.places import PLACE_SECONDS
from api.live.tickets import (
    TICKET_SECONDS,
    digest_of,
    new_ticket,
    principal_from,
    principal_json,
)
from api.principal import Principal
from workers.connections.calls import text, translated
from workers.settings.process import Settings

#: Before a ticket's digest, and before a user's id.
TICKET_KEY = "fs:{live}:ticket:"
PLACES_KEY = "fs:{live}:places:"


class RedisTickets:
    """Tickets that any gateway on one server takes.

    Args:
        client: Its answers may be text or bytes.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def issue(self, caller: Principal) -> str:
        """See Tickets."""
        ticket = new_ticket()
        with translated():
            self._client.set(_ticket_key(ticket), principal_json(caller), ex=TICKET_SECONDS)
        return ticket

    def redeem(self, ticket: str) -> Principal | None:
        """See Tickets."""
        with translated():
            stored = text(self._client.getdel(_ticket_key(ticket)))
        return principal_from(stored) if stored else None


class RedisPlaces:
    """Places counted over all gateways on one server.

    Args:
        client: Its answers may be text or bytes.
        place_seconds: How long a place lasts unless it is kept.
    """

    def __init__(self, client: redis.Redis, *, place_seconds: float = PLACE_SECONDS) -> None:
        self._client = client
        self._place_ms = int(place_seconds * 1000)
        script = resources.files("api.live") / "lua" / "take_place.lua"
        self._take = client.register_script(script.read_text(encoding="utf-8"))

    def take(self, user_id: str, connection_id: str, *, most: int) -> bool:
        """See Places."""
        with translated():
            arguments: list[str | int] = [connection_id, most, self._place_ms]
            return bool(self._take(keys=[_places_key(user_id)], args=[*arguments]))

    def leave(self, user_id: str, connection_id: str) -> None:
        """See Places."""
        with translated():
            self._client.zrem(_places_key(user_id), connection_id)


def open_live(client: redis.Redis, settings: Settings, slots: threading.BoundedSemaphore) -> Live:
    """What open connections need of this process, with a store that others share.

    Args:
        client: Its answers may be text or bytes.
        settings: Of the gateway.
        slots: One for each client that may wait in this process.
    """
    connections = Connections(
        RedisPlaces(client), most_of_user=settings.live_connections, slots=slots
    )
    return Live(tickets=RedisTickets(client), connections=connections)


def _ticket_key(ticket: str) -> str:
    return TICKET_KEY + digest_of(ticket)


def _places_key(user_id: str) -> str:
    return PLACES_KEY + user_id
