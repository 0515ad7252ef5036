"""The store somebody else runs, when FACESOCIAL_REDIS_URL names one."""

from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cli.errors import StoreFailed

_TIMEOUT_SECONDS = 5.0


def host_of(url: str) -> str:
    """The address without user and password, to be shown."""
    return urlsplit(url).netloc.rpartition("@")[2] or "a local socket"


def require_store(url: str) -> None:
    """Check that the store lets us in, before anything is started on it.

    Raises:
        StoreFailed: it does not answer, or refuses; the message has no password.
    """
    try:
        with redis.Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise StoreFailed(
            f"The store at {host_of(url)} (FACESOCIAL_REDIS_URL) can't be used: {error}. Start it, "
            "or unset the variable for an embedded one."
        ) from error
