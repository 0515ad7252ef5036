"""Webhooks and their deliveries on Redis or Valkey; the scripts are in `api/webhooks/lua`.

A delivery is made by the script that ends its job or batch (`announce_end` in `workers/jobs/lua`),
in the same step: no end goes untold because a process died.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import redis

from api.webhooks.records import Delivery, DeliveryState, DisabledWhy, Page, Webhook
from workers.connections.calls import scripts_of, text, texts, translated

PREFIX = "fs:{jobs}:hooks:"
#: The keys that the scripts make of it; docs/reference/redis-keys.md describes them.
HOOK_PREFIX = PREFIX + "hook:"
OF_PREFIX = PREFIX + "of:"
SECRET_PREFIX = PREFIX + "secret:"
DELIVERY_PREFIX = PREFIX + "delivery:"
DUE = PREFIX + "due"
LOG_PREFIX = PREFIX + "log:"
#: Most webhooks of one owner: each is told of every end.
MOST_WEBHOOKS = 20
_SCRIPTS = (
    "create",
    "change",
    "rotate",
    "delete",
    "forget",
    "secret",
    "tell",
    "take_due",
    "settle",
    "redeliver",
)

#: What came of a try.
Outcome = Literal["delivered", "failed", "again"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DueDelivery:
    """A delivery whose next try has begun: it is this caller's until the lease ends."""

    delivery: Delivery
    #: Sealed; each signs.
    secrets: tuple[str, ...]


class RedisWebhooks:
    """The store of webhooks.

    Every method raises StoreUnavailable when the store does not answer in time.

    Args:
        client: Its answers may be text or bytes.
        clock_ms: Replaces the server's clock, for tests.
    """

    def __init__(self, client: redis.Redis, *, clock_ms: Callable[[], int] | None = None) -> None:
        self._client = client
        self._clock_ms = clock_ms
        self._scripts = scripts_of(client, "api.webhooks", _SCRIPTS)

    def create(self, webhook: Webhook) -> bool:
        """Store a webhook; False when its owner has MOST_WEBHOOKS already."""
        return bool(
            self._call(
                "create",
                webhook.id,
                webhook.owner,
                webhook.url,
                " ".join(webhook.secrets),
                " ".join(webhook.events),
                webhook.description,
                MOST_WEBHOOKS,
            )
        )

    def change(self, webhook_id: str, owner: str, **fields: str) -> bool:
        """Change fields as a webhook's hash holds them; False when the owner has none such."""
        flat = [part for pair in fields.items() for part in pair]
        return bool(self._call("change", webhook_id, owner, *flat))

    def rotate(self, webhook_id: str, owner: str, sealed: str) -> bool:
        """Sign with another secret and the former one; False when the owner has none such."""
        return bool(self._call("rotate", webhook_id, owner, sealed))

    def delete(self, webhook_id: str, owner: str) -> bool:
        """Delete a webhook; False when the owner has none such."""
        return bool(self._call("delete", webhook_id, owner))

    def forget(self, owner: str) -> int:
        """Delete all webhooks of an owner and the secret of their requests; how many there were."""
        return int(self._call("forget", owner))

    def find(self, webhook_id: str, owner: str) -> Webhook | None:
        """A webhook of an owner's."""
        with translated():
            fields = self._client.hgetall(HOOK_PREFIX + webhook_id)
        found = texts(cast("Mapping[object, object]", fields))
        return _webhook(webhook_id, found) if found.get("owner") == owner else None

    def list(self, owner: str) -> Sequence[Webhook]:
        """All webhooks of an owner, oldest first."""
        with translated():
            ids = sorted(map(text, cast("set[object]", self._client.smembers(OF_PREFIX + owner))))
            with self._client.pipeline(transaction=False) as asked:
                for id_ in ids:
                    asked.hgetall(HOOK_PREFIX + id_)
                answers = [texts(fields) for fields in asked.execute()]
        return tuple(_webhook(id_, one) for id_, one in zip(ids, answers, strict=True) if one)

    def request_secret(self, owner: str, sealed: str) -> str:
        """The sealed secret for addresses given with requests; the given one if there is none."""
        return text(self._call("secret", owner, sealed))

    def tell(self, webhook: Webhook, *, type_: str, subject: str) -> str:
        """Make a delivery for one webhook; its id."""
        return text(self._call("tell", webhook.id, webhook.owner, type_, subject))

    def take_due(self, limit: int, *, lease_seconds: float) -> Sequence[DueDelivery]:
        """Begin a try of deliveries that are due; who does not settle one in time loses it."""
        flat = self._call("take_due", limit, int(lease_seconds * 1000))
        return tuple(
            DueDelivery(
                delivery=_delivery(text(id_), _pairs(fields)), secrets=tuple(text(secrets).split())
            )
            for id_, secrets, fields in zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        )

    def settle(
        self, delivery: Delivery, outcome: Outcome, *, status: int | None, error: str, pause_ms: int
    ) -> bool:
        """End a try; False when another one has begun since, and nothing was written."""
        told = "" if status is None else status
        return bool(
            self._call("settle", delivery.id, delivery.attempt, told, error, outcome, pause_ms)
        )

    def redeliver(self, delivery_id: str, owner: str) -> bool:
        """Send a delivery anew from its first try; False when the owner has none such."""
        return bool(self._call("redeliver", delivery_id, owner))

    def log(self, owner: str, *, after: str | None, limit: int) -> Page:
        """A part of an owner's deliveries, newest first.

        Args:
            owner: Whose.
            after: A former page's `after`.
            limit: Most of them.
        """
        log = LOG_PREFIX + owner
        with translated():
            rank = self._client.zrevrank(log, after) if after else -1
            if rank is None:
                return Page(deliveries=(), after=None)
            first = int(cast("int", rank)) + 1
            ids = [
                text(id_)
                for id_ in cast(
                    "list[object]", self._client.zrevrange(log, first, first + limit - 1)
                )
            ]
            with self._client.pipeline(transaction=False) as asked:
                for id_ in ids:
                    asked.hgetall(DELIVERY_PREFIX + id_)
                hashes = [texts(fields) for fields in asked.execute()]
        # Of what was forgotten meanwhile only the id is left.
        deliveries = tuple(
            _delivery(id_, fields) for id_, fields in zip(ids, hashes, strict=True) if fields
        )
        return Page(deliveries=deliveries, after=ids[-1] if len(ids) == limit else None)

    def _call(self, name: str, *arguments: str | int) -> Any:  # noqa: ANN401 - one type per script
        now = "" if self._clock_ms is None else self._clock_ms()
        with translated():
            return self._scripts[name](keys=[PREFIX], args=[now, *arguments])


def _pairs(flat: Sequence[object]) -> dict[str, str]:
    return {text(name): text(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _webhook(id_: str, fields: Mapping[str, str]) -> Webhook:
    return Webhook(
        id=id_,
        owner=fields["owner"],
        url=fields["url"],
        events=tuple(fields["events"].split()),
        description=fields["description"],
        disabled=cast("DisabledWhy", fields["disabled"]),
        created_ms=int(fields["created_ms"]),
        secrets=tuple(fields["secrets"].split()),
    )


def _delivery(id_: str, fields: Mapping[str, str]) -> Delivery:
    return Delivery(
        id=id_,
        webhook_id=fields["hook"],
        owner=fields["owner"],
        url=fields["url"],
        type=fields["type"],
        subject=fields["subject"],
        state=cast("DeliveryState", fields["state"]),
        attempt=int(fields["attempt"]),
        event_ms=int(fields["event_ms"]),
        due_ms=_number(fields.get("due_ms")),
        status=_number(fields.get("status")),
        error=fields.get("error", ""),
        tried_ms=_number(fields.get("tried_ms")),
    )


def _number(told: str | None) -> int | None:
    return int(told) if told else None
