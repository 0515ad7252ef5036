"""Calls by user and day on Redis or Valkey."""

from collections.abc import Mapping
from datetime import date, timedelta

import redis

from api.accounts.scripts import USAGE_PREFIX, Scripts
from api.accounts.usage import Call, Tally
from workers.connections.calls import texts, translated

_ENDPOINT, _KEY = "endpoint ", "key "


class RedisUsage:
    """UsageCounts on a client.

    Args:
        client: Its answers may be text or bytes.
        kept_days: How long a day's counts stay.
    """

    def __init__(self, client: redis.Redis, *, kept_days: int) -> None:
        self._client = client
        self._scripts = Scripts(client, ("usage_count",))
        self._kept_seconds = kept_days * 86_400

    def count(self, call: Call, day: date, *, key_used_ms: int | None) -> None:
        """See UsageCounts."""
        self._scripts.call(
            "usage_count",
            call.user_id,
            day.isoformat(),
            call.endpoint,
            call.key_id,
            0 if call.succeeded else 1,
            self._kept_seconds,
            "" if key_used_ms is None else key_used_ms,
        )

    def by_date(self, user_id: str, first: date, last: date) -> Mapping[date, Tally]:
        """See UsageCounts."""
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        with translated(), self._client.pipeline(transaction=False) as asked:
            for day in days:
                asked.hgetall(f"{USAGE_PREFIX}{user_id}:{day.isoformat()}")
            return {
                day: _tally(texts(counts))
                for day, counts in zip(days, asked.execute(), strict=True)
            }


def _tally(counts: Mapping[str, str]) -> Tally:
    def starting(prefix: str) -> dict[str, int]:
        return {
            name.removeprefix(prefix): int(number)
            for name, number in counts.items()
            if name.startswith(prefix)
        }

    return Tally(
        total=int(counts.get("total", 0)),
        failed=int(counts.get("failed", 0)),
        by_endpoint=starting(_ENDPOINT),
        by_key=starting(_KEY),
    )
