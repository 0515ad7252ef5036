"""Webhooks from the settings."""

from dataclasses import replace

import redis

from api.accounts.redis_credentials import gateway_secret
from api.accounts.sealing import Seal
from api.outbound.guard import Outbound
from api.outbound.targets import policy_of
from api.webhooks.posting import GuardedPoster
from api.webhooks.pump import WebhookPump
from api.webhooks.redis_webhooks import RedisWebhooks
from api.webhooks.registry import WebhookRegistry
from api.webhooks.sending import Sender
from workers.settings.process import Settings

#: Beyond one try's own limit: until another process takes a delivery whose sender has died.
_LEASE_SPARE_SECONDS = 15.0


def open_webhooks(client: redis.Redis, settings: Settings) -> tuple[WebhookRegistry, WebhookPump]:
    """What the routes ask, and what sends in the background; the pump is not started."""
    policy = policy_of(
        settings.webhooks, settings.webhook_allowed_hosts, settings.webhook_allowed_networks
    )
    outbound = Outbound(replace(policy, https_only=not settings.webhook_plain_http))
    store = RedisWebhooks(client)
    registry = WebhookRegistry(
        store,
        outbound,
        Seal(gateway_secret(settings), purpose="webhooks"),
    )
    poster = GuardedPoster(outbound, total_seconds=settings.webhook_seconds)
    pump = WebhookPump(
        store,
        Sender(store, poster, registry.unseal),
        lease_seconds=settings.webhook_seconds + _LEASE_SPARE_SECONDS,
    )
    return registry, pump
