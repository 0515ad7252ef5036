"""When a request is sent again, and after which pause. Pure."""

import random
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from client.errors import GatewayAway, Problem

#: Statuses that say "later": rate limit, overload, a proxy without its gateway.
LATER = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """How patient a client is with requests that may be repeated: reads, and those with a key."""

    #: Tries of one request, the first included.
    attempts: int = 5
    #: Pause after the first failure; doubled each time, half of it by chance.
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30.0

    def pause_seconds(
        self, error: Problem | GatewayAway, *, attempt: int, chance: float | None = None
    ) -> float | None:
        """How long to wait before the next try; None: the error stands.

        Args:
            error: What went wrong.
            attempt: Tries so far, from 1.
            chance: 0 to 1, random when not given.
        """
        if attempt >= self.attempts:
            return None
        if isinstance(error, Problem) and error.status not in LATER:
            return None
        chance = random.random() if chance is None else chance  # noqa: S311 - spreads clients, hides nothing
        backoff = min(self.longest_pause_seconds, self.first_pause_seconds * 2.0 ** (attempt - 1))
        told = error.retry_after_seconds if isinstance(error, Problem) else None
        if told is not None:
            # The server knows best; a little later, so that not all its clients come at once.
            return told + chance * self.first_pause_seconds
        return backoff * (0.5 + chance / 2)


def retry_after_seconds(header: str | None, *, now_seconds: float) -> float | None:
    """What a `Retry-After` header says: seconds, or a date; None when it says nothing readable.

    Args:
        header: Its value.
        now_seconds: Since 1970.
    """
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now_seconds)
    except (ValueError, TypeError):
        return None
