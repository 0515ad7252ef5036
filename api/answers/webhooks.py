"""Webhooks and deliveries as clients see them."""

from typing import Literal

from api.answers import Answer


class WebhookAnswer(Answer):
    """An address that is told of ends."""

    id: str
    url: str
    #: Events it is told of.
    events: tuple[str, ...]
    description: str
    #: Whether it is told at all.
    enabled: bool
    #: Why not: `paused` by its owner, `gone` because its server answered 410.
    disabled_reason: Literal["paused", "gone"] | None
    created_at: str


class WebhookWithSecret(WebhookAnswer):
    """A webhook when its secret is made."""

    #: Signs all deliveries. Keep it: it is not told again.
    secret: str


class WebhookList(Answer):
    """All webhooks of an account, oldest first."""

    items: tuple[WebhookAnswer, ...]
    #: Always null: there are few.
    next_cursor: str | None


class RequestSecret(Answer):
    """The secret of addresses given with single requests."""

    #: Signs deliveries to `webhook_url` of a job or batch; the same for all of an account's.
    secret: str


class DeliveryAnswer(Answer):
    """One event for one address, with all its tries."""

    #: Sent as `webhook-id`; the same for all tries.
    id: str
    #: Null: the address was given with the request.
    webhook_id: str | None
    url: str
    type: str
    #: Id of the job or batch.
    subject: str
    state: Literal["pending", "delivered", "failed"]
    #: Tries that have begun.
    attempt: int
    #: When the event happened.
    created_at: str
    #: When it is sent next.
    next_attempt_at: str | None
    #: HTTP status of the latest try; null when there was no answer.
    status: int | None
    #: What went wrong at the latest try.
    error: str | None


class DeliveryList(Answer):
    """A part of an account's deliveries, newest first."""

    items: tuple[DeliveryAnswer, ...]
    next_cursor: str | None


class DeliveryStarted(Answer):
    """A delivery that will be sent at once."""

    delivery_id: str
