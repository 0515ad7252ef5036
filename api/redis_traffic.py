"""Sums of all gateway processes' requests on Redis or Valkey: one hash, which only ever grows."""

from collections.abc import Mapping
from typing import cast

import redis

from workers.connections.calls import texts, translated

#: docs/reference/redis-keys.md tells what its fields are.
KEY = "fs:{traffic}:sums"


class RedisTraffic:
    """TrafficStore on a client.

    Args:
        client: Its answers may be text or bytes.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def add(self, counts: Mapping[str, int]) -> None:
        """See TrafficStore."""
        with translated(), self._client.pipeline(transaction=True) as together:
            for name, number in counts.items():
                together.hincrby(KEY, name, number)
            together.execute()

    def read(self) -> Mapping[str, int]:
        """See TrafficStore."""
        with translated():
            found = cast("Mapping[object, object]", self._client.hgetall(KEY))
        return {name: int(number) for name, number in texts(found).items()}
