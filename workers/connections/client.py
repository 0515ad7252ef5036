"""How this project connects to Redis or Valkey: bounded in time, named, decoded."""

from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from vram.redis_fleet import RedisFleet
from vram.redis_ledger import RedisLedger
from workers.connections.pool import PatientPool
from workers.settings.process import Settings

#: Longest wait for a connection, in a crowd of requests.
CROWD_SECONDS = 5.0


def connect(
    settings: Settings, *, role: str, most_connections: int | None = None, is_binary: bool = False
) -> redis.Redis:
    """A client whose every call ends within about three times the configured timeout.

    Args:
        settings: Where the store is and how long to wait for it.
        role: Shown in the server's client list, e.g. "gateway".
        most_connections: Calls beyond these wait for one, unless the store is away. None: any
            number, no waiting.
        is_binary: Answers are bytes; else text.
    """
    timeout_seconds = settings.redis_timeout_seconds
    options: dict[str, Any] = {
        "decode_responses": not is_binary,
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "client_name": f"facesocial-{role}",
        # redis-py's default of ten retries would hold a request for a minute. One retry covers
        # a connection that broke while idle; every script may be repeated.
        "retry": Retry(ConstantBackoff(0.05), retries=1),
        # RESP2: answers of scripts are the same on every server and on the fake.
        "protocol": 2,
    }
    url = settings.redis_url.get_secret_value()
    if most_connections is None:
        return redis.Redis.from_url(url, **options)
    # No PING before a call on a connection that was idle: when the store hangs, it and its retry
    # take two more timeouts.
    options |= {"health_check_interval": 0, "max_connections": most_connections}
    pool = PatientPool.from_url(url, timeout=CROWD_SECONDS, **options)
    return redis.Redis.from_pool(pool)


def open_ledger(client: redis.Redis, settings: Settings) -> RedisLedger:
    """The ledger of device memory on a client."""
    return RedisLedger(client, silent_seconds=settings.device_silent_seconds)


def open_fleet(client: redis.Redis, settings: Settings) -> RedisFleet:
    """The fleet directory on a client."""
    return RedisFleet(
        client,
        breaker_failures=settings.breaker_failures,
        breaker_open_seconds=settings.breaker_open_seconds,
    )
