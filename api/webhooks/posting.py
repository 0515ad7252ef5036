"""Deliveries through the guard that keeps requests out of our own network."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from api.outbound.errors import OutboundError
from api.outbound.guard import Outbound
from api.webhooks.sending import Posted


class GuardedPoster:
    """Poster on an `Outbound`.

    Args:
        outbound: With the policy of webhooks.
        total_seconds: For one try.
    """

    def __init__(self, outbound: Outbound, *, total_seconds: float) -> None:
        self._outbound = outbound
        self._total_seconds = total_seconds

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Posted:
        """See Poster."""
        try:
            reply = self._outbound.post(
                url, content=body, headers=headers, total_seconds=self._total_seconds
            )
        except OutboundError as error:
            return Posted(status=None, error=str(error))
        return Posted(
            status=reply.status, retry_after_seconds=_seconds(reply.headers.get("retry-after"))
        )


def _seconds(header: str | None) -> float | None:
    """Seconds or a date; None when it says nothing readable."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
