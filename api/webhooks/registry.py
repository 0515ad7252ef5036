"""Webhooks as their owners handle them: addresses checked, secrets made, sealed and told once."""

import uuid_utils

from api.accounts.sealing import Seal, SealBroken
from api.errors import ApiError
from api.outbound.errors import UrlRefused
from api.outbound.guard import Outbound
from api.webhooks.records import EVENT_TYPES, TEST_TYPE, Webhook
from api.webhooks.redis_webhooks import MOST_WEBHOOKS, RedisWebhooks
from api.webhooks.signing import new_secret


class WebhookRegistry:
    """What the routes ask.

    Args:
        store: Where webhooks are kept.
        outbound: Knows which addresses may be called.
        seal: Closes secrets.
    """

    def __init__(self, store: RedisWebhooks, outbound: Outbound, seal: Seal) -> None:
        self.store = store
        self._outbound = outbound
        self._seal = seal

    def check_url(self, url: str, *, field: str = "url") -> None:
        """Refuse an address that would never be called.

        Raises:
            ApiError: `url_refused`.
        """
        try:
            self._outbound.check(url)
        except UrlRefused as error:
            raise ApiError("url_refused", str(error), field=field) from None

    def accept(self, owner: str, url: str) -> None:
        """Take an address given with a request: it is checked, and there is a secret to sign with.

        Raises:
            ApiError: `url_refused`.
        """
        self.check_url(url, field="webhook_url")
        self.request_secret(owner)

    def create(
        self, owner: str, *, url: str, events: tuple[str, ...], description: str
    ) -> tuple[Webhook, str]:
        """A webhook and its secret, which is told here and never again.

        Raises:
            ApiError: `url_refused`, or `too_many_webhooks`.
        """
        self.check_url(url)
        secret = new_secret()
        webhook = Webhook(
            id=f"hook_{uuid_utils.uuid7().hex}",
            owner=owner,
            url=url,
            events=events or EVENT_TYPES,
            description=description,
            disabled="",
            created_ms=0,
            secrets=(self._seal.close(secret),),
        )
        if not self.store.create(webhook):
            detail = f"An account has {MOST_WEBHOOKS} webhooks at most. Delete one first."
            raise ApiError("too_many_webhooks", detail)
        return self.get(owner, webhook.id), secret

    def get(self, owner: str, webhook_id: str) -> Webhook:
        """A webhook of an owner's.

        Raises:
            ApiError: `webhook_not_found`.
        """
        webhook = self.store.find(webhook_id, owner)
        if webhook is None:
            raise _unknown()
        return webhook

    def change(self, owner: str, webhook_id: str, **fields: str) -> Webhook:
        """Change fields as the store holds them; the webhook as it is then.

        Raises:
            ApiError: `url_refused`, or `webhook_not_found`.
        """
        if "url" in fields:
            self.check_url(fields["url"])
        if fields and not self.store.change(webhook_id, owner, **fields):
            raise _unknown()
        return self.get(owner, webhook_id)

    def rotate(self, owner: str, webhook_id: str) -> tuple[Webhook, str]:
        """Another secret; the former one signs beside it until the next rotation.

        Raises:
            ApiError: `webhook_not_found`.
        """
        secret = new_secret()
        if not self.store.rotate(webhook_id, owner, self._seal.close(secret)):
            raise _unknown()
        return self.get(owner, webhook_id), secret

    def delete(self, owner: str, webhook_id: str) -> None:
        """Delete a webhook.

        Raises:
            ApiError: `webhook_not_found`.
        """
        if not self.store.delete(webhook_id, owner):
            raise _unknown()

    def test(self, owner: str, webhook_id: str) -> str:
        """Have a test event sent; the delivery's id.

        Raises:
            ApiError: `webhook_not_found`.
        """
        webhook = self.get(owner, webhook_id)
        return self.store.tell(webhook, type_=TEST_TYPE, subject=f"test_{uuid_utils.uuid7().hex}")

    def redeliver(self, owner: str, delivery_id: str) -> None:
        """Send a delivery anew.

        Raises:
            ApiError: `delivery_not_found`.
        """
        if not self.store.redeliver(delivery_id, owner):
            raise ApiError("delivery_not_found", "There is no such delivery, or it is forgotten.")

    def request_secret(self, owner: str) -> str:
        """What signs deliveries to addresses given with requests; made when first asked for."""
        sealed = self.store.request_secret(owner, self._seal.close(new_secret()))
        return self.unseal(sealed)

    def unseal(self, sealed: str) -> str:
        """A secret as it is told and signed with.

        Raises:
            ValueError: it was sealed with another gateway secret.
        """
        try:
            return self._seal.open(sealed)
        except SealBroken as error:
            raise ValueError("The secret was sealed with another gateway secret.") from error


def _unknown() -> ApiError:
    return ApiError("webhook_not_found", "There is no such webhook.")
