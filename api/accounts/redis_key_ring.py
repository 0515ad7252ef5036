"""The signing keys on Redis or Valkey."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

import redis

from api.accounts.key_ring import StoredKey
from api.accounts.scripts import RETIRED_KEYS, SIGNING_KEYS, Scripts
from workers.connections.calls import texts, translated


class RedisKeyRing:
    """KeyRingStore on a client.

    Args:
        client: Its answers may be text or bytes.
        clock_ms: Replaces the server's clock, for tests.
    """

    def __init__(self, client: redis.Redis, *, clock_ms: Callable[[], int] | None = None) -> None:
        self._client = client
        self._scripts = Scripts(client, ("ring_add", "ring_retire"), clock_ms=clock_ms)

    def read(self) -> Sequence[StoredKey]:
        """See KeyRingStore."""
        with translated(), self._client.pipeline(transaction=True) as asked:
            asked.hgetall(SIGNING_KEYS)
            asked.hgetall(RETIRED_KEYS)
            records, retired = map(texts, asked.execute())
        return [
            StoredKey(
                id=key_id,
                retired_ms=int(retired[key_id]) if key_id in retired else None,
                **json.loads(record),
            )
            for key_id, record in records.items()
        ]

    def add(self, key: StoredKey, *, signs_since_ms: int, verifies_since_ms: int) -> None:
        """See KeyRingStore."""
        record = asdict(key)
        del record["id"], record["retired_ms"]
        self._scripts.call(
            "ring_add", key.id, json.dumps(record), key.sealed_by, signs_since_ms, verifies_since_ms
        )

    def retire(self) -> None:
        """See KeyRingStore."""
        self._scripts.call("ring_retire")

    def drop(self) -> None:
        """See KeyRingStore."""
        with translated():
            self._client.delete(SIGNING_KEYS, RETIRED_KEYS)
