"""How full a Redis or Valkey is, in its own words."""

import redis

from api.store_memory import StoreMemory
from workers.connections.calls import translated
from workers.errors import StoreRefused


class RedisStoreGauge:
    """StoreGauge on a client."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def memory(self) -> StoreMemory | None:
        """See StoreGauge."""
        try:
            with translated():
                told = self._client.info("memory")
        except StoreRefused:
            return None
        return StoreMemory(used_bytes=int(told["used_memory"]), limit_bytes=int(told["maxmemory"]))
