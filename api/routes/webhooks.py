"""/api/v1/webhooks: where one's own jobs and batches are told to have ended."""

from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field

from api.answers.webhooks import (
    DeliveryAnswer,
    DeliveryList,
    DeliveryStarted,
    RequestSecret,
    WebhookAnswer,
    WebhookList,
    WebhookWithSecret,
)
from api.auditing import audit
from api.endpoint import Endpoint, endpoint, principal
from api.idempotency import replayed
from api.json_body import read_json
from api.principal import Scope
from api.query import query_of
from api.services import services
from api.timestamps import timestamp
from api.webhooks.records import Delivery, EventType, Webhook
from api.webhooks.registry import WebhookRegistry

blueprint = Blueprint("webhooks", __name__)

Url = Annotated[str, Field(min_length=8, max_length=2048)]


class WebhookBody(BaseModel):
    """A webhook to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Where to post. `https://`, unless this server allows others.
    url: Url
    #: What it wants to know; all when not given.
    events: tuple[EventType, ...] = ()
    #: For oneself.
    description: Annotated[str, Field(max_length=200)] = ""


class WebhookChanges(BaseModel):
    """What is to be different; what is not given stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Url | None = None
    events: Annotated[tuple[EventType, ...], Field(min_length=1)] | None = None
    description: Annotated[str, Field(max_length=200)] | None = None
    #: False: nothing is sent. True: it is again, also after its server answered 410.
    enabled: bool | None = None


class LogQuery(BaseModel):
    """Which part of the log."""

    #: At most so many.
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    #: A former part's `next_cursor`.
    after: str | None = None


_NOT_FOUND = ("webhook_not_found",)


def _endpoint(**given: Any) -> Endpoint:  # noqa: ANN401 - Endpoint's own
    return Endpoint(scope=Scope.WEBHOOKS, tag="webhooks", **given)


@blueprint.post("/api/v1/webhooks")
@replayed(has_secret=True)
@endpoint(
    _endpoint(
        bucket="write",
        bodies={"application/json": WebhookBody},
        answers={201: WebhookWithSecret},
        problems=("url_refused", "too_many_webhooks"),
        idempotent=True,
    )
)
def create() -> Response:
    """Add a webhook. Its secret is told in this answer and never again."""
    body = read_json(WebhookBody)
    owner = principal().user_id
    webhook, secret = _registry().create(
        owner, url=body.url, events=body.events, description=body.description
    )
    audit("webhook.created", user_id=owner, webhook_id=webhook.id)
    response = _with_secret(webhook, secret)
    response.status_code = 201
    response.headers["Location"] = f"/api/v1/webhooks/{webhook.id}"
    return response


@blueprint.get("/api/v1/webhooks")
@endpoint(_endpoint(answers={200: WebhookList}))
def read_all() -> Response:
    """List one's webhooks."""
    found = _registry().store.list(principal().user_id)
    items = tuple(_answer(webhook) for webhook in found)
    return _json(WebhookList(items=items, next_cursor=None))


@blueprint.get("/api/v1/webhooks/<string(length=37):webhook_id>")
@endpoint(_endpoint(answers={200: WebhookAnswer}, problems=_NOT_FOUND))
def read(webhook_id: str) -> Response:
    """Read a webhook."""
    return _json(_answer(_registry().get(principal().user_id, webhook_id)))


@blueprint.patch("/api/v1/webhooks/<string(length=37):webhook_id>")
@endpoint(
    _endpoint(
        bucket="write",
        bodies={"application/json": WebhookChanges},
        answers={200: WebhookAnswer},
        problems=(*_NOT_FOUND, "url_refused"),
    )
)
def change(webhook_id: str) -> Response:
    """Change a webhook, pause it, or let it go on."""
    body = read_json(WebhookChanges)
    fields = body.model_dump(include={"url", "description"}, exclude_none=True)
    if body.events is not None:
        fields["events"] = " ".join(body.events)
    if body.enabled is not None:
        fields["disabled"] = "" if body.enabled else "paused"
    owner = principal().user_id
    webhook = _registry().change(owner, webhook_id, **fields)
    audit("webhook.changed", user_id=owner, webhook_id=webhook_id)
    return _json(_answer(webhook))


@blueprint.delete("/api/v1/webhooks/<string(length=37):webhook_id>")
@endpoint(_endpoint(bucket="write", answers={204: None}, problems=_NOT_FOUND))
def delete(webhook_id: str) -> Response:
    """Delete a webhook. What was still to be sent to it is given up."""
    owner = principal().user_id
    _registry().delete(owner, webhook_id)
    audit("webhook.deleted", user_id=owner, webhook_id=webhook_id)
    return Response(status=204)


@blueprint.post("/api/v1/webhooks/<string(length=37):webhook_id>/rotate-secret")
@replayed(has_secret=True)
@endpoint(
    _endpoint(
        bucket="write",
        answers={200: WebhookWithSecret},
        problems=_NOT_FOUND,
        idempotent=True,
    )
)
def rotate_secret(webhook_id: str) -> Response:
    """Make another secret. The former one signs beside it until the next rotation."""
    owner = principal().user_id
    webhook, secret = _registry().rotate(owner, webhook_id)
    audit("webhook.secret_rotated", user_id=owner, webhook_id=webhook_id)
    return _with_secret(webhook, secret)


@blueprint.post("/api/v1/webhooks/<string(length=37):webhook_id>/test")
@replayed
@endpoint(
    _endpoint(
        bucket="write",
        answers={202: DeliveryStarted},
        problems=_NOT_FOUND,
        idempotent=True,
    )
)
def test(webhook_id: str) -> Response:
    """Send an event of type `webhook.test`."""
    delivery_id = _registry().test(principal().user_id, webhook_id)
    return _json(DeliveryStarted(delivery_id=delivery_id), 202)


@blueprint.get("/api/v1/webhooks/secret")
@endpoint(_endpoint(answers={200: RequestSecret}))
def read_request_secret() -> Response:
    """Read the secret that signs deliveries to the `webhook_url` of single requests."""
    return _json(RequestSecret(secret=_registry().request_secret(principal().user_id)))


@blueprint.get("/api/v1/webhooks/deliveries")
@endpoint(_endpoint(query=LogQuery, answers={200: DeliveryList}))
def read_deliveries() -> Response:
    """Read what was sent, and what is still to be; the latest thousand, for a week."""
    query = query_of(LogQuery)
    page = _registry().store.log(principal().user_id, after=query.after, limit=query.limit)
    items = tuple(_delivery(delivery) for delivery in page.deliveries)
    return _json(DeliveryList(items=items, next_cursor=page.after))


@blueprint.post("/api/v1/webhooks/deliveries/<delivery_id>/redeliver")
@replayed
@endpoint(
    _endpoint(
        bucket="write",
        answers={202: DeliveryStarted},
        problems=("delivery_not_found",),
        idempotent=True,
    )
)
def redeliver(delivery_id: str) -> Response:
    """Send a delivery anew, whatever became of it; its id stays the same."""
    _registry().redeliver(principal().user_id, delivery_id)
    return _json(DeliveryStarted(delivery_id=delivery_id), 202)


def _registry() -> WebhookRegistry:
    return services().webhooks


def _answer(webhook: Webhook) -> WebhookAnswer:
    return WebhookAnswer(**_members(webhook))


def _with_secret(webhook: Webhook, secret: str) -> Response:
    response = _json(WebhookWithSecret(**_members(webhook), secret=secret))
    response.headers["Cache-Control"] = "no-store"
    return response


def _members(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.events,
        "description": webhook.description,
        "enabled": not webhook.disabled,
        "disabled_reason": webhook.disabled or None,
        "created_at": timestamp(webhook.created_ms),
    }


def _delivery(delivery: Delivery) -> DeliveryAnswer:
    return DeliveryAnswer(
        id=delivery.id,
        webhook_id=delivery.webhook_id or None,
        url=delivery.url,
        type=delivery.type,
        subject=delivery.subject,
        state=delivery.state,
        attempt=delivery.attempt,
        created_at=timestamp(delivery.event_ms) or "",
        next_attempt_at=timestamp(delivery.due_ms),
        status=delivery.status,
        error=delivery.error or None,
    )


def _json(answer: BaseModel, status: int = 200) -> Response:
    return Response(answer.model_dump_json(), status=status, mimetype="application/json")
