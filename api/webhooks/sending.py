"""Sends what is due: one try of one delivery, from body to outcome."""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog

from api.webhooks.records import Delivery
from api.webhooks.redis_webhooks import DueDelivery, Outcome, RedisWebhooks
from api.webhooks.schedule import is_delivered, pause_seconds
from api.webhooks.signing import signature

#: Longest message of an error that is kept.
_ERROR_CHARACTERS = 200

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Posted:
    """What came of a POST."""

    #: None: there was no answer.
    status: int | None
    #: Why not, without addresses of our network; "" when there was one.
    error: str = ""
    #: What the answer asked for.
    retry_after_seconds: float | None = None


class Poster(Protocol):
    """Posts to users' servers, behind the guard against addresses that are none of theirs."""

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Post; never raises for what the other side does."""
        ...


class Sender:
    """Sends deliveries.

    Args:
        store: Where tries are settled.
        poster: What carries them.
        unseal: Opens a sealed secret; raises ValueError when it can't be opened.
        clock_seconds: Since 1970; signatures carry it.
        chance: 0 to 1, random.
    """

    def __init__(
        self,
        store: RedisWebhooks,
        poster: Poster,
        unseal: Callable[[str], str],
        *,
        clock_seconds: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._poster = poster
        self._unseal = unseal
        self._clock_seconds = clock_seconds
        self._chance = chance

    def send(self, due: DueDelivery) -> None:
        """One try of a delivery, and what follows from it.

        Raises:
            StoreUnavailable: the outcome could not be written; the delivery is tried again.
        """
        delivery = due.delivery
        posted = self._post(due)
        outcome, pause_ms = self._outcome(delivery, posted)
        self._store.settle(
            delivery,
            outcome,
            status=posted.status,
            error=posted.error[:_ERROR_CHARACTERS],
            pause_ms=pause_ms,
        )
        # Neither address nor subject: both may tell who somebody is.
        _log.info(
            "webhook.tried",
            webhook_id=delivery.webhook_id,
            attempt=delivery.attempt,
            status=posted.status,
            outcome=outcome,
        )

    def _post(self, due: DueDelivery) -> Posted:
        delivery = due.delivery
        try:
            secrets = [self._unseal(sealed) for sealed in due.secrets]
        except ValueError:
            return Posted(status=None, error="The secret was sealed by another gateway.")
        body = body_of(delivery)
        now = int(self._clock_seconds())
        headers = {
            "content-type": "application/json",
            "user-agent": "FaceSocial-Webhooks/1",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(
                secrets, delivery_id=delivery.id, timestamp_seconds=now, body=body
            ),
        }
        return self._poster.post(delivery.url, body=body, headers=headers)

    def _outcome(self, delivery: Delivery, posted: Posted) -> tuple[Outcome, int]:
        if is_delivered(posted.status):
            return "delivered", 0
        pause = pause_seconds(
            delivery.attempt,
            status=posted.status,
            retry_after_seconds=posted.retry_after_seconds,
            chance=self._chance(),
        )
        return ("failed", 0) if pause is None else ("again", int(pause * 1000))


def body_of(delivery: Delivery) -> bytes:
    """What is sent: ids and states only, since what was found in a photo is personal."""
    happened = datetime.fromtimestamp(delivery.event_ms / 1000, tz=UTC)
    kind, _, state = delivery.type.partition(".")
    data = {"id": delivery.subject, "kind": kind, "state": state}
    told = {
        "type": delivery.type,
        "timestamp": happened.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": data,
    }
    return json.dumps(told, separators=(",", ":")).encode()
