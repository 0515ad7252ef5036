"""How often users call what, by day of UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request that was answered."""

    user_id: str
    #: Method and route: "POST /api/v1/face/analyze".
    endpoint: str
    #: The API key it came with; "" for any other credential.
    key_id: str
    #: Whether its status was below 400.
    succeeded: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Calls of some days."""

    total: int = 0
    failed: int = 0
    by_endpoint: Mapping[str, int] = field(default_factory=dict)
    #: By id of the API key; calls with other credentials are in none.
    by_key: Mapping[str, int] = field(default_factory=dict)


class UsageCounts(Protocol):
    """Where calls are counted. Every method raises StoreUnavailable."""

    def count(self, call: Call, day: date, *, key_used_ms: int | None) -> None:
        """Count one, in one call of the store.

        Args:
            call: What was done.
            day: Of UTC.
            key_used_ms: When its key was used, where that is to be noted with the key.
        """
        ...

    def by_date(self, user_id: str, first: date, last: date) -> Mapping[date, Tally]:
        """What a user called on each day of a span, both ends included."""
        ...


def sum_of(tallies: Mapping[date, Tally]) -> Tally:
    """All days together."""
    by_endpoint: dict[str, int] = {}
    by_key: dict[str, int] = {}
    for tally in tallies.values():
        for counts, more in ((by_endpoint, tally.by_endpoint), (by_key, tally.by_key)):
            for name, number in more.items():
                counts[name] = counts.get(name, 0) + number
    return Tally(
        total=sum(tally.total for tally in tallies.values()),
        failed=sum(tally.failed for tally in tallies.values()),
        by_endpoint=by_endpoint,
        by_key=by_key,
    )
