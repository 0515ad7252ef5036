"""Webhooks and their deliveries as the store knows them."""

from dataclasses import dataclass
from typing import Literal

#: What can be told. A job's and a batch's states when they end.
EventType = Literal[
    "job.succeeded",
    "job.failed",
    "job.cancelled",
    "batch.succeeded",
    "batch.partial",
    "batch.failed",
    "batch.cancelled",
]
EVENT_TYPES: tuple[EventType, ...] = (
    "job.succeeded",
    "job.failed",
    "job.cancelled",
    "batch.succeeded",
    "batch.partial",
    "batch.failed",
    "batch.cancelled",
)
#: Sent by `POST /webhooks/{id}/test` only.
TEST_TYPE = "webhook.test"

#: pending: to be sent, or sent again. failed: given up; it can be sent again by hand.
DeliveryState = Literal["pending", "delivered", "failed"]
#: Why a webhook sends nothing. gone: its server answered 410.
DisabledWhy = Literal["", "paused", "gone"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """An address of a user's that wants to be told."""

    id: str
    owner: str
    url: str
    #: Of EVENT_TYPES.
    events: tuple[str, ...]
    description: str
    #: Empty: it sends.
    disabled: DisabledWhy
    #: Milliseconds since 1970 by the store's clock.
    created_ms: int
    #: Sealed; the newest first. A former one signs too, until it is forgotten.
    secrets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One event for one address, with all its tries."""

    #: The same for all tries: receivers know repetitions by it.
    id: str
    #: Empty: the address was given with the request itself.
    webhook_id: str
    owner: str
    url: str
    type: str
    #: Id of the job or batch.
    subject: str
    state: DeliveryState
    #: Tries that have begun.
    attempt: int
    #: When the event happened, milliseconds since 1970 by the store's clock.
    event_ms: int
    #: When it is sent next; None: not any more.
    due_ms: int | None
    #: Of the latest try: HTTP status, None when there was no answer.
    status: int | None
    #: Of the latest try: what went wrong.
    error: str
    #: When the latest try ended.
    tried_ms: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A part of a log."""

    deliveries: tuple[Delivery, ...]
    #: Where the next part starts; None: this was the last.
    after: str | None
